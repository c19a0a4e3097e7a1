// Agenda: the feeds that are due, in the order of their turns. The one place that decides which
// feed is next: a feed with a pace, whose last round began less than that ago, is held back until
// then.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "broker/fanout/feed.h"

#include "common/time.h"

namespace fanfare::fanout {

class Agenda {
 public:
  // Of those that are not held back:
  bool empty() const { return turns_.first == nullptr; }
  std::size_t count() const { return turns_.count; }
  Feed* next() const { return turns_.first; }

  // The feed is not on it.
  void add(Feed* feed) {
    feed->due = true;
    feed->held = feed->not_before > now_;
    if (!feed->held) {
      turns_.insert(turns_.last, feed);
      return;
    }
    // From the back: paces are mostly equal, so that the newest is mostly the last.
    Feed* before = held_.last;
    while (before != nullptr && before->not_before > feed->not_before)
      before = before->previous_due;
    held_.insert(before, feed);
  }
  void remove(Feed* feed) {
    feed->due = false;
    (feed->held ? held_ : turns_).remove(feed);
  }
  // The first one's turn is over for now: the others come first.
  void to_back(Feed* feed) {
    if (feed == turns_.last) return;
    turns_.remove(feed);
    turns_.insert(turns_.last, feed);
  }

  TimePoint now() const { return now_; }
  // Time has passed: lets those go whose time has come.
  void advance(TimePoint now) {
    now_ = now;
    while (held_.first != nullptr && held_.first->not_before <= now) {
      Feed* const feed = held_.first;
      held_.remove(feed);
      feed->held = false;
      turns_.insert(turns_.last, feed);
    }
  }
  // When the next of the held ones may go; nothing if there is none.
  std::optional<TimePoint> next_release() const {
    if (held_.first == nullptr) return std::nullopt;
    return held_.first->not_before;
  }

 private:
  struct List {
    Feed* first = nullptr;
    Feed* last = nullptr;
    std::size_t count = 0;

    // Behind `before`; null: at the front.
    void insert(Feed* before, Feed* feed) {
      feed->previous_due = before;
      feed->next_due =
          before == nullptr ? std::exchange(first, feed) : std::exchange(before->next_due, feed);
      (feed->next_due == nullptr ? last : feed->next_due->previous_due) = feed;
      ++count;
    }
    void remove(Feed* feed) {
      (feed->previous_due == nullptr ? first : feed->previous_due->next_due) = feed->next_due;
      (feed->next_due == nullptr ? last : feed->next_due->previous_due) = feed->previous_due;
      --count;
    }
  };

  List turns_, held_;
  TimePoint now_;
};

}  // namespace fanfare::fanout
