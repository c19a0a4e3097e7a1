// Shard, the part about connections: carrying out what the ports and the streams ordered.

#include <algorithm>
#include <array>
#include <utility>

#include "broker/server/shard.h"

namespace fanfare::server {
namespace {

constexpr Tick kLingerTicks = 20;
// From a stream's last byte to the reset that ends it: several round trips, and a moment to read.
constexpr Tick kResetTicks = 10;
constexpr std::size_t kRecentClosesMax = 16;
constexpr std::size_t kShownTopicsMax = 80;

bool is_slow(CloseReason reason) {
  return reason == CloseReason::slow_stalled || reason == CloseReason::slow_evicted;
}

std::string shown_topics(const std::vector<std::string>& topics) {
  std::string shown;
  for (const std::string& topic : topics) {
    if (!shown.empty()) shown += ' ';
    shown += topic;
    if (shown.size() > kShownTopicsMax) break;
  }
  shown.resize(std::min(shown.size(), kShownTopicsMax));
  return shown;
}

}  // namespace

HttpPort& Shard::port_of(const Connection& connection) {
  switch (connection.port) {
    case Port::subscriber:
      return port_;
    case Port::admin:
      return *desk_->admin_port();
    case Port::ingest:
      return desk_->publish_port();
  }
  std::unreachable();
}

void Shard::obey(io::Slot slot, PortOrder order) {
  switch (order.kind) {
    case PortOrder::Kind::none:
      return;
    case PortOrder::Kind::receive:
      arm_receive(slot);
      return;
    case PortOrder::Kind::linger:
      linger(slot, order.reason);
      return;
    case PortOrder::Kind::close:
      close(slot, order.reason);
      return;
    case PortOrder::Kind::room:
      arm_room(slot);
      return;
    case PortOrder::Kind::stream:
      begin_stream(slot);
      return;
  }
}

void Shard::arm_receive(io::Slot slot) {
  Connection& connection = connections_[slot];
  if (connection.receive_armed) return;
  io::BufferClass buffers = io::BufferClass::request;
  if (connection.port == Port::ingest) {
    if (!connection.turned_away && desk_->lead().overrun()) {
      if (!switchboard_.publishers_paused.exchange(true)) ++counters_.ingest_paused_total;
      desk_->ingest_port().hold(slot);
      return;
    }
    buffers = io::BufferClass::ingest;
  }
  connection.receive_armed = true;
  ring_.receive(slot, connections_.token(Op::receive, slot), buffers);
}

// The shards have caught up with the log: publishers are read from again.
void Shard::release_held() {
  if (desk_->lead().overrun()) return;
  switchboard_.publishers_paused.store(false);
  for (const io::Slot slot : desk_->ingest_port().take_held()) {
    const Connection& connection = connections_[slot];
    const bool waits = connection.port == Port::ingest &&
                       (connection.state == State::publisher || connection.state == State::reading);
    if (waits) arm_receive(slot);
  }
}

void Shard::arm_room(io::Slot slot) {
  Connection& connection = connections_[slot];
  if (connection.writable_armed) return;
  connection.writable_armed = true;
  ring_.poll(slot, io::Interest::writable, connections_.token(Op::poll_writable, slot));
}

std::uint64_t& Shard::open_connections(const Connection& connection) {
  if (connection.turned_away) return turned_away_open_;
  switch (connection.port) {
    case Port::subscriber:
      return counters_.connections_open;
    case Port::admin:
      return counters_.admin_connections_open;
    case Port::ingest:
      return counters_.ingest_connections_open;
  }
  std::unreachable();
}

// Who looks on is not among the subscribers.
void Shard::count_stream(const Connection& connection, int change) {
  if (connection.port == Port::admin) {
    counters_.admin_streams += static_cast<std::uint64_t>(change);
    return;
  }
  if (change < 0) seats_.give_back();  // it was taken when the stream was asked for
}

void Shard::begin_stream(io::Slot slot) {
  Connection& connection = connections_[slot];
  connection.state = State::streaming;
  connection.quiet_since = tick_;
  connection.due = connection.heartbeat == 0
                       ? tick_ + ticks(settings_->delivery.stall)
                       : heartbeat_visit(tick_ + connection.heartbeat, connection.heartbeat);
  count_stream(connection, +1);
  if (connection.hang_up_armed) return;
  connection.hang_up_armed = true;
  ring_.poll(slot, io::Interest::hang_up, connections_.token(Op::poll_hang_up, slot));
}

void Shard::stream_ended(const Delivery::Outcome& outcome) {
  const io::Slot slot = outcome.slot;
  Connection& connection = connections_[slot];
  if (connection.state != State::streaming) return;
  const bool says_goodbye =
      outcome.complete || (connection.until_close && outcome.reason != CloseReason::peer_reset);
  if (!says_goodbye) {
    close(slot, outcome.reason);
  } else if (outcome.complete && connection.keep_alive && !connection.leaving) {
    leave_stream(slot, outcome.reason);
    obey(slot, port_of(connection).begin(slot, tick_));
  } else {
    linger(slot, outcome.reason);
  }
}

// Every stream ends here, however it does.
void Shard::leave_stream(io::Slot slot, CloseReason reason) {
  Connection& connection = connections_[slot];
  if (reason != CloseReason::stream_complete && connection.port == Port::subscriber)
    note_close(slot, reason);
  presence_.went(slot, reason);
  delivery_.close(slot);
  count_stream(connection, -1);
  connection.reason = reason;
}

void Shard::note_close(io::Slot slot, CloseReason reason) {
  const Connection& connection = connections_[slot];
  if (recent_closes_.size() == kRecentClosesMax) recent_closes_.erase(recent_closes_.begin());
  recent_closes_.push_back(
      {.unix_ms = time_of_day().time_since_epoch().count(),
       .reason = reason,
       .peer = connections_.peer(slot).text(),
       .topics = shown_topics(replica_.topics(audiences_[connection.audience].feed)),
       .lived = kTick * (tick_ - connection.opened)});
}

// A FIN would say the wrong thing: where the body ends with the connection (HTTP/1.0), that it is
// complete; in mid-event, that the half of it is all there is. A peer that does not read would not
// even see it.
bool Shard::needs_reset(io::Slot slot, CloseReason reason) const {
  if (reason == CloseReason::stream_complete) return false;
  return is_slow(reason) || connections_[slot].until_close || delivery_.in_mid_event(slot);
}

// Everything was said: FIN goes out at once, the socket is closed when the peer's has come, so that
// what it still sends meanwhile does not turn our last bytes into a reset. Where the end is to be a
// reset, that waits until the peer has had time to read: a reset may overtake what was sent.
void Shard::linger(io::Slot slot, CloseReason reason) {
  Connection& connection = connections_[slot];
  const bool reset = needs_reset(slot, reason);
  if (connection.state == State::streaming) leave_stream(slot, reason);
  if (connection.exchange != kNone) port_of(connection).release(slot);
  if (connection.port == Port::ingest) desk_->ingest_port().release(slot);
  connection.state = State::lingering;
  connection.reason = reason;
  connection.due = tick_ + (reset ? kResetTicks : kLingerTicks);
  if (!reset) ring_.shutdown_write(slot);
  if (connection.receive_armed) return;
  connection.receive_armed = true;
  ring_.receive(slot, connections_.token(Op::receive, slot));
}

void Shard::close(io::Slot slot, CloseReason reason) {
  Connection& connection = connections_[slot];
  if (connection.state == State::free || connection.state == State::closing) return;
  const bool reset = needs_reset(slot, reason);
  if (connection.state == State::streaming) leave_stream(slot, reason);
  if (connection.exchange != kNone) port_of(connection).release(slot);
  if (connection.port == Port::ingest) desk_->ingest_port().release(slot);
  ++closes_[static_cast<std::size_t>(reason)];
  --open_connections(connection);

  std::array<io::Token, 3> armed;
  std::size_t count = 0;
  if (connection.receive_armed) armed[count++] = connections_.token(Op::receive, slot);
  if (connection.hang_up_armed) armed[count++] = connections_.token(Op::poll_hang_up, slot);
  if (connection.writable_armed) armed[count++] = connections_.token(Op::poll_writable, slot);
  connection.state = State::closing;
  connection.due = kNever;
  ring_.close(slot, std::span(armed.data(), count), connections_.token(Op::close, slot), reset);
}

void Shard::closed(io::Slot slot) {
  connections_.free(slot);
}

}  // namespace fanfare::server
