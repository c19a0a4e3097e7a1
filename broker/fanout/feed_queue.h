// FeedQueue: feeds in order, linked through themselves: no allocation. A feed is in one at most.
#pragma once

#include <utility>

#include "broker/fanout/feed.h"

namespace fanfare::fanout {

class FeedQueue {
 public:
  Feed* first() const { return first_; }
  Feed* last() const { return last_; }
  static Feed* before(const Feed* feed) { return feed->queued.previous; }

  void append(Feed* feed) { insert(last_, feed); }
  // Behind `before`; null: at the front.
  void insert(Feed* before, Feed* feed) {
    feed->queued.previous = before;
    feed->queued.next =
        before == nullptr ? std::exchange(first_, feed) : std::exchange(before->queued.next, feed);
    (feed->queued.next == nullptr ? last_ : feed->queued.next->queued.previous) = feed;
  }
  void remove(const Feed* feed) {
    const auto [next, previous] = feed->queued;
    (previous == nullptr ? first_ : previous->queued.next) = next;
    (next == nullptr ? last_ : next->queued.previous) = previous;
  }
  Feed* take_first() {
    Feed* const feed = first_;
    if (feed != nullptr) remove(feed);
    return feed;
  }

 private:
  Feed* first_ = nullptr;
  Feed* last_ = nullptr;
};

}  // namespace fanfare::fanout
