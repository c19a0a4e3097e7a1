// Replica: a shard's own view of the log: every channel's Window, and the Feeds of its subscribers.
// It applies Batches and says what to send to whom; it never sends. Not thread-safe; no clock; the
// only memory shared with other shards is the (immutable) bytes in segments.
//
// A subscriber is a Member: a number of the caller's (its index in the table). It is either
//   - joined to its feed: caught up to the feed's position, costs four bytes, is served by rounds;
//   or
//   - behind: the caller keeps a cursor for it, reads the backlog with read(), and joins it when it
//     has caught up.
//
// A round sends one span to every member of a feed, a slice of members at a time:
//
//   members:  | done: at `target`  | to do: at `position` | joined meanwhile: at `target` |
//             0                    next                   round end                       size
//
// A member that could not take its span whole leaves (the caller then holds the rest of the span).
// Events that arrive during a round belong to the next one: that is where coalescing comes from.
// Eviction never takes events from a feed that has not sent them yet: the physical trim of a
// segment waits for the rounds of this shard; it does not wait for members that are behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/attendance.h"
#include "broker/fanout/batch.h"
#include "broker/fanout/crowd_rules.h"
#include "broker/fanout/cursor.h"
#include "broker/fanout/event_id.h"
#include "broker/fanout/lag.h"
#include "broker/fanout/members.h"
#include "broker/fanout/newest.h"
#include "broker/fanout/past.h"
#include "broker/fanout/read.h"
#include "broker/fanout/round.h"
#include "broker/fanout/span.h"

namespace fanfare::fanout {

class Feed;  // opaque to callers
class Topics;

// Four slices of Delivery: a pass over 10,000 takes up what is new ten times.
inline constexpr std::uint32_t kFeedMembersMax = 1'024;

struct ReplicaOptions {
  Epoch epoch;
  std::uint32_t members_max = 0;
  std::uint32_t tombstones_max = 65'536;
  // More subscribers of the same topics have further feeds (broker/fanout/crowd.h). Small enough
  // that a pass over a crowd picks up new events often; large enough that a feed's cost per event
  // is nothing compared with its members' sends.
  std::uint32_t feed_members_max = kFeedMembersMax;
  // A span built for several channels, or read for one member that is behind, is at most this long
  // (or one event). Spans of a single chunked channel are bounded by this too.
  std::size_t span_bytes_max = 256U << 10U;
  // Asked when a crowd appears, and when its rules are read and are out of date.
  CrowdRulesSource rules = {};
  TimePoint began = {};  // when the log did, if it has no past
  std::optional<Past> past = {};
};

class Replica {
 public:
  explicit Replica(ReplicaOptions options);
  ~Replica();
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // ---- the log
  void apply(const Batch& batch);
  Sequence head() const;
  const Epoch& epoch() const;

  // ---- feeds and members
  // A feed of exactly this set of channel names and patterns (duplicates and order do not matter)
  // with room for one more, made if need be; it lives until release(). Each open() needs one
  // release().
  // `spacing`: updates of one key are at least so far apart (crowd_rules.h), if no rule says more.
  Feed* open(std::span<const std::string_view> topics, Framing framing, Duration spacing = {});
  void release(Feed* feed);
  // Different patterns that feeds have, and how many an open() would add.
  std::size_t pattern_count() const;
  std::size_t new_patterns(std::span<const std::string_view> topics) const;
  // Where a member may join now: a new subscriber that wants only new events starts here.
  Sequence target(const Feed* feed) const;
  // Precondition: the member has had everything up to target(feed) and is not joined.
  void join(Feed* feed, Member member);
  // Precondition: joined. The member stands at target(feed) if its slice of the current round has
  // been handed out (or no round is on its way), else at the position before it: the sequence
  // returned.
  Sequence leave(Feed* feed, Member member);
  // Four bytes by which a feed is found as long as it lives; then they may be another's.
  std::uint32_t number(const Feed* feed) const;
  Feed* feed(std::uint32_t number) const;
  // The numbers of the feeds that follow this channel, by its name or by a pattern, or would if it
  // were there; in order. And how many subscribers one has: open() less release().
  std::vector<std::uint32_t> feeds_of(std::string_view channel) const;
  std::uint32_t subscribers(const Feed* feed) const;
  // Its members have been handed everything: each stands at target().
  bool rests(const Feed* feed) const;
  // How many subscribers (open() less release()) each set of topics has gained or lost since this
  // was last called.
  std::vector<Attendance::Change> take_attendance();
  // Every channel is finished, there is no pattern, and no round is due that brings more: nothing
  // will ever follow target(feed).
  bool complete(const Feed* feed) const;
  // Its members are owed something, or a round is on its way: bytes come to them anyway.
  bool due(const Feed* feed) const;
  // What all subscribers of the feed's topics have in common. The exact names and patterns, sorted:
  const std::vector<std::string>& topics(const Feed* feed) const;
  // The same, to be kept beyond the feed's life, and by other threads.
  std::shared_ptr<const Topics> shared_topics(const Feed* feed) const;
  Framing framing(const Feed* feed) const;
  Duration spacing(const Feed* feed) const;  // what open() was asked for
  // The rules now in force.
  const CrowdRules& rules(const Feed* feed) const;

  // ---- rounds
  // The next slice of work: at most `members_max` members of the feed whose turn it is, or nothing
  // if every feed has been served. Sets of topics take turns, slice by slice; if one has several
  // feeds they follow each other, round by round. No members: the feed's turn
  // was over without a byte to send (raw framings of empty payloads). Members that did not take the
  // span whole are to leave() before their feed's next slice. With `ends`, the caller must leave()
  // every member of the slice.
  std::optional<Round> next_round(std::size_t members_max);
  // When members of the feed were last handed something, by the time of advance().
  TimePoint last_served(const Feed* feed) const;
  // The time, once a turn and before next_round(), and when the next feed may go that its pace
  // holds back. (A feed with a pace begins its rounds at least that far apart: what arrives
  // meanwhile goes out in one span. The first event after a silence waits for nothing.)
  void advance(TimePoint now);
  std::optional<TimePoint> next_release() const;
  // Feeds with something to hand out. They take turns: this many calls of next_round() in a row
  // never bring the same feed twice.
  std::size_t feeds_waiting() const;
  // How far behind the head the slowest feed is: publishers are slowed by this, never by
  // subscribers. Bytes (of frames) applied but not yet handed out by every feed's rounds; 0 when
  // all is served.
  std::uint64_t unserved_bytes() const;

  // ---- members that are behind
  // Reads on from `cursor`, merging the feed's channels in sequence order, never past target(feed).
  // A span sent later than in this turn: compare cursor.at with target(feed) again before join().
  // With `newest`, only that of what lies before its end.
  Read read(const Feed* feed, Cursor cursor, std::size_t bytes_max, Newest newest = {});

  // Whether one of the feed's channels keeps the latest event of each key.
  bool keeps_keys(const Feed* feed) const;
  // Where a new subscriber begins that wants the latest event of each key, if one of the feed's
  // channels keeps those: it gets them in the order of the log, then all that follows. Channels
  // without keys begin at target(feed).
  std::optional<NewestStart> snapshot(const Feed* feed);
  // Up to where a reader at this cursor gets no more than the latest of each key, of channels that
  // keep these; 0: it gets every event.
  Sequence thinned(const Feed* feed, Cursor cursor) const;
  // The same cursor of a reader that has been told so.
  Cursor thinnings_known(const Feed* feed, Cursor cursor) const;
  // The cursor from which exactly the newest `events` of the feed's channels follow, up to
  // target(feed). For a new subscriber: reading from it reports no gap for what had left before.
  Cursor replay_start(const Feed* feed, std::uint32_t events) const;
  // The cursor from which everything that is left follows. For a new subscriber, too.
  Cursor earliest(const Feed* feed) const;
  // Where to begin in order to get the newest `events` of each channel, of at most `channels_max`
  // of them.
  NewestStart newest_of_each(const Feed* feed, std::uint32_t events,
                             std::size_t channels_max) const;
  // A place that everything committed at most so long ago lies behind, by the time of advance().
  // Nothing: the log is younger.
  std::optional<Sequence> since(Duration age) const;
  const Past& past() const;

  // What somebody who has had everything up to `at` has still to get of the feed's channels, as far
  // as it is left. Looks at no more than so many channels that have something new.
  Lag lag(const Feed* feed, Sequence at, std::size_t channels_max) const;

  // ---- those that wait for events without being members
  // Once: take_stirred() names the feed when an event has come to it, or it has become complete.
  void await(Feed* feed);
  std::vector<std::uint32_t> take_stirred();

  // ---- for tests and metrics
  std::size_t feed_count() const;
  std::size_t channel_count() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fanfare::fanout
