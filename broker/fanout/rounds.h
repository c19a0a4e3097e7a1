// Rounds: who is to be sent what next. Events that arrive make the feeds that follow their channel
// due; a due feed gets one span for all its members, who are served slice by slice while the feeds
// take turns. What arrives during a round is the next round's: that is where coalescing comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "broker/fanout/agenda.h"
#include "broker/fanout/arrears.h"
#include "broker/fanout/directory.h"
#include "broker/fanout/feed.h"
#include "broker/fanout/gather.h"
#include "broker/fanout/members.h"
#include "broker/fanout/round.h"

namespace fanfare::fanout {

class Rounds {
 public:
  Rounds(Directory& directory, std::uint32_t members_max, std::size_t span_bytes_max)
      : directory_(directory), indexes_(members_max), span_bytes_max_(span_bytes_max) {}

  // ---- the log goes by
  Sequence head() const { return head_; }
  void begin_batch(Sequence head_after, TimePoint committed);
  // A block of `bytes` came to `channel`, whose newest event before it was `before`; the first of
  // the block is at `first`.
  void appended(Channel& channel, Sequence before, Window::Position first, std::uint64_t bytes);
  // The feed may have become complete.
  void finished(Feed& feed);
  void end_batch(Sequence head) { head_ = head; }

  // ---- members
  void join(Feed& feed, Member member);
  Sequence leave(Feed& feed, Member member);

  // ---- rounds
  std::optional<Round> next(std::size_t members_max);
  std::size_t feeds_waiting() const { return agenda_.count(); }
  void advance(TimePoint now) { agenda_.advance(now); }
  std::optional<TimePoint> next_release() const { return agenda_.next_release(); }
  std::uint64_t unserved_bytes() const { return arrears_.bytes(); }
  TimePoint now() const { return agenda_.now(); }

  // ---- those that wait for events without being members
  void await(Feed& feed) { feed.awaited = true; }
  // Feeds that were awaited, and to whose channels something has happened; they are not any more.
  std::vector<FeedNumber> take_stirred() { return std::exchange(stirred_, {}); }

 private:
  void make_due(Feed& feed);
  void stir(Feed& feed) {
    if (!feed.awaited) return;
    feed.awaited = false;
    stirred_.push_back(feed.number());
  }
  void settle(Feed& feed);
  void begin(Feed& feed);
  Sequence take_up_keys(Feed& feed);
  static bool removals_lost(const Feed& feed);
  void served(Feed& feed, const Merge::Taken& taken);
  void end(Feed& feed);
  void abandon(Feed& feed);
  void not_pending(Link* link);

  Directory& directory_;
  MemberIndexes indexes_;
  std::size_t span_bytes_max_;
  Agenda agenda_;
  Arrears arrears_;
  Gather gather_;
  std::vector<FeedNumber> stirred_;
  Sequence head_ = 0;
  TimePoint committed_;  // of the last batch
};

}  // namespace fanfare::fanout
