// SmallBroker: one whole shard, the lead, on a simulated kernel that does what it is asked. A test
// decides every byte its peers say and every moment that passes, and sees every byte that comes
// back. What the kernel may do wrong is tests/sim's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/server/base/access_sink.h"
#include "broker/server/base/admin_surface.h"
#include "broker/server/base/options.h"
#include "broker/server/base/switchboard.h"
#include "broker/server/shard/shard.h"
#include "tests/server/application.h"
#include "tests/sim/kernel.h"
#include "tests/sim/sim_ring.h"

#include "common/ip_address.h"

namespace fanfare::server::testing {

// One client. Reads all that comes, unless it was told not to.
class Peer final : public sim::SocketOwner {
 public:
  explicit Peer(sim::Kernel& kernel, sim::Door door);

  // All of it fits into the socket: a test of the broker's reading does not test the peer's
  // writing.
  void say(std::string_view bytes);
  // As much of `text`, over and over, as fits; `said` is how much of it went in all.
  void say_what_fits(std::string_view text, std::size_t& said);
  void come_from(const IpAddress& address) { socket_->come_from(address); }
  void shut_down() { socket_->shutdown_write(); }
  void hang_up() { socket_->close(false); }
  void stop_reading() { reading_ = false; }
  void read_on();
  // Once, though it has stopped reading; at most so many bytes.
  void read_some(std::size_t size);

  // All that has come since it was last taken.
  std::string take();
  // The broker's FIN, or its reset, has come.
  bool ended() const { return ended_; }
  bool reset() const { return reset_; }
  bool gone() const { return ended_ || reset_; }

  void changed(sim::Socket& socket) override;

 private:
  sim::Socket* socket_;
  std::string heard_;
  bool reading_ = true;
  bool ended_ = false;
  bool reset_ = false;
};

// With Options::tls_server and publish_tls_server, there is a door for TLS as well
// (tests/server/tls_peer.h).
// `box_bytes`: what connections with several streams hold (tests/sim/bundle_port.h); 0: those
// speak HTTP/2.
class SmallBroker {
 public:
  static constexpr std::string_view kEpoch = "ep0ch00";
  static constexpr std::uint32_t kSubscribersMax = 16;

  explicit SmallBroker(const Options& options = {}, AdminSurface* surface = nullptr,
                       const sim::Faults& faults = {},
                       std::uint32_t subscribers_max = kSubscribersMax,
                       std::function<Routes&(Routes&)> in_front = {}, Gate* gate = nullptr,
                       BrokerPhase phase = BrokerPhase::serving, std::size_t box_bytes = 0,
                       ListenerKind subscribers = {});
  // Everybody goes; nothing may be left, and no promise to the kernel may have been broken.
  ~SmallBroker();
  SmallBroker(const SmallBroker&) = delete;
  SmallBroker& operator=(const SmallBroker&) = delete;

  Peer& subscriber() { return connect(sim::Door::subscribers); }
  // From there, port 40000.
  Peer& subscriber_from(std::string_view address);
  Peer& publisher() { return connect(sim::Door::publishers); }
  Peer& network_publisher() { return connect(sim::Door::network_publishers); }
  Peer& connect(sim::Door door);
  Peer& operators() { return connect(sim::Door::admin); }
  // What routes ask; it listens from the first call on.
  Application& application();
  // Says GET `target` over HTTP/1.0, whose answer has no chunks, and takes what comes at once.
  Peer& get(std::string_view target, std::string_view fields = {});
  // Publishes with PUBLISH and expects it to be taken.
  void publish(std::string_view channel, std::string_view data);
  // Any other command: its reply.
  std::string command(std::string_view line);

  // Long enough for a question and its answer, unless said otherwise.
  void pass(Duration time = 20ms);
  // The shard gets one turn, in which no time passes; or time passes, and it gets none.
  void turn() { shard_->turn(kernel_.now()); }
  void pass_without_turns(Duration time);
  // One turn that may wait; how long it did.
  Duration waiting_turn();
  TimePoint now() const { return kernel_.now(); }
  void drain();
  bool finished() const { return shard_->finished(); }
  // To a subscriber's request that is answered later. It is sent as time passes.
  void answer(ExchangeId exchange, const HttpPort::Answerer& make) {
    shard_->answer(Port::subscriber, exchange, make);
  }
  void enter(BrokerPhase phase) { switchboard_.phase = phase; }
  // As a gate does whose batches have become durable.
  void wake() { ring_.wake(); }
  // As another shard would.
  void post(Message message) { shard_->mailbox().post(std::move(message)); }
  // From now on no shard is asked who subscribes to a channel: it seems to be stuck.
  void lose_roll_calls() { roll_calls_lost_ = true; }
  std::uint32_t slots() const { return ring_.capacity(); }
  void another_shard_receives(std::uint64_t bytes) { switchboard_.subscriber_bodies += bytes; }
  void another_shard_works(bool works) { switchboard_.shards_at_work += works ? 1U : ~0U; }
  // Every byte the broker sends, at the moment its socket is given it.
  void watch_sends(std::function<void(std::string_view)> watch) {
    ring_.watch_sends(std::move(watch));
  }
  // What the shard has left for the access log since this was last asked; and whether that is
  // taken from it.
  std::string access_lines() { return std::exchange(access_log_.lines, {}); }
  void jam_access_log(bool jammed) { access_log_.jammed = jammed; }
  // Whether the channel, which is there, would be written to a journal.
  bool journaled(std::string_view channel) const;
  // The newest event that was sealed.
  std::uint64_t sealed() const { return switchboard_.head.load(); }

  // The time of day there: its kernel's clock, from 1970.
  std::chrono::sys_seconds date() const;
  const Counters& counters() const { return shard_->counters(); }
  // What the kernel may do wrong from now on.
  sim::Faults& faults() { return kernel_.faults(); }
  // As the last tick left them; lets one pass.
  Counters reported();
  ShardSnapshot snapshot();
  std::uint64_t closes(CloseReason reason);
  std::uint64_t stream_ends(CloseReason reason);

 private:
  struct AccessLog final : AccessSink {
    bool take(std::uint32_t /*shard*/, std::string& text) override {
      if (!jammed) lines += std::exchange(text, {});
      return !jammed;
    }
    std::string lines;
    bool jammed = false;
  };

  AccessLog access_log_;
  sim::Report report_;
  sim::Kernel kernel_;
  sim::SimRing ring_;
  std::optional<TlsRing> tls_;
  Switchboard switchboard_{1};
  const fanout::Log* log_ = nullptr;  // the shard's
  std::unique_ptr<Shard> shard_;
  std::deque<Peer> peers_;
  std::unique_ptr<Application> application_;
  Peer* commander_ = nullptr;
  bool roll_calls_lost_ = false;
};

// A further [[channel]], or [[route]], of which everything else is still to be said.
ChannelRule& channel_rule(Options& options, std::string_view match);
RouteRule& route_rule(Options& options, std::string_view path,
                      std::vector<std::string> channels = {});

// What follows the head of a response.
std::string body_of(std::string_view response);
// What follows the opening lines of an event stream: the text after `:` on a line of its own.
std::string events_of(std::string_view response);
// What the stream says of its place before its first event; empty if it says nothing.
std::string position_of(std::string_view response);
// It as an event.
std::string position_event(std::string_view id);

}  // namespace fanfare::server::testing
