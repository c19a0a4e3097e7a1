#include "broker/server/streams/presence.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "broker/wire/http/query.h"

#include "common/check.h"
#include "common/pattern.h"

namespace fanfare::server {
namespace {

constexpr std::string_view kChannelKey = "channel";
constexpr std::string_view kChannelsKey = "channels";  // the same
// One part of a census: places looked at, and about so many bytes of lines for the watcher.
constexpr Member kPartMembers = 4096;
constexpr std::size_t kPartBytes = 32U << 10U;
// Bytes of a line in addition to its channel, its query and its cursor.
constexpr std::size_t kLineBytes = 80;
// What a kept query costs in addition to its bytes: its place in the table, and what the allocator
// adds.
constexpr std::size_t kQueryOverhead = 56;
// One part of a list of a channel's subscribers: places looked at (2 ns each), and about so many
// bytes.
constexpr Member kRollMembers = 65'536;
constexpr std::size_t kRollBytes = 256U << 10U;
// JavaScript's numbers are exact up to here.
constexpr std::uint64_t kIdMax = 1ULL << 53U;

}  // namespace

std::uint64_t stream_id(std::uint32_t shard, std::uint32_t shards, Member member,
                        std::uint32_t members_max, std::uint32_t began) {
  const std::uint64_t places = std::uint64_t{shards} * members_max;
  const std::uint64_t turns = std::min(kIdMax / places, std::uint64_t{1} << 32U);
  return (began % turns * members_max + member) * shards + shard;
}

std::string query_of(const std::vector<std::string>& topics) {
  std::string query;
  for (const std::string& topic : topics) {
    if (!query.empty()) query += '&';
    query += kChannelKey;
    query += '=';
    query += topic;
  }
  return query;
}

std::string full_query(std::string_view query, const std::vector<std::string>& topics) {
  const http::Query parameters(query);
  std::vector<std::string_view> named = parameters.all(kChannelKey);
  const std::vector<std::string_view> more = parameters.all(kChannelsKey);
  named.insert(named.end(), more.begin(), more.end());
  std::ranges::sort(named);
  std::vector<std::string> others;
  std::ranges::copy_if(topics, std::back_inserter(others), [&](const std::string& topic) {
    return !std::ranges::binary_search(named, topic);
  });
  std::string full = query_of(others);
  if (!full.empty() && !query.empty()) full += '&';
  return full += query;
}

bool concerns(const std::vector<std::string>& list, const fanout::Topics& topics) {
  return std::ranges::any_of(topics.texts(), [&list](const std::string& topic) {
    return std::ranges::any_of(
        list, [&topic](const std::string& entry) { return patterns_overlap(entry, topic); });
  });
}

// ---- streams that come and go

void Presence::came(Member member, const Arrival& arrival) {
  if (!counts(member)) return;
  begin_censuses();
  Subscriber& subscriber = parts_.subscribers[member];
  subscriber.began = streams_++;
  arrivals_.note(subscriber.began, tick_);
  const std::vector<std::string>& topics =
      parts_.replica.topics(parts_.replica.feed(subscriber.feed));
  // Most are just their topics, which is quickly seen.
  const std::string plain = query_of(topics);
  const std::string full = arrival.query == plain ? plain : full_query(arrival.query, topics);
  if (full != plain) keep_query(member, full);
  if (!arrival.subject.empty()) keep_subject(member, arrival.subject);
  if (!parts_.switchboard.watched.load(std::memory_order_relaxed)) return;
  NoticeMessage message = notice(member, NoticeMessage::Kind::came, newest_);
  message.query = full;
  message.cursor = arrival.cursor;
  message.subject = arrival.subject;
  parts_.switchboard.post_to_lead(std::move(message));
}

void Presence::went(Member member, CloseReason reason) {
  if (!counts(member)) return;
  begin_censuses();
  for (const Census& census : censuses_) {
    if (owed(census, member)) tell_present(census, member);
  }
  if (parts_.switchboard.watched.load(std::memory_order_relaxed)) {
    NoticeMessage message = notice(member, NoticeMessage::Kind::went, newest_);
    message.reason = reason;
    parts_.switchboard.post_to_lead(std::move(message));
  }
  forget(member);
}

bool Presence::counts(Member member) const {
  return parts_.subscribers.in_use(member) && !parts_.subscribers[member].live_page;
}

std::uint64_t Presence::id_of(Member member) const {
  return stream_id(parts_.shard, parts_.switchboard.shard_count(), member,
                   parts_.subscribers.capacity(), parts_.subscribers[member].began);
}

Duration Presence::age(Member member) const {
  return kTick * (tick_ - arrivals_.tick_of(parts_.subscribers[member].began));
}

std::int64_t Presence::since_ms(Member member) const {
  return unix_ms_ - age(member) / 1ms;
}

NoticeMessage Presence::notice(Member member, NoticeMessage::Kind kind,
                               std::uint32_t census) const {
  const Subscriber& subscriber = parts_.subscribers[member];
  return {.census = census,
          .kind = kind,
          .connection = id_of(member),
          .topics = parts_.replica.shared_topics(parts_.replica.feed(subscriber.feed)),
          .subject = std::string(subjects_.of(member)),
          .query = known_query(member),
          .cursor = {},
          .since_ms = kind == NoticeMessage::Kind::present ? since_ms(member) : 0,
          .reason = {}};
}

// ---- those that are there

// A census that the lead has begun begins here with the next stream that comes or goes, not with
// the mail: a stream may have come and gone before that arrives.
void Presence::begin_censuses() {
  const std::uint32_t newest = parts_.switchboard.census.load(std::memory_order_acquire);
  while (newest_ != newest) censuses_.push_back({.number = ++newest_, .start = streams_});
}

void Presence::take(const CensusMessage& order) {
  begin_censuses();
  const auto found = std::ranges::find(censuses_, order.census, &Census::number);
  if (order.kind == CensusMessage::Kind::part) {
    CHECK(found != censuses_.end(), "no part is asked for when all have been told");
    found->of = order.of;
    count_part(*found);
  } else if (found != censuses_.end()) {
    censuses_.erase(found);
  }
}

// It began before the census, which has not come to its place yet.
bool Presence::owed(const Census& census, Member member) const {
  if (member < census.next || !counts(member)) return false;
  return static_cast<std::int32_t>(parts_.subscribers[member].began - census.start) < 0;
}

void Presence::count_part(Census& census) {
  const Member table_end = parts_.subscribers.high_water();
  const Member end = std::min(table_end, census.next + kPartMembers);
  for (std::size_t bytes = 0; census.next < end && bytes < kPartBytes; ++census.next) {
    if (owed(census, census.next)) bytes += tell_present(census, census.next);
  }
  const std::uint32_t number = census.number;
  const bool complete = census.next >= table_end;
  if (complete) std::erase_if(censuses_, [=](const Census& c) { return c.number == number; });
  parts_.switchboard.post_to_lead(CensusPartMessage{.census = number, .complete = complete});
}

std::size_t Presence::tell_present(const Census& census, Member member) {
  const fanout::Feed* const feed = parts_.replica.feed(parts_.subscribers[member].feed);
  if (census.of != nullptr && !concerns(*census.of, *parts_.replica.shared_topics(feed))) return 0;
  NoticeMessage message = notice(member, NoticeMessage::Kind::present, census.number);
  std::size_t bytes = 0;
  for (const std::string& topic : message.topics->texts()) {
    bytes += kLineBytes + topic.size() + message.query.size();
  }
  parts_.switchboard.post_to_lead(std::move(message));
  return bytes;
}

// ---- what is kept of a stream

bool Presence::room_for(std::uint64_t bytes) {
  if (parts_.counters.queries_bytes + bytes > parts_.settings->limits.queries_bytes) {
    ++parts_.counters.queries_dropped_total;
    return false;
  }
  parts_.counters.queries_bytes += bytes;
  return true;
}

void Presence::keep_query(Member member, std::string_view query) {
  if (!room_for(query.size() + kQueryOverhead)) return;
  auto kept = std::make_unique_for_overwrite<char[]>(query.size() + 1);
  std::memcpy(kept.get(), query.data(), query.size());
  kept[query.size()] = '\0';
  queries_[member] = std::move(kept);
}

void Presence::keep_subject(Member member, std::string_view subject) {
  if (room_for(subjects_.cost(subject))) subjects_.keep(member, subject);
}

void Presence::forget(Member member) {
  parts_.counters.queries_bytes -= subjects_.forget(member);
  const auto found = queries_.find(member);
  if (found == queries_.end()) return;
  parts_.counters.queries_bytes -= std::strlen(found->second.get()) + kQueryOverhead;
  queries_.erase(found);
}

std::string Presence::known_query(Member member) const {
  const auto found = queries_.find(member);
  if (found != queries_.end()) return found->second.get();
  const std::uint32_t feed = parts_.subscribers[member].feed;
  return query_of(parts_.replica.topics(parts_.replica.feed(feed)));
}

// ---- who subscribes to one channel

ingest::RollEntry Presence::entry_of(Member member, std::string_view channel) const {
  const fanout::Feed* const feed = parts_.replica.feed(parts_.subscribers[member].feed);
  const std::vector<std::string>& topics = parts_.replica.topics(feed);
  ingest::RollEntry entry{.connection = id_of(member),
                          .since_ms = since_ms(member),
                          .subject = std::string(subjects_.of(member)),
                          .query = known_query(member),
                          .pattern = {}};
  if (std::ranges::binary_search(topics, channel)) return entry;
  const auto by = std::ranges::find_if(topics, [channel](const std::string& topic) {
    return is_pattern(topic) && pattern_matches(topic, channel);
  });
  if (by != topics.end()) entry.pattern = *by;
  return entry;
}

void Presence::take(const RollCallMessage& order) const {
  RollMessage roll{.call = order.call, .shard = parts_.shard, .entries = {}, .next = order.from};
  const std::vector<std::uint32_t> feeds = parts_.replica.feeds_of(*order.channel);
  for (const std::uint32_t feed : feeds) {
    roll.subscribers += parts_.replica.subscribers(parts_.replica.feed(feed));
  }
  const Member table_end = feeds.empty() ? 0 : parts_.subscribers.high_water();
  const Member end = std::min<Member>(table_end, order.from + kRollMembers);
  std::size_t bytes = 0;
  for (; roll.next < end && roll.entries.size() < order.most && bytes < kRollBytes; ++roll.next) {
    const bool has_it =
        counts(roll.next) && std::ranges::binary_search(feeds, parts_.subscribers[roll.next].feed);
    if (!has_it) continue;
    roll.entries.push_back({.member = roll.next, .shown = entry_of(roll.next, *order.channel)});
    bytes += kLineBytes + roll.entries.back().shown.query.size();
  }
  roll.complete = roll.next >= table_end;
  parts_.switchboard.post_to_lead(std::move(roll));
}

}  // namespace fanfare::server
