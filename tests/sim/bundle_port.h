// BundlePort: the broker's side of bundles (bundle_frame.h), so that whole shards carry several
// subscriptions of one connection. It does what any port of that kind has to, in the plainest way,
// and makes a few mistakes if it is told to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/server/streams/shared_port.h"
#include "tests/sim/bundle_frame.h"
#include "tests/sim/kernel.h"

namespace fanfare::sim {

class BundlePort final : public server::SharedPort {
 public:
  // A box takes `box_bytes` and some frame heads; ends and answers always find room.
  BundlePort(const Parts& parts, Kernel& kernel, std::size_t box_bytes)
      : parts_(parts), kernel_(kernel), box_bytes_(box_bytes) {}

  void begin(io::Slot slot, server::Tick tick, std::string_view first) override;
  void received(io::Slot slot, std::string_view bytes, server::Tick tick) override;
  void overdue(io::Slot slot, server::Tick tick) override;
  void writable(io::Slot slot) override;
  void answer(server::ExchangeId /*exchange*/, server::Tick /*tick*/,
              const server::HttpPort::Answerer& /*make*/) override {}  // answers everything at once
  void leave(io::Slot /*slot*/) override {}
  void opened(io::Slot slot, std::uint32_t stream, fanout::Member subscriber) override;
  std::optional<server::SharedOrder> next() override;
  std::vector<fanout::Member> subscribers(io::Slot slot) const override;
  bool quiet(io::Slot slot) const override;
  bool waiting() const override;
  void release(io::Slot slot) override;

  std::optional<std::size_t> take(io::Slot slot, fanout::Member subscriber,
                                  std::string_view bytes) override;
  void end(io::Slot slot, fanout::Member subscriber, server::Ending ending) override;
  void flush() override;
  void flushed(std::span<const io::Completion> cuts) override;

 private:
  struct Stream {
    std::uint32_t number = 0;
    std::optional<fanout::Member> subscriber{};  // none: not opened yet
    bool cancelled = false;                      // before it was
    bool owed = false;                           // was not taken from whole
  };
  struct Box {
    std::string in;  // not a whole frame, or greeting, yet
    std::string out;
    std::vector<Stream> streams;
    bool greeted = false;
    bool full = false;    // the socket
    bool broken = false;  // the same
    bool active = true;   // something happened since its time was last looked at

    bool sendable() const { return !out.empty() && !full && !broken; }
  };

  void say(Box& box, BundleFrame::Kind kind, std::uint32_t stream, std::string_view payload);
  void order(io::Slot slot, server::PortOrder order);
  bool take_frames(io::Slot slot, Box& box);
  void open(io::Slot slot, Box& box, const BundleFrame& frame);
  void cancel(Box& box, std::uint32_t number);
  void sent(io::Slot slot, int result);
  void give_room(Box& box);
  bool errs(PlantedBug bug, double rate);

  Parts parts_;
  Kernel& kernel_;
  std::size_t box_bytes_;
  std::map<io::Slot, Box> boxes_;
  std::deque<server::SharedOrder> orders_;
  std::vector<io::Slot> in_flight_;  // between flush() and flushed()
  server::Response response_;
};

}  // namespace fanfare::sim
