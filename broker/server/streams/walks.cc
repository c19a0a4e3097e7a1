#include "broker/server/streams/walks.h"

#include <algorithm>
#include <utility>

namespace fanfare::server {
namespace {

// One slice: places looked at (20 to 50 ns each), or so much time, whichever comes first; the time
// is read every so many places.
constexpr std::uint32_t kSlicePlaces = 4'096;
constexpr Duration kSliceTime = std::chrono::microseconds(200);
constexpr std::uint32_t kTimeEvery = 32;
// Ends of streams and connections in one slice: 1 to 2 us each.
constexpr std::size_t kSliceDismissed = 256;
// Rows put into words in one slice: some 5 us each, most of it the kernel's answer.
constexpr std::size_t kSliceRows = 64;
// Channels of one stream whose events are counted for its lag.
constexpr std::size_t kLagChannels = 64;

std::uint64_t in_ms(Duration time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time / 1ms, 0));
}

std::array<std::uint64_t, 2> key_of(const IpAddress& address) {
  std::array<std::uint64_t, 2> key{};
  for (std::size_t i = 0; i < address.bytes.size(); ++i) {
    key[i / 8] = key[i / 8] << 8U | address.bytes[i];
  }
  return key;
}

ConnectionFilter::Kind kind_of(Port port) {
  if (port == Port::admin) return ConnectionFilter::Kind::admin;
  return is_publishers(port) ? ConnectionFilter::Kind::publishers
                             : ConnectionFilter::Kind::subscribers;
}

// Nothing that is known of a stream is asked for: a connection as a whole is meant.
bool is_of_connections(const ConnectionFilter& filter) {
  return !filter.channel && !filter.subject && !filter.state;
}

}  // namespace

void Walks::take(const WalkMessage& order) {
  walks_.push_back({.call = order.call, .order = order.order});
}

void Walks::take(const DescribeMessage& order) {
  descriptions_.push_back({.call = order.call, .found = order.found});
}

std::vector<Walks::Dismissed> Walks::turn(Tick tick) {
  std::vector<Dismissed> dismissed;
  if (!work_waiting()) return dismissed;
  tick_ = tick;
  now_ = parts_.ring.now();
  known_feed_ = kNone;
  if (!descriptions_.empty()) {
    Description description = std::move(descriptions_.front());
    descriptions_.pop_front();
    if (!describe_on(description)) descriptions_.push_back(std::move(description));
  } else {
    Walk walk = std::move(walks_.front());
    walks_.pop_front();
    if (walk_on(walk, dismissed)) {
      finish(walk);
    } else {
      walks_.push_back(std::move(walk));
    }
  }
  return dismissed;
}

// ---- a walk

// True: all places have been looked at.
bool Walks::walk_on(Walk& walk, std::vector<Dismissed>& dismissed) {
  const WalkOrder& order = *walk.order;
  if (order.only) {
    look_for(walk, dismissed);
    return true;
  }
  if (order.filter.channel) feeds_ = parts_.replica.feeds_of(*order.filter.channel);
  for (std::uint32_t looked = 1; looked <= kSlicePlaces; ++looked, ++walk.next) {
    if (dismissed.size() >= kSliceDismissed) return false;
    if (looked % kTimeEvery == 0 && parts_.ring.now() - now_ > kSliceTime) return false;
    if (!walk.over_streams && walk.next >= parts_.connections.high_water()) {
      walk.over_streams = true;
      walk.next = 0;
    }
    if (!walk.over_streams) {
      if (has_slot(order.filter, walk.next)) found(walk, found_slot(order, walk.next), dismissed);
      continue;
    }
    if (walk.next >= parts_.subscribers.high_water()) return true;
    if (has_stream(order.filter, walk.next)) {
      found(walk, found_stream(order, walk.next), dismissed);
    }
  }
  return false;
}

// One that has a name.
void Walks::look_for(Walk& walk, std::vector<Dismissed>& dismissed) {
  const ConnectionName& name = *walk.order->only;
  if (name.kind == ConnectionName::Kind::socket) {
    const Connection* const connection =
        name.shard == parts_.shard
            ? parts_.connections.find({.generation = name.generation, .index = name.slot})
            : nullptr;
    if (connection == nullptr || connection->state == State::closing) return;
    if (connection->port == Port::upstream) return;
    return found(walk, found_slot(*walk.order, name.slot), dismissed);
  }
  const std::uint32_t shards = parts_.switchboard.shard_count();
  if (name.stream % shards != parts_.shard) return;
  const auto member = static_cast<Member>(name.stream / shards % parts_.subscribers.capacity());
  if (!parts_.subscribers.in_use(member) || parts_.subscribers[member].live_page) return;
  if (parts_.presence.id_of(member) != name.stream) return;
  found(walk, found_stream(*walk.order, member), dismissed);
}

bool Walks::carries_streams(io::Slot slot) const {
  const State state = parts_.connections[slot].state;
  if (state == State::streaming) return true;
  return state == State::shared && !shared_->subscribers(slot).empty();
}

// A connection that is a row by itself.
bool Walks::has_slot(const ConnectionFilter& filter, io::Slot slot) const {
  const Connection& connection = parts_.connections[slot];
  if (connection.state == State::free || connection.state == State::closing) return false;
  if (filter.channel || filter.subject) return false;
  if (filter.state && state_of(connection) != *filter.state) return false;
  return has_connection(filter, slot) && !carries_streams(slot);
}

bool Walks::has_stream(const ConnectionFilter& filter, Member member) {
  if (!parts_.subscribers.in_use(member)) return false;
  const Subscriber& subscriber = parts_.subscribers[member];
  if (!has_connection(filter, subscriber.outlet.slot())) return false;
  if (filter.channel && !std::ranges::binary_search(feeds_, subscriber.feed)) return false;
  if (filter.subject && parts_.presence.subject_of(member) != *filter.subject) return false;
  return !filter.state || state_of(member) == *filter.state;
}

bool Walks::has_connection(const ConnectionFilter& filter, io::Slot slot) const {
  const Connection& connection = parts_.connections[slot];
  if (connection.port == Port::upstream) return false;
  if (filter.kind != ConnectionFilter::Kind::all && filter.kind != kind_of(connection.port)) {
    return false;
  }
  const PackedAddress& peer = parts_.connections.peer(slot);
  if (filter.address && !(peer.known() && filter.address->contains(peer.address))) return false;
  if (filter.on_unix && peer.known()) return false;
  if (filter.http2 && *filter.http2 != (connection.state == State::shared)) return false;
  const bool tls = parts_.tls != nullptr && parts_.tls->speaks_tls(slot);
  return !filter.tls || *filter.tls == tls;
}

void Walks::found(Walk& walk, FoundConnection found, std::vector<Dismissed>& dismissed) {
  ++walk.total;
  const WalkOrder& order = *walk.order;
  if (order.dismissal) {
    const bool whole = !order.only && is_of_connections(order.filter);
    dismissed.push_back(
        {.is_stream = found.is_stream, .place = found.place, .leaves = whole, .order = walk.order});
    return;
  }
  const auto before = [&order](const FoundConnection& a, const FoundConnection& b) {
    return a.before(b, order.descending);
  };
  if (walk.best.size() == order.wanted()) {
    if (walk.best.empty() || !before(found, walk.best.front())) return;
    std::ranges::pop_heap(walk.best, before);
    walk.best.back() = found;
  } else {
    walk.best.push_back(found);
  }
  std::ranges::push_heap(walk.best, before);
}

FoundConnection Walks::found_slot(const WalkOrder& order, io::Slot slot) const {
  const Connection& connection = parts_.connections[slot];
  FoundConnection found{
      .shard = parts_.shard, .place = slot, .life = connection.generation, .is_stream = false};
  if (order.sort == ConnectionSort::age) {
    found.key[0] = in_ms(kTick * (tick_ - connection.opened));
  } else if (order.sort == ConnectionSort::address) {
    found.key = key_of(parts_.connections.peer(slot).address);
  }
  return found;
}

FoundConnection Walks::found_stream(const WalkOrder& order, Member member) {
  const Subscriber& subscriber = parts_.subscribers[member];
  FoundConnection found{
      .shard = parts_.shard, .place = member, .life = subscriber.began, .is_stream = true};
  switch (order.sort) {
    case ConnectionSort::lag: {
      const Place place = place_of(member);
      found.key = {place.lag.events, in_ms(place.lag_time)};
      break;
    }
    case ConnectionSort::lag_ms: {
      const Place place = place_of(member);
      found.key = {in_ms(place.lag_time), place.lag.events};
      break;
    }
    case ConnectionSort::queued:
      found.key = {place_of(member).standing.queued, 0};
      break;
    case ConnectionSort::age:
      found.key = {in_ms(age_of(member)), 0};
      break;
    case ConnectionSort::address:
      found.key = key_of(parts_.connections.peer(subscriber.outlet.slot()).address);
      break;
  }
  return found;
}

void Walks::finish(Walk& walk) {
  parts_.switchboard.post_to_lead(WalkedMessage{.call = walk.call,
                                                .shard = parts_.shard,
                                                .total = walk.total,
                                                .found = std::move(walk.best)});
}

// ---- rows

// True: all of them are described.
bool Walks::describe_on(Description& description) {
  for (std::size_t i = 0; i < kSliceRows; ++i) {
    if (description.rows.size() == description.found.size()) break;
    description.rows.push_back(describe(description.found[description.rows.size()]));
  }
  if (description.rows.size() < description.found.size()) return false;
  parts_.switchboard.post_to_lead(DescribedMessage{
      .call = description.call, .shard = parts_.shard, .rows = std::move(description.rows)});
  return true;
}

std::optional<ConnectionRow> Walks::describe(const FoundConnection& found) {
  ConnectionRow row;
  if (found.is_stream) {
    if (!parts_.subscribers.in_use(found.place)) return std::nullopt;
    if (parts_.subscribers[found.place].began != found.life) return std::nullopt;
    describe_connection(row, parts_.subscribers[found.place].outlet.slot());
    describe_stream(row, found.place);
    return row;
  }
  const Connection* const connection =
      parts_.connections.find({.generation = found.life, .index = found.place});
  if (connection == nullptr || connection->state == State::closing) return std::nullopt;
  describe_connection(row, found.place);
  row.id = row.socket;
  row.state = state_of(*connection);
  row.age = kTick * (tick_ - connection->opened);
  return row;
}

void Walks::describe_connection(ConnectionRow& row, io::Slot slot) const {
  const Connection& connection = parts_.connections[slot];
  const PackedAddress& peer = parts_.connections.peer(slot);
  row.socket = name_of_slot(slot).text();
  row.kind = kind_of(connection.port);
  row.address = peer.known() ? peer.text() : "unix:";
  row.tls = parts_.tls != nullptr && parts_.tls->speaks_tls(slot);
  row.tcp = parts_.ring.tcp_figures(slot);
  if (connection.state == State::shared) {
    row.protocol = "h2";
  } else if (connection.state == State::streaming) {
    row.protocol = connection.until_close ? "http/1.0" : "http/1.1";
  } else if (connection.state != State::greeting && connection.state != State::publisher) {
    row.protocol = "http/1.1";
  }
}

void Walks::describe_stream(ConnectionRow& row, Member member) {
  const Subscriber& subscriber = parts_.subscribers[member];
  const Place place = place_of(member);
  row.id = row.socket;
  row.age = age_of(member);
  if (!subscriber.live_page) {
    row.id = ConnectionName{.stream = parts_.presence.id_of(member)}.text();
    row.subject = parts_.presence.subject_of(member);
    row.query = parts_.presence.known_query(member);
    row.agent = parts_.access.agent_of(member);
  }
  row.state = state_of(member);
  row.topics = parts_.replica.shared_topics(parts_.replica.feed(subscriber.feed));
  row.position = fanout::EventId{parts_.replica.epoch(), place.standing.at}.text();
  row.lag_events = place.lag.events;
  row.lag_at_least = place.lag.at_least;
  row.lag = place.lag_time;
  row.queued_bytes = place.standing.queued;
  if (place.standing.blocked) row.stalled = kTick * (tick_ - place.standing.blocked_since);
}

// Members of a feed that have had everything stand where it does.
Walks::Place Walks::place_of(Member member) {
  const Subscriber& subscriber = parts_.subscribers[member];
  if (subscriber.joined && subscriber.feed == known_feed_) return known_;
  Place place{.standing = parts_.delivery.standing(member), .lag = {}};
  place.lag =
      parts_.replica.lag(parts_.replica.feed(subscriber.feed), place.standing.at, kLagChannels);
  if (place.lag.next != 0) place.lag_time = std::max(now_ - place.lag.committed, Duration(0));
  if (subscriber.joined) {
    known_feed_ = subscriber.feed;
    known_ = place;
  }
  return place;
}

// Nothing is noted of a live page's beginning but its connection's.
Duration Walks::age_of(Member member) const {
  const Subscriber& subscriber = parts_.subscribers[member];
  if (!subscriber.live_page) return parts_.presence.age(member);
  return kTick * (tick_ - parts_.connections[subscriber.outlet.slot()].opened);
}

ConnectionState Walks::state_of(Member member) const {
  const Subscriber& subscriber = parts_.subscribers[member];
  if (subscriber.farewell == Farewell::said || subscriber.farewell == Farewell::expired) {
    return ConnectionState::leaving;
  }
  if (parts_.delivery.quiet_since(member)) return ConnectionState::live;
  return parts_.delivery.standing(member).blocked ? ConnectionState::blocked
                                                  : ConnectionState::catching_up;
}

ConnectionState Walks::state_of(const Connection& connection) const {
  switch (connection.state) {
    case State::greeting:
      return ConnectionState::greeting;
    case State::reading:
      if (connection.exchange != kNone) return ConnectionState::reading;
      return connection.keep_alive ? ConnectionState::idle : ConnectionState::greeting;
    case State::waiting:
      return ConnectionState::waiting;
    case State::answering:
      return ConnectionState::answering;
    case State::publisher:
      return ConnectionState::publishing;
    case State::streaming:
      return ConnectionState::live;
    case State::free:
    case State::shared:
    case State::upstream:
      return ConnectionState::idle;
    case State::lingering:
    case State::closing:
      break;
  }
  return ConnectionState::leaving;
}

ConnectionName Walks::name_of_slot(io::Slot slot) const {
  return {.kind = ConnectionName::Kind::socket,
          .shard = parts_.shard,
          .slot = slot,
          .generation = parts_.connections[slot].generation};
}

}  // namespace fanfare::server
