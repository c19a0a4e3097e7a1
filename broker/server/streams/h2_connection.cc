#include "broker/server/streams/h2_connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/check.h"

namespace fanfare::server {
namespace {

// A box is filled until it holds so much: some two hundred events, or two frames of the largest
// size. What the socket does not take stays in it.
constexpr std::size_t kBoxBytes = 32U << 10U;
constexpr std::size_t kSpareBoxes = 8;
constexpr std::int32_t kFrameBytes = 16U << 10U;
// What is to be said last may take so long to be read.
constexpr Tick kLastWordTicks = 50;
// From a stream's last byte to its reset: several round trips, and a moment to read.
constexpr Tick kResetTicks = 10;
// A client that reads opens the connection's window again within a round trip.
constexpr Tick kStarvedTicks = 20;

std::uint64_t& flood_counter(Counters& counters, h2::Flood flood) {
  switch (flood) {
#define X(name, burst, rate, help) \
  case h2::Flood::name:            \
    return counters.h2_flood_##name##_total;
    FANFARE_H2_FLOODS(X)
#undef X
    case h2::Flood::none:
      break;
  }
  return counters.h2_violations_total;
}

}  // namespace

H2Connection::H2Connection(io::Slot slot, H2Room& room)
    : slot_(slot),
      room_(room),
      session_({.limits = room.parts.settings.subscriber_requests(),
                .streams_max = room.parts.settings->limits.h2_streams},
               room.memory, *this),
      window_max_(session_.window()),
      idle_since_(room.tick) {
  ++room_.parts.counters.h2_connections_total;
  ++room_.parts.counters.h2_connections_open;
  leaving_ = connection().leaving;
  if (leaving_) session_.announce_goodbye();
}

H2Connection::~H2Connection() {
  --room_.parts.counters.h2_connections_open;
  for (const std::uint32_t index : std::exchange(exchanges_, {})) {
    forget(room_.exchanges[index], name_of(connection().reason));
  }
  keep_box();
}

void H2Connection::order(PortOrder order) {
  room_.orders.emplace_back(ConnectionOrder{.slot = slot_, .order = std::move(order)});
}

void H2Connection::received(std::string_view bytes) {
  idle_since_ = room_.tick;
  if (!ceasing_) {
    session_.read(bytes, TimePoint{} + kTick * room_.tick);
    window_max_ = std::max(window_max_, session_.window());
    if (session_.window() > 0) starved_since_ = kNever;
    look_for_end();
    give_room();
    set_due();
  }
  order({PortOrder::Kind::receive});
}

// The session is over by itself, or has nothing left to do while the broker stops.
void H2Connection::look_for_end() {
  const bool idle =
      streams_.empty() && parting_.empty() && exchanges_.empty() && !session_.in_head();
  if (leaving_ && asked_ && idle) say_goodbye();
  if (session_.over()) cease();
  const bool said = out_.empty() && !session_.has_output() && streams_.empty();
  if (ceasing_ && said && !std::exchange(ordered_, true)) {
    order({PortOrder::Kind::linger, connection().reason});
  }
}

// Once all that was to be said before is in the box: nothing can be said afterwards.
void H2Connection::say_goodbye() {
  session_.write(out_, kBoxBytes);
  if (!session_.has_output()) session_.goodbye();
}

// Streams end, since nothing more can be said on them; the connection does when GOAWAY is out.
void H2Connection::cease() {
  if (std::exchange(ceasing_, true)) return;
  CloseReason reason = leaving_ ? CloseReason::drained : CloseReason::idle_timeout;
  if (session_.failed()) {
    const h2::Flood flood = session_.flood();
    reason = flood == h2::Flood::none ? CloseReason::h2_violation : CloseReason::h2_flood;
    ++flood_counter(room_.parts.counters, flood);
  }
  connection().reason = reason;
  connection().due = room_.tick + kLastWordTicks;
  parting_.clear();
  for (Stream& stream : streams_) {
    if (std::exchange(stream.gone, true) || stream.subscriber == kNone) continue;
    room_.orders.emplace_back(StreamCancelled{stream.subscriber});
  }
}

void H2Connection::leave() {
  if (std::exchange(leaving_, true)) return;
  session_.announce_goodbye();
  asked_ = true;
  look_for_end();
}

bool H2Connection::quiet() const {
  return streams_.empty() && parting_.empty() && exchanges_.empty() && out_.empty() &&
         !session_.has_output();
}

// The earliest of its requests' times; without any, and without streams, that of idling.
void H2Connection::set_due() {
  if (ceasing_) return;
  Tick due = kNever;
  for (const std::uint32_t index : exchanges_) due = std::min(due, room_.exchanges[index].due);
  if (session_.in_head()) due = std::min(due, idle_since_ + ticks(settings()->limits.head_time));
  if (!parting_.empty()) due = std::min(due, parting_.front().due);
  if (streams_.empty() && parting_.empty() && exchanges_.empty()) {
    due = std::min(due, idle_since_ + ticks(settings()->limits.idle_time));
  }
  if (starved_since_ != kNever) due = std::min(due, starved_since_ + kStarvedTicks);
  connection().due = due;
}

void H2Connection::overdue() {
  if (ceasing_) return order({PortOrder::Kind::close, connection().reason});
  const Tick tick = room_.tick;
  const std::vector<std::uint32_t> indexes = exchanges_;
  for (const std::uint32_t index : indexes) {
    H2Exchange& exchange = room_.exchanges[index];
    if (tick < exchange.due) continue;
    if (exchange.stage == H2Exchange::Stage::waiting) {
      wait_no_longer(exchange);
    } else if (exchange.stage == H2Exchange::Stage::answering) {
      look_at_answer(exchange);
    } else if (!session_.in_head()) {
      late(exchange);
    } else {
      return order({PortOrder::Kind::close, CloseReason::head_timeout});
    }
  }
  if (starved_since_ != kNever && tick >= starved_since_ + kStarvedTicks) relieve();
  reset_parting();
  const bool idle = streams_.empty() && parting_.empty() && exchanges_.empty();
  if (idle && tick >= idle_since_ + ticks(settings()->limits.idle_time)) {
    if (full_) return order({PortOrder::Kind::close, CloseReason::slow_stalled});
    say_goodbye();
  }
  look_for_end();
  set_due();
}

// ---- event streams

void H2Connection::opened(h2::StreamId id, fanout::Member subscriber) {
  Stream* const stream = find_stream(id);
  CHECK(stream != nullptr, "a stream that begins is there until it is ended");
  stream->subscriber = subscriber;
  if (stream->gone) room_.orders.emplace_back(StreamCancelled{subscriber});
}

std::vector<fanout::Member> H2Connection::subscribers() const {
  std::vector<fanout::Member> members;
  members.reserve(streams_.size());
  for (const Stream& stream : streams_) {
    if (stream.subscriber != kNone) members.push_back(stream.subscriber);
  }
  return members;
}

// Members of a feed are mostly served in the order in which their streams stand here.
H2Connection::Stream* H2Connection::find(fanout::Member subscriber) {
  if (next_ >= streams_.size() || streams_[next_].subscriber != subscriber) {
    const auto found = std::ranges::find(streams_, subscriber, &Stream::subscriber);
    CHECK(found != streams_.end(), "only subscribers of this connection have this box");
    next_ = static_cast<std::uint32_t>(found - streams_.begin());
  }
  return &streams_[next_++];
}

H2Connection::Stream* H2Connection::find_stream(h2::StreamId id) {
  const auto found = std::ranges::find(streams_, id, &Stream::id);
  return found == streams_.end() ? nullptr : &*found;
}

bool H2Connection::may_take(const Stream& stream) const {
  const std::int32_t all = session_.window();
  if (all <= 0 || session_.window(stream.id) <= 0) return false;
  if (streams_.size() == 1 || all > window_max_ / 2) return true;
  return !unread(stream);
}

// As wide as it would be now if nothing had been sent.
std::int32_t H2Connection::window_max(const Stream& stream) const {
  return session_.initial_window() + stream.window_more;
}

// It was sent more than its client, if it read that, would have left unacknowledged.
bool H2Connection::unread(const Stream& stream) const {
  const std::int32_t most = window_max(stream);
  return session_.window(stream.id) <= most / 2 - most / 16;
}

// `stream` is owed bytes, and perhaps it is the connection's window that has no room for them.
void H2Connection::look_for_starving(const Stream& stream) {
  if (session_.window() > 0 || unread(stream)) return;
  if (starved_since_ != kNever || streams_.size() == 1) return;
  starved_since_ = room_.tick;
  set_due();
}

void H2Connection::relieve() {
  starved_since_ = kNever;
  if (session_.window() > 0) return;
  const auto held = [this](const Stream& stream) {
    const bool ended = stream.gone || stream.subscriber == kNone;
    return ended || !unread(stream) ? 0 : window_max(stream) - session_.window(stream.id);
  };
  const auto most = std::ranges::max_element(streams_, {}, held);
  if (most == streams_.end() || held(*most) == 0) return;
  ++room_.parts.counters.h2_streams_starving_total;
  room_.orders.emplace_back(StreamStarvesOthers{most->subscriber});
}

std::optional<std::size_t> H2Connection::take(fanout::Member subscriber, std::string_view bytes) {
  Stream& stream = *find(subscriber);
  if (stream.gone || ceasing_) return bytes.size();  // its end has been ordered
  if (full_ || out_.size() >= kBoxBytes || !may_take(stream)) {
    stream.owed = true;
    look_for_starving(stream);
    return 0;
  }
  if (out_.capacity() < kBoxBytes && !room_.spare_boxes.empty()) {
    std::string box = std::move(room_.spare_boxes.back());
    room_.spare_boxes.pop_back();
    box += out_;
    out_ = std::move(box);
  }
  const std::size_t taken = session_.offer(stream.id, bytes, out_, kBoxBytes);
  stream.owed = taken < bytes.size();
  if (stream.owed) look_for_starving(stream);  // it took the rest, and may not be asked again
  return taken;
}

void H2Connection::end(fanout::Member subscriber, Ending ending) {
  const auto stream = std::ranges::find(streams_, subscriber, &Stream::subscriber);
  CHECK(stream != streams_.end(), "a stream ends once");
  if (!stream->gone && ending == Ending::complete) session_.finish(stream->id);
  if (!stream->gone && ending == Ending::come_back) {
    // What it is owed will never be said, and what its client holds unread is to be given back now.
    if (stream->owed) session_.reset(stream->id, h2::ErrorCode::cancel);
    if (!stream->owed) part(stream->id);
  }
  streams_.erase(stream);
  drop_orders(subscriber);
  idle_since_ = room_.tick;
  look_for_end();
  give_room();
  set_due();
}

void H2Connection::part(h2::StreamId id) {
  parting_.push_back({.id = id, .due = room_.tick + kResetTicks});
}

void H2Connection::reset_parting() {
  const auto waits = [this](const Parting& parting) { return room_.tick < parting.due; };
  const auto first = std::ranges::find_if(parting_, waits);
  const std::vector<Parting> due(parting_.begin(), first);
  parting_.erase(parting_.begin(), first);
  for (const Parting& parting : due) session_.reset(parting.id, h2::ErrorCode::cancel);
}

void H2Connection::drop_orders(fanout::Member subscriber) {
  std::erase_if(room_.orders, [subscriber](const SharedOrder& order) {
    const auto* const room = std::get_if<StreamHasRoom>(&order);
    const auto* const cancelled = std::get_if<StreamCancelled>(&order);
    const auto* const starving = std::get_if<StreamStarvesOthers>(&order);
    return (room != nullptr && room->subscriber == subscriber) ||
           (cancelled != nullptr && cancelled->subscriber == subscriber) ||
           (starving != nullptr && starving->subscriber == subscriber);
  });
}

// Not to more streams than the connection's window has frames for, and each time from another one
// on: a client that widens it byte by byte gets its bytes, and costs no more than that.
void H2Connection::give_room() {
  if (full_ || ceasing_ || streams_.empty() || out_.size() > kBoxBytes / 2) return;
  std::int32_t left = session_.window();
  const std::size_t count = streams_.size();
  for (std::size_t i = 0; i < count && left > 0; ++i) {
    if (room_at_ >= count) room_at_ = 0;
    Stream& stream = streams_[room_at_++];
    if (!stream.owed || stream.gone || stream.subscriber == kNone || !may_take(stream)) continue;
    stream.owed = false;
    left -= kFrameBytes;
    room_.orders.emplace_back(StreamHasRoom{stream.subscriber});
  }
}

void H2Connection::widened(h2::StreamId id) {
  if (Stream* const stream = find_stream(id)) {
    const std::int32_t more = session_.window(id) - session_.initial_window();
    stream->window_more = std::max(stream->window_more, more);
  }
}

void H2Connection::broken_off(h2::StreamId id) {
  part(id);
  set_due();
}

void H2Connection::closed(h2::StreamId id) {
  std::erase_if(parting_, [id](const Parting& parting) { return parting.id == id; });
  if (H2Exchange* const exchange = exchange_of(id)) {
    const bool answered = exchange->stage == H2Exchange::Stage::answering;
    return forget(*exchange, answered ? "answered" : name_of(CloseReason::peer_closed));
  }
  Stream* const stream = find_stream(id);
  if (stream == nullptr || std::exchange(stream->gone, true)) return;
  if (stream->subscriber != kNone) room_.orders.emplace_back(StreamCancelled{stream->subscriber});
}

// ---- the box

std::string_view H2Connection::fill() {
  if (full_) return {};
  session_.write(out_, kBoxBytes);
  if (session_.over()) cease();
  return out_;
}

void H2Connection::sent(std::int32_t result) {
  const bool full = result == -EAGAIN || result == -ENOBUFS || result == -ENOMEM;
  if (result < 0 && !full) return order({PortOrder::Kind::close, CloseReason::peer_reset});
  out_.erase(0, static_cast<std::size_t>(std::max(result, 0)));
  if (!out_.empty()) {
    full_ = true;
    return order({PortOrder::Kind::room});
  }
  keep_box();
  look_for_end();
  give_room();
  set_due();
}

void H2Connection::writable() {
  full_ = false;
}

// An idle connection keeps no box.
void H2Connection::keep_box() {
  std::string box = std::exchange(out_, {});
  box.clear();
  if (box.capacity() < kBoxBytes || room_.spare_boxes.size() >= kSpareBoxes) return;
  if (box.capacity() <= 3 * kBoxBytes) room_.spare_boxes.push_back(std::move(box));
}

}  // namespace fanfare::server
