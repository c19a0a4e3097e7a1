// Every promise of a ring, on the simulated one: the same suite that the real ones pass.
#include <gmock/gmock.h>

#include <deque>
#include <memory>
#include <optional>

#include "broker/io/address.h"
#include "tests/io/ring_conformance.h"
#include "tests/sim/kernel.h"
#include "tests/sim/sim_ring.h"

namespace fanfare::sim {
namespace {

class SimulatedWorld final : public io::World, public SocketOwner {
 public:
  SimulatedWorld(const io::RingOptions& options, bool sends_at_once)
      : kernel_(1, calm(sends_at_once), report_),
        listener_(kernel_.listen(sim::Door::subscribers)),
        door_(kernel_.listen(sim::Door::upstream)) {
    ring_ = std::make_unique<SimRing>(kernel_, options.slots, "ring",
                                      SimRing::Pools{.request_size = options.request.size,
                                                     .request_count = options.request.count,
                                                     .ingest_size = options.ingest.size,
                                                     .ingest_count = options.ingest.count});
  }
  ~SimulatedWorld() override { EXPECT_THAT(report_.problems(), testing::IsEmpty()); }

  void changed(Socket&) override {}
  io::Ring& ring() override { return *ring_; }
  int listener() override { return listener_; }
  Peer connect() override {
    peers_.push_back({.socket = kernel_.connect(sim::Door::subscribers, *this, 0)});
    EXPECT_NE(peers_.back().socket, nullptr);
    return peers_.size() - 1;
  }
  void write(Peer peer, std::string_view bytes) override {
    EXPECT_EQ(peers_[peer].socket->send(io::bytes_of(bytes)), static_cast<int>(bytes.size()));
  }
  std::string read(Peer peer, std::size_t size_max) override {
    std::string bytes(size_max, '\0');
    const int size = peers_[peer].socket->receive(std::as_writable_bytes(std::span(bytes)));
    if (size == 0 && size_max > 0) peers_[peer].end = End::finished;
    if (size < 0 && size != -EAGAIN) peers_[peer].end = End::reset;
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return bytes;
  }
  End end_of(Peer peer) override { return peers_[peer].end; }
  void finish(Peer peer) override { peers_[peer].socket->shutdown_write(); }
  void reset(Peer peer) override { peers_[peer].socket->close(true); }

  io::PeerAddress address_of(Door) override { return io::unix_address("/door").value(); }
  std::optional<Peer> take(Door) override {
    if (kernel_.waiting(door_) == 0) return std::nullopt;
    peers_.push_back({.socket = kernel_.claim(kernel_.take(door_))});
    peers_.back().socket->set_owner(this, 0);
    return peers_.size() - 1;
  }
  void shut(Door) override { kernel_.close_listener(door_); }
  void crowd(Door door) override {
    if (door == Door::tcp) {
      kernel_.faults().connect_stalls = 1;
    } else {
      kernel_.faults().backlog = 0;
    }
  }

 private:
  static Faults calm(bool sends_at_once) {
    Faults faults = Faults::none();
    faults.sends_at_once = sends_at_once;
    return faults;
  }

  struct OtherEnd {
    Socket* socket = nullptr;
    End end = End::open;
  };
  Report report_;
  Kernel kernel_;
  int listener_;
  int door_;
  std::unique_ptr<SimRing> ring_;
  std::deque<OtherEnd> peers_;
};

io::WorldFactory simulated(bool sends_at_once) {
  return [sends_at_once](const io::RingOptions& options) {
    return std::make_unique<SimulatedWorld>(options, sends_at_once);
  };
}

}  // namespace
}  // namespace fanfare::sim

namespace fanfare::io {
namespace {

INSTANTIATE_TEST_SUITE_P(SendsInSubmit, RingConformance, testing::Values(sim::simulated(false)));
INSTANTIATE_TEST_SUITE_P(SendsAtOnce, RingConformance, testing::Values(sim::simulated(true)));

}  // namespace
}  // namespace fanfare::io
