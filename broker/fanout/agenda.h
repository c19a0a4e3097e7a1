// Agenda: the feeds that are due, in the order of their turns. The one place that decides which
// feed is next. Crowds take turns, slice by slice; of a crowd's feeds one is in turn until its
// round is over, then the next: a crowd of many feeds has no more turns than a crowd of one. A feed
// with a pace, whose last round began less than that ago, is held back until then.
#pragma once

#include <cstddef>
#include <optional>

#include "broker/fanout/crowd.h"
#include "broker/fanout/feed.h"
#include "broker/fanout/feed_queue.h"

#include "common/time.h"

namespace fanfare::fanout {

class Agenda {
 public:
  // About the feeds in turn, one per crowd:
  bool empty() const { return turns_.first() == nullptr; }
  std::size_t count() const { return turns_count_; }
  Feed* next() const { return turns_.first(); }

  // The feed's next round does not begin before `time`. The feed is not on it, or in its turn.
  static void hold_until(Feed* feed, TimePoint time) { feed->turn.not_before = time; }
  // The feed is not on it.
  void add(Feed* feed) {
    feed->turn.held = feed->turn.not_before > now_;
    if (!feed->turn.held) {
      queue(feed);
      return;
    }
    // From the back: paces are mostly equal, so that the newest is mostly the last.
    Feed* before = held_.last();
    while (before != nullptr && before->turn.not_before > feed->turn.not_before)
      before = FeedQueue::before(before);
    held_.insert(before, feed);
  }
  void remove(Feed* feed) {
    Crowd::Turns& crowd = feed->crowd().turns;
    if (feed->turn.held) {
      held_.remove(feed);
    } else if (crowd.current != feed) {
      crowd.waiting.remove(feed);
    } else {
      turns_.remove(feed);
      crowd.current = crowd.waiting.take_first();
      if (crowd.current != nullptr) {
        turns_.append(crowd.current);
      } else {
        --turns_count_;
      }
    }
  }
  // The first one's turn is over for now: the other crowds come first.
  void to_back(Feed* feed) {
    if (feed == turns_.last()) return;
    turns_.remove(feed);
    turns_.append(feed);
  }

  TimePoint now() const { return now_; }
  // Time has passed: feeds that were held back until now become due.
  void advance(TimePoint now) {
    now_ = now;
    while (held_.first() != nullptr && held_.first()->turn.not_before <= now) {
      Feed* const feed = held_.take_first();
      feed->turn.held = false;
      queue(feed);
    }
  }
  // When the next held feed becomes due; nothing if there is none.
  std::optional<TimePoint> next_release() const {
    if (held_.first() == nullptr) return std::nullopt;
    return held_.first()->turn.not_before;
  }

 private:
  void queue(Feed* feed) {
    Crowd::Turns& crowd = feed->crowd().turns;
    if (crowd.current != nullptr) {
      crowd.waiting.append(feed);
    } else {
      crowd.current = feed;
      turns_.append(feed);
      ++turns_count_;
    }
  }

  FeedQueue turns_, held_;
  std::size_t turns_count_ = 0;
  TimePoint now_;
};

}  // namespace fanfare::fanout
