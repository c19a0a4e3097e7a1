#include "broker/server/streams/presence.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "broker/wire/http/query.h"

#include "common/check.h"

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

// ---- streams that come and go

void Presence::came(Member member, std::string_view query, std::string_view cursor) {
  if (!counts(member)) return;
  begin_censuses();
  Subscriber& subscriber = parts_.subscribers[member];
  subscriber.began = streams_++;
  const std::vector<std::string>& topics =
      parts_.replica.topics(parts_.replica.feed(subscriber.feed));
  // Most are just their topics, which is quickly seen.
  const std::string plain = query_of(topics);
  const std::string full = query == plain ? plain : full_query(query, topics);
  if (full != plain) keep(member, full);
  if (!parts_.switchboard.watched.load(std::memory_order_relaxed)) return;
  NoticeMessage message = notice(member, NoticeMessage::Kind::came, newest_);
  message.query = full;
  message.cursor = cursor;
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

NoticeMessage Presence::notice(Member member, NoticeMessage::Kind kind,
                               std::uint32_t census) const {
  const Subscriber& subscriber = parts_.subscribers[member];
  return {.census = census,
          .kind = kind,
          .connection = stream_id(parts_.shard, parts_.switchboard.shard_count(), member,
                                  parts_.subscribers.capacity(), subscriber.began),
          .topics = parts_.replica.shared_topics(parts_.replica.feed(subscriber.feed)),
          .query = known_query(member),
          .cursor = {},
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
  NoticeMessage message = notice(member, NoticeMessage::Kind::present, census.number);
  std::size_t bytes = 0;
  for (const std::string& topic : message.topics->texts()) {
    bytes += kLineBytes + topic.size() + message.query.size();
  }
  parts_.switchboard.post_to_lead(std::move(message));
  return bytes;
}

// ---- queries

void Presence::keep(Member member, std::string_view query) {
  const std::uint64_t bytes = query.size() + kQueryOverhead;
  if (parts_.counters.queries_bytes + bytes > parts_.settings->limits.queries_bytes) {
    ++parts_.counters.queries_dropped_total;
    return;
  }
  parts_.counters.queries_bytes += bytes;
  auto kept = std::make_unique_for_overwrite<char[]>(query.size() + 1);
  std::memcpy(kept.get(), query.data(), query.size());
  kept[query.size()] = '\0';
  queries_[member] = std::move(kept);
}

void Presence::forget(Member member) {
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

}  // namespace fanfare::server
