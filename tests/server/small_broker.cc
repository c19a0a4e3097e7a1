#include "tests/server/small_broker.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "broker/server/streams/h2_port.h"
#include "tests/sim/bundle_port.h"

#include "common/check.h"

namespace fanfare::server::testing {
namespace {

// A shard that turns this often without letting time pass is caught in a loop.
constexpr int kTurnsMax = 100'000;

}  // namespace

Peer::Peer(sim::Kernel& kernel, sim::Door door) : socket_(kernel.connect(door, *this, 0)) {
  CHECK(socket_ != nullptr, "the broker listens at every door that a test knocks at");
}

void Peer::say(std::string_view bytes) {
  const int sent = socket_->send(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(sent, static_cast<int>(bytes.size()));
}

void Peer::say_what_fits(std::string_view text, std::size_t& said) {
  while (true) {
    const std::string_view piece = text.substr(said % text.size());
    const int sent = socket_->send(std::as_bytes(std::span(piece)));
    if (sent <= 0) return;
    said += static_cast<std::size_t>(sent);
  }
}

void Peer::read_on() {
  reading_ = true;
  changed(*socket_);
}

void Peer::read_some(std::size_t size) {
  std::string bytes(size, '\0');
  const int got = socket_->receive(std::as_writable_bytes(std::span(bytes)));
  if (got > 0) heard_.append(bytes, 0, static_cast<std::size_t>(got));
}

std::string Peer::take() {
  return std::exchange(heard_, {});
}

void Peer::changed(sim::Socket& socket) {
  while (reading_ && !ended_ && !reset_) {
    std::array<std::byte, 4096> bytes;
    const int got = socket.receive(bytes);
    if (got == -EAGAIN) return;
    if (got > 0) {
      heard_.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(got));
    }
    ended_ = got == 0;
    reset_ = got < 0;
  }
}

SmallBroker::SmallBroker(const Options& options, AdminSurface* surface, const sim::Faults& faults,
                         std::uint32_t subscribers_max, std::function<Routes&(Routes&)> in_front,
                         Gate* gate, BrokerPhase phase, std::size_t box_bytes,
                         ListenerKind subscribers)
    : kernel_(1, faults, report_),
      ring_(kernel_, subscribers_max + kSpareSlots + kAdminSlots + kTurnedAwaySlots, "ring",
            sim::SimRing::Pools::of(faults)) {
  switchboard_.post = [this](std::uint32_t, Message message) {
    if (roll_calls_lost_ && std::holds_alternative<RollCallMessage>(message)) return;
    shard_->mailbox().post(std::move(message));
  };
  switchboard_.wake_lead = [this] { ring_.wake(); };
  switchboard_.access = &access_log_;
  enter(phase);
  SharedPort::Maker shared = [](const SharedPort::Parts& parts) {
    return std::make_unique<H2Port>(parts);
  };
  if (box_bytes > 0) {
    shared = [this, box_bytes](const SharedPort::Parts& parts) {
      return std::make_unique<sim::BundlePort>(parts, kernel_, box_bytes);
    };
  }
  if (options.tls_server || options.publish_tls_server) {
    tls_.emplace(ring_, TlsServers{options.tls_server, options.publish_tls_server});
  }
  const fanout::Epoch epoch = *fanout::Epoch::parse(kEpoch);
  auto log = std::make_unique<fanout::Log>(fanout::LogOptions{.epoch = epoch});
  log_ = log.get();
  const std::chrono::nanoseconds wall = date().time_since_epoch();
  auto recovered = std::make_shared<RecoveredLog>(
      RecoveredLog{.log = std::move(log),
                   .clock = {.log = {wall.count()}, .wall = fanout::WallTime(wall)},
                   .past = fanout::Past(kernel_.now())});
  io::Ring& seam = tls_ ? static_cast<io::Ring&>(*tls_) : ring_;
  shard_ = std::make_unique<Shard>(ShardConfig{.index = 0,
                                               .subscribers_max = subscribers_max,
                                               .connections_max = subscribers_max,
                                               .epoch = epoch,
                                               .recovered = std::move(recovered),
                                               .seed = 1,
                                               .options = std::make_shared<const Options>(options),
                                               .surface = surface,
                                               .gate = gate,
                                               .ingest_users = {},
                                               .in_front = std::move(in_front),
                                               .shared = std::move(shared),
                                               .tls = tls_ ? &*tls_ : nullptr,
                                               .wall_clock = [this] { return date(); }},
                                   seam, switchboard_);
  if (options.tls_server)
    shard_->listen(Port::subscriber, kernel_.listen(sim::Door::tls), {.tls = true});
  if (options.publish_tls_server) {
    shard_->listen(Port::publish, kernel_.listen(sim::Door::tls_publishers), {.tls = true});
  }
  shard_->listen(Port::subscriber, kernel_.listen(sim::Door::subscribers), subscribers);
  shard_->listen(Port::ingest, kernel_.listen(sim::Door::publishers));
  shard_->listen(Port::publish, kernel_.listen(sim::Door::network_publishers));
  if (surface != nullptr) shard_->listen(Port::admin, kernel_.listen(sim::Door::admin));
}

bool SmallBroker::journaled(std::string_view channel) const {
  return log_->sources().find(channel)->limits.journal;
}

SmallBroker::~SmallBroker() {
  if (!shard_->finished()) {
    shard_->mailbox().post(DrainMessage{.at_once = true});
    pass(1s);
  }
  EXPECT_TRUE(shard_->finished());
  EXPECT_EQ(shard_->open_slots(), 0U);
  EXPECT_TRUE(ring_.left().nothing());
  for (const Quotas* const quotas : {&switchboard_.addresses, &switchboard_.bearers}) {
    EXPECT_EQ(quotas->held(Quotas::Kind::connection), 0U) << "each gives back what it took";
    EXPECT_EQ(quotas->held(Quotas::Kind::stream), 0U) << "each gives back what it took";
  }
  EXPECT_EQ(kernel_.unclaimed(), 0U);
  for (const std::string& problem : report_.problems()) ADD_FAILURE() << problem;
}

std::chrono::sys_seconds SmallBroker::date() const {
  return std::chrono::sys_seconds(
      std::chrono::floor<std::chrono::seconds>(Duration(kernel_.now().nanoseconds)));
}

Peer& SmallBroker::connect(sim::Door door) {
  return peers_.emplace_back(kernel_, door);
}

Peer& SmallBroker::subscriber_from(std::string_view address) {
  Peer& peer = subscriber();
  peer.come_from(*IpAddress::parse(address));
  return peer;
}

Application& SmallBroker::application() {
  if (!application_) application_ = std::make_unique<Application>(kernel_);
  return *application_;
}

Peer& SmallBroker::get(std::string_view target, std::string_view fields) {
  Peer& peer = subscriber();
  peer.say(fmt::format("GET {} HTTP/1.0\r\nHost: x\r\n{}\r\n", target, fields));
  pass();
  return peer;
}

void SmallBroker::publish(std::string_view channel, std::string_view data) {
  EXPECT_EQ(command(fmt::format("*3\r\n$7\r\nPUBLISH\r\n${}\r\n{}\r\n${}\r\n{}\r\n", channel.size(),
                                channel, data.size(), data))
                .front(),
            ':');
}

std::string SmallBroker::command(std::string_view line) {
  if (commander_ == nullptr) commander_ = &publisher();
  commander_->say(line);
  if (!line.ends_with("\r\n")) commander_->say("\r\n");
  pass();
  return commander_->take();
}

void SmallBroker::pass(Duration time) {
  const TimePoint end = kernel_.now() + time;
  int turns = 0;
  while (!shard_->finished() && (kernel_.now() < end || ring_.ready() || shard_->work_waiting())) {
    shard_->turn(end);
    if (++turns == kTurnsMax) {
      ADD_FAILURE() << "the shard never rests";
      return;
    }
  }
  while (kernel_.step(end)) {
  }
}

Duration SmallBroker::waiting_turn() {
  const TimePoint begun = kernel_.now();
  shard_->turn(begun + 1s);
  return kernel_.now() - begun;
}

void SmallBroker::pass_without_turns(Duration time) {
  const TimePoint end = kernel_.now() + time;
  while (kernel_.step(end)) {
  }
}

void SmallBroker::drain() {
  shard_->mailbox().post(DrainMessage{.at_once = false});
  pass();
}

Counters SmallBroker::reported() {
  return snapshot().counters;
}

std::uint64_t SmallBroker::stream_ends(CloseReason reason) {
  return snapshot().stream_ends[static_cast<std::size_t>(reason)];
}

std::uint64_t SmallBroker::closes(CloseReason reason) {
  return snapshot().closes[static_cast<std::size_t>(reason)];
}

ShardSnapshot SmallBroker::snapshot() {
  pass(2 * kTick);
  const std::lock_guard lock(switchboard_.board);
  return switchboard_.snapshots[0];
}

ChannelRule& channel_rule(Options& options, std::string_view match) {
  ChannelRule& rule = options.channels.emplace_back();
  rule.match = match;
  return rule;
}

RouteRule& route_rule(Options& options, std::string_view path, std::vector<std::string> channels) {
  RouteRule& rule = options.routes.emplace_back();
  rule.path = path;
  rule.channels = std::move(channels);
  return rule;
}

std::string body_of(std::string_view response) {
  const std::size_t end = response.find("\r\n\r\n");
  EXPECT_NE(end, std::string_view::npos) << response;
  return std::string(response.substr(end == std::string_view::npos ? response.size() : end + 4));
}

std::string events_of(std::string_view response) {
  const std::string body = body_of(response);
  const std::size_t opened = body.find("\n:\n");
  EXPECT_NE(opened, std::string::npos) << body;
  return opened == std::string::npos ? std::string() : body.substr(opened + 3);
}

std::string position_of(std::string_view response) {
  const std::string body = body_of(response);
  EXPECT_TRUE(body.starts_with("retry: ")) << body;
  const std::size_t begin = body.find('\n') + 1;
  const std::size_t end = body.find(":\n", begin);
  return end == std::string::npos ? std::string() : body.substr(begin, end - begin);
}

std::string position_event(std::string_view id) {
  return fmt::format("event: ~position\ndata: {{\"position\":\"{0}\"}}\nid: {0}\n\n", id);
}

}  // namespace fanfare::server::testing
