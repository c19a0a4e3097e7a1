// SimRing: the Ring of one shard over the simulated Kernel. It honours broker/io/ring.h to the
// letter and uses all the freedom that the contract leaves: operations run as late as submit() (or,
// on some seeds, at the call), completions come late, in any order and after the close that
// cancelled them.
//
// It also watches the shard: whatever breaks the contract is a failure of the seed. It reads the
// bytes of a queued send twice, when it is queued and when it runs, and so sees a block that was
// freed or moved too early; it poisons received bytes once they are recycled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "broker/io/ring.h"
#include "tests/sim/agenda.h"
#include "tests/sim/kernel.h"
#include "tests/sim/socket.h"

namespace fanfare::sim {

class SimRing final : public io::Ring, public SocketOwner, public Acceptor, public Actor {
 public:
  // Receive buffers: small ones for requests, large ones for publishers.
  struct Pools {
    std::size_t request_size = 2048, request_count = 64;
    std::size_t ingest_size = 16U << 10U, ingest_count = 8;
    // As the seed's faults say.
    static Pools of(const Faults& faults);
  };
  // The kernel outlives the ring. `label` is for failures and traces.
  SimRing(Kernel& kernel, std::uint32_t capacity, std::string label, const Pools& pools);
  ~SimRing() override;

  // ---- io::Ring
  std::string_view name() const override { return "simulated"; }
  std::uint32_t capacity() const override { return static_cast<std::uint32_t>(slots_.size()); }
  TimePoint now() const override { return kernel_.now(); }
  void accept(int listener, io::Token token) override;
  void cancel_accept(io::Token token) override;
  void hold_handshakes(int listener) override { kernel_.hold_handshakes(listener); }
  void stop_listening(int listener, std::vector<int>& waiting) override;
  bool adopt(int descriptor, io::Slot slot) override;
  void refuse(int descriptor, std::string_view farewell = {}) override;
  io::PeerAddress peer_of(int descriptor) override;
  void connect(io::Slot slot, const io::PeerAddress& address, io::Token token) override;
  // A simulated broker hands nothing over.
  int lend(io::Slot slot) override;
  void receive(io::Slot slot, io::Token token,
               io::BufferClass buffers = io::BufferClass::request) override;
  void recycle(const io::Completion& received) override;
  void poll(io::Slot slot, io::Interest interest, io::Token token) override;
  void send(io::Slot slot, std::span<const std::byte> bytes, io::Token token) override;
  void shutdown_write(io::Slot slot) override;
  void close(io::Slot slot, std::span<const io::Token> armed, io::Token token, bool reset) override;
  void submit(std::vector<io::Completion>& out) override;
  void wait(TimePoint deadline, std::vector<io::Completion>& out) override;
  void wake() override;

  // ---- for the world that steps the shard
  // wait() would return at once: something is queued, or completed, or woke it.
  bool ready() const;
  // As if the process had been killed: every connection is reset and nothing reaches anybody any
  // more. What the shard still asks completes at once, so that it can be taken apart. The ring
  // itself stays until the world ends, because the agenda may still name it.
  void die();

  // ---- for the leak checker
  struct Left {
    std::size_t slots = 0;        // open or not yet closed
    std::size_t armed = 0;        // tokens that have not completed
    std::size_t buffers = 0;      // received and not recycled
    std::size_t queued = 0;       // never submitted
    std::size_t completions = 0;  // never taken
    std::size_t accepts = 0;
    bool nothing() const { return slots + armed + buffers + queued + completions + accepts == 0; }
  };
  Left left() const;
  // Is shown the bytes of every send as it is asked for.
  void watch_sends(std::function<void(std::string_view)> watcher) {
    send_watcher_ = std::move(watcher);
  }

  void changed(Socket& socket) override;
  void connection_waiting(int listener) override;
  void act(std::uint64_t what) override;

 private:
  // What act() is to do: bits 0 to 7; for a connect with its slot and how often that had been
  // closed.
  static constexpr std::uint64_t kAcceptAgain = 1;
  static constexpr std::uint64_t kConnectEnds = 2;

  enum class Verb : std::uint8_t {
    receive,
    hang_up,
    writable,
    connect,
    send,
    shutdown_write,
    close,
  };
  struct Operation {
    Verb verb{};
    io::Slot slot = 0;
    io::Token token;
    std::span<const std::byte> bytes;
    std::uint64_t sum = 0;
    bool reset = false;
    io::BufferClass buffers{};
  };
  // A receive, a poll or a connect of one slot.
  struct Request {
    bool armed = false;  // the caller has not had its completion yet
    bool live = false;   // the kernel has it and has not completed it yet
    io::Token token;
    io::BufferClass buffers{};
  };
  enum class Phase : std::uint8_t { free, connecting, open, closing };
  struct Entry {
    Phase phase = Phase::free;
    std::uint32_t use = 0;     // how often the slot has been closed
    Socket* socket = nullptr;  // none while it connects
    std::string place{};       // to which it connects
    bool secret = false;       // what is sent differs each time: TLS
    Request requests[4]{};     // by Verb
    bool sent = false;         // since the last submit
  };
  enum class Origin : std::uint8_t { request, accept, close };
  struct Pending {
    TimePoint ready;
    std::uint64_t order;
    io::Completion completion;
    Origin origin{};
    Verb verb{};
    io::Slot slot = 0;
    std::uint32_t use = 0;
  };
  struct Accept {
    int listener = 0;
    io::Token token;
    bool live = false;
    bool armed = false;
    bool starved = false;  // ended for want of a descriptor or of memory
  };

  void fail(std::string problem);
  // The errno with which an operation ends, negated; 0: it does what it is asked.
  int error_of(int& once, std::initializer_list<int> possible);
  Entry* open_entry(io::Slot slot, std::string_view verb);
  bool claim_token(io::Token token);
  void arm(io::Slot slot, Verb verb, io::Token token, io::BufferClass buffers = {});
  void queue(Operation operation);
  void run(const Operation& operation);
  void run_send(const Operation& operation);
  int send_with_bugs(Socket& socket, std::span<const std::byte> bytes);
  void run_connect(const Operation& operation);
  void connect_ends(io::Slot slot);
  void run_close(const Operation& operation);
  void run_queued(std::vector<io::Completion>& out);
  void evaluate(io::Slot slot);
  void complete(io::Slot slot, Verb verb, std::int32_t result);
  void complete_receive(io::Slot slot);
  void note_retry();
  void accept_waiting(Accept& accept);
  void complete_accept(Accept& accept, std::int32_t result, bool more);
  Duration completion_delay();
  void pend(Pending pending);
  void take_ready(std::vector<io::Completion>& out);
  void deliver(const Pending& pending, std::vector<io::Completion>& out);

  Kernel& kernel_;
  std::string label_;
  std::vector<Entry> slots_;
  std::vector<Accept> accepts_;
  std::vector<Operation> queued_;
  std::vector<io::Completion> sends_;  // what incomplete sends report in this submit
  std::vector<Pending> pending_;
  std::uint64_t pending_made_ = 0;
  std::unordered_set<std::uint64_t> armed_;  // tokens that have not completed
  TimePoint accepted_last_{};                // accepts complete in order
  TimePoint retries_end_{};                  // of the second in which retries_ are counted
  int retries_ = 0;

  struct Buffer {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
    io::BufferClass of{};
    bool held = false;
  };
  std::vector<Buffer> buffers_;
  std::optional<TimePoint> wake_due_;
  std::function<void(std::string_view)> send_watcher_;
  bool dead_ = false;
};

}  // namespace fanfare::sim
