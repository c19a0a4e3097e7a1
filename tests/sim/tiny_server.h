// TinyServer: a throw-away broker of one shard over a Ring, with mistakes to order. It exists to
// show that the checkers let a right server pass and see each kind of wrong one.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/ledger.h"
#include "tests/sim/sim_ring.h"
#include "tests/sim/transcript.h"
#include "tests/sim/world.h"

namespace fanfare::sim {

enum class TinyBug : std::uint8_t {
  none,
  drops_an_event,     // now and then one is not sent
  repeats_an_event,   // now and then the cursor does not move
  cuts_an_event,      // the rest of a short send is forgotten
  hides_a_gap,        // evicted events are passed over in silence
  tells_a_false_gap,  // a gap where nothing is missing
  forgets_a_close,    // a hang-up is ignored
  moves_a_block,      // the bytes of queued sends lie in one buffer
  ends_too_early,     // the last chunk is sent though nothing was finished
};

class TinyServer final : public Machine {
 public:
  TinyServer(World& world, TinyBug bug);

  // Puts it into the log; acknowledged at once.
  void publish(Publication& publication);

  std::size_t shard_count() const override { return 1; }
  bool runnable(std::size_t shard) const override;
  void turn(std::size_t shard) override;
  TimePoint next_deadline(std::size_t /*shard*/) const override { return {std::int64_t{1} << 62U}; }
  std::string left() const override;

 private:
  enum Op : std::uint8_t { op_accept, op_receive, op_hang_up, op_writable, op_send, op_close };
  struct Frame {
    std::uint64_t sequence = 0;
    std::string channel;
    std::string text;
  };
  struct Subscriber {
    bool open = false;
    bool streaming = false;
    bool chunked = true;
    bool blocked = false;
    bool doomed = false;
    std::uint32_t generation = 0;
    bool armed[3] = {};  // receive, hang-up, writable
    std::string head;
    Transcript wish;
    std::uint64_t cursor = 0;
    std::shared_ptr<const std::string> block;
    bool sent = false;  // in this turn, and nothing was heard of it
  };

  io::Token token(Op op, io::Slot slot) const;
  void take(const io::Completion& completion);
  void accepted(const io::Completion& completion);
  void read(io::Slot slot, const io::Completion& completion);
  void begin_stream(io::Slot slot);
  void send_next(io::Slot slot);
  std::string framed(const Subscriber& subscriber, const std::string& text) const;
  std::string next_text(Subscriber& subscriber);
  std::string gap_text(Subscriber& subscriber);
  void close(io::Slot slot);
  void arm(io::Slot slot, Op op);

  World& world_;
  TinyBug bug_;
  SimRing ring_;
  int listener_;
  std::vector<Subscriber> subscribers_;
  std::deque<Frame> window_;
  std::map<std::string, std::uint64_t> evicted_;  // through which sequence, by channel
  std::uint64_t head_ = 0;
  std::string scratch_;
  bool dirty_ = false;
};

}  // namespace fanfare::sim
