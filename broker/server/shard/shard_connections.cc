// Shard, the part about connections: carrying out what the ports and the streams ordered.

#include <algorithm>
#include <array>
#include <utility>

#include "broker/server/shard/shard.h"

namespace fanfare::server {
namespace {

constexpr Tick kLingerTicks = 20;
// From a stream's last byte to the reset that ends it: several round trips, and a moment to read.
constexpr Tick kResetTicks = 10;
constexpr std::size_t kRecentClosesMax = 16;
constexpr std::size_t kShownTopicsMax = 80;

bool is_slow(CloseReason reason) {
  return reason == CloseReason::slow_stalled || reason == CloseReason::slow_evicted ||
         reason == CloseReason::slow_starving;
}

// Half of an answer has left, and the rest never will. (A publisher keeps what it was told before.)
bool breaks_off(const Connection& connection) {
  return connection.state == State::answering && connection.port == Port::subscriber;
}

// A FIN would say the wrong thing: where the body ends with the connection (HTTP/1.0), that it is
// complete; in mid-event, that the half of it is all there is. A peer that does not read would not
// even see it.
bool needs_reset(const Connection& connection, CloseReason reason, bool mid_event) {
  if (reason == CloseReason::stream_complete || reason == CloseReason::handed_over) return false;
  return is_slow(reason) || connection.until_close || mid_event;
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

void Shard::obey(io::Slot slot, PortOrder order) {
  switch (order.kind) {
    case PortOrder::Kind::none:
      return;
    case PortOrder::Kind::receive:
      arm_receive(slot);
      return;
    case PortOrder::Kind::wait:
      arm_hang_up(slot);
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
      begin_stream(slot, std::move(*order.stream));
      return;
  }
}

void Shard::arm_receive(io::Slot slot) {
  Connection& connection = connections_[slot];
  if (connection.receive_armed) return;
  io::BufferClass buffers = io::BufferClass::request;
  if (is_publishers(connection.port)) {
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
    const bool waits = is_publishers(connection.port) &&
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
  return connection.turned_away ? turned_away_open_ : *kind_of(connection).open;
}

void Shard::arm_hang_up(io::Slot slot) {
  Connection& connection = connections_[slot];
  if (connection.hang_up_armed) return;
  connection.hang_up_armed = true;
  ring_.poll(slot, io::Interest::hang_up, connections_.token(Op::poll_hang_up, slot));
}

void Shard::answer(Port port, ExchangeId exchange, const HttpPort::Answerer& make) {
  if ((exchange.index & kSharedExchange) != 0) {
    shared_->answer(exchange, tick_, make);
    return obey_shared();
  }
  auto answered = kind_of(port).http->answer(exchange, tick_, make);
  if (answered) obey(answered->slot, std::move(answered->order));
}

// Polls that wait, or that an earlier turn had no room for.
void Shard::answer_polls() {
  polls_.look_around();
  while (const auto exchange = polls_.next_due()) {
    answer(Port::subscriber, *exchange, [this](const Request& request, Response& response) {
      polls_.answer(request, response);
    });
  }
}

// Admin streams are not counted as subscribers.
void Shard::count_stream(const Subscriber& subscriber, int change) {
  if (subscriber.live_page) {
    counters_.admin_streams += static_cast<std::uint64_t>(change);
    return;
  }
  if (change < 0) seats_.give_back();  // it was taken when the stream was asked for
}

// By the clocks of this moment; what lies beyond the life of a tick never comes.
Tick Shard::tick_of(std::chrono::sys_seconds date) const {
  const auto now = std::chrono::floor<std::chrono::seconds>(time_of_day());
  if (date <= now) return tick_;
  const auto left = static_cast<std::uint64_t>((date - now).count());
  const std::uint64_t tick = tick_ + left * (std::chrono::seconds(1) / kTick);
  return left < kNever && tick < kNever ? static_cast<Tick>(tick) : kNever;
}

void Shard::begin_stream(io::Slot slot, StreamStart start) {
  Connection& connection = connections_[slot];
  if (start.carried_for) connections_.carry(slot, *start.carried_for);
  connection.subscriber = open_stream(Outlet::socket(slot), std::move(start));
  connection.state = State::streaming;
  connection.due = kNever;
  arm_hang_up(slot);
}

Member Shard::open_stream(Outlet outlet, StreamStart start) {
  const Connection& connection = connections_[outlet.slot()];
  const std::string query = std::move(start.query);
  const std::string presented = std::move(start.presented);
  AccessLine access = std::move(start.access);
  const std::string subject = std::move(start.subject);
  const auto expires = start.expires;
  const Duration life = start.life;
  const StreamShares shares = start.shares;
  const auto ends = start.ends;
  const bool ends_complete = start.ends_complete;
  const bool live_page = connection.port == Port::admin;
  const Member member = delivery_.open(std::move(start), outlet, live_page, tick_);
  presence_.came(member, {.query = query, .cursor = presented, .subject = subject});
  Subscriber& subscriber = subscribers_[member];
  subscriber.farewell = connection.leaving ? Farewell::due : Farewell::none;
  set_end(subscriber, expires, life);
  subscriber.look_again(subscriber.heartbeat == 0
                            ? tick_ + ticks(settings_->delivery.stall)
                            : heartbeat_visit(tick_ + subscriber.heartbeat, subscriber.heartbeat));
  if (!access.text.empty()) {
    access_.stream_began(member, std::move(access), replica_.topics(replica_.feed(subscriber.feed)),
                         subject);
  }
  if (ends) lifetimes_.add(member, *ends, ends_complete, settings_->delivery.stall);
  limits_.began(member, shares);
  count_stream(subscriber, +1);
  return member;
}

// Streams that began together, after a restart or at nine in the morning, do not end together: each
// up to a quarter of its life earlier.
void Shard::set_end(Subscriber& subscriber, std::chrono::sys_seconds expires, Duration life) {
  subscriber.expires = tick_of(expires);
  if (life == Duration(0)) return;
  const Tick longest = ticks(life);
  const Tick end = tick_ + longest - static_cast<Tick>(random_.below(longest / 4 + 1));
  subscriber.ages = end < subscriber.expires;
  subscriber.expires = std::min(end, subscriber.expires);
}

// Every stream ends here, whatever ends it. A shared connection has its own words for that, and
// goes on. The stream's own connection goes on to the next request if the body has an end of its
// own; otherwise the end of the connection tells the client.
void Shard::end_stream(const StreamEnd& end) {
  const Member member = end.subscriber;
  if (!subscribers_.in_use(member)) return;
  const Outlet outlet = subscribers_[member].outlet;
  const io::Slot slot = outlet.slot();
  const bool complete = end.ending() == Ending::complete;
  const bool mid_event = delivery_.in_mid_event(member);
  const bool live_page = subscribers_[member].live_page;
  if (!complete && !live_page && end.reason != CloseReason::handed_over)
    note_close(member, end.reason);
  if (!live_page) ++stream_ends_[static_cast<std::size_t>(end.reason)];
  if (end.reason != CloseReason::handed_over) presence_.went(member, end.reason);
  access_.stream_ended(member, name_of(end.reason));
  count_stream(subscribers_[member], -1);
  limits_.ended(member);
  delivery_.close(member, end.ending());
  if (outlet.is_box()) return;
  Connection& connection = connections_[slot];
  connections_.carry_no_more(slot);
  connection.subscriber = kNone;
  connection.reason = end.reason;
  connection.state = State::reading;  // no stream's any more
  if (complete && connection.keep_alive && !connection.leaving) {
    obey(slot, kind_of(connection).http->begin(slot, tick_));
  } else if (end.said && (complete || connection.until_close)) {
    linger(slot, end.reason);
  } else {
    close(slot, end.reason, mid_event);
  }
}

void Shard::end_streams() {
  for (const StreamEnd& end : std::exchange(ends_, {})) end_stream(end);
}

void Shard::note_close(Member member, CloseReason reason) {
  const Subscriber& subscriber = subscribers_[member];
  const io::Slot slot = subscriber.outlet.slot();
  if (recent_closes_.size() == kRecentClosesMax) recent_closes_.erase(recent_closes_.begin());
  recent_closes_.push_back({.unix_ms = time_of_day().time_since_epoch().count(),
                            .reason = reason,
                            .peer = connections_.peer(slot).text(),
                            .topics = shown_topics(replica_.topics(replica_.feed(subscriber.feed))),
                            .lived = kTick * (tick_ - connections_[slot].opened)});
}

void Shard::forget_requests(io::Slot slot) {
  const Connection& connection = connections_[slot];
  if (connection.state == State::greeting) greeter_.release(slot);
  if (connection.state == State::shared) shared_->release(slot);
  if (connection.exchange != kNone) kind_of(connection).http->release(slot);
  if (is_publishers(connection.port)) {
    desk_->roll_calls().forget(roll_asker(slot));
    desk_->ingest_port().release(slot);
  }
  if (connection.port == Port::upstream) upstreams_.release(slot);
}

// Everything was sent: FIN goes out at once, and the socket is closed when the peer's has come, so
// that what the peer still sends does not turn our last bytes into a reset. Where the end is to be
// a reset, it waits until the peer has had time to read: a reset may overtake what was sent.
void Shard::linger(io::Slot slot, CloseReason reason) {
  Connection& connection = connections_[slot];
  const bool reset = needs_reset(connection, reason, /*mid_event=*/false);
  forget_requests(slot);
  connection.state = State::lingering;
  connection.reason = reason;
  connection.due = tick_ + (reset ? kResetTicks : kLingerTicks);
  if (!reset) ring_.shutdown_write(slot);
  if (connection.receive_armed) return;
  connection.receive_armed = true;
  ring_.receive(slot, connections_.token(Op::receive, slot));
}

void Shard::close(io::Slot slot, CloseReason reason, bool mid_event) {
  Connection& connection = connections_[slot];
  if (connection.state == State::free || connection.state == State::closing) return;
  if (connection.state == State::streaming) return end_stream({connection.subscriber, reason});
  if (connection.state == State::shared) end_streams_of(slot, reason);
  const bool reset = needs_reset(connection, reason, mid_event || breaks_off(connection));
  connection.reason = reason;
  forget_requests(slot);
  ++closes_[static_cast<std::size_t>(reason)];
  --open_connections(connection);
  limits_.disconnected(slot);

  std::array<io::Token, 4> armed;
  std::size_t count = 0;
  if (connection.connect_armed) armed[count++] = connections_.token(Op::connect, slot);
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
