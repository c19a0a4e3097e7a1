// Backlog: what a subscriber that is behind reads, straight from the windows of its feed's
// channels, merged by sequence. Costs what it reads: channels without anything newer than the
// cursor are not looked at (the feed keeps its links by recency).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "broker/fanout/cursor.h"
#include "broker/fanout/feed.h"
#include "broker/fanout/gather.h"
#include "broker/fanout/lag.h"
#include "broker/fanout/merge.h"
#include "broker/fanout/newest.h"
#include "broker/fanout/read.h"
#include "broker/fanout/snapshots.h"

namespace fanfare::fanout {

class Backlog {
 public:
  // All of Replica's contracts of the same names; the log stands at `head`.
  Read read(const Feed& feed, Sequence head, Cursor cursor, std::size_t bytes_max,
            Newest newest = {}, bool conflate = false);
  std::optional<NewestStart> snapshot(const Feed& feed, Sequence head);
  static Cursor replay_start(const Feed& feed, Sequence head, std::uint32_t events);
  // The time: snapshots that nobody reads any more go.
  void advance(TimePoint now) { snapshots_.advance(now); }
  static Cursor earliest(const Feed& feed, Sequence head);
  static Lag lag(const Feed& feed, Sequence at, std::size_t channels_max);
  static NewestStart newest_of_each(const Feed& feed, Sequence head, std::uint32_t events,
                                    std::size_t channels_max);

 private:
  // What of `newest` is about keys: what lies behind the cursor, up to newest.through.
  Read read_keys(const Feed& feed, Cursor cursor, std::size_t bytes_max, Newest newest);
  Sequence add_others(const Feed& feed, Cursor cursor, Newest newest);
  Read read_newest(const Feed& feed, Cursor cursor, std::size_t bytes_max, Newest newest);
  // Reads what merge_ holds, up to `through`.
  void take(Read& read, Sequence through, std::size_t bytes_max, Framing framing);

  Merge merge_;  // for the length of one read()
  Gather gather_;
  Snapshots snapshots_;
};

}  // namespace fanfare::fanout
