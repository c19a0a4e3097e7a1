// FeedQueue: feeds in order, linked through themselves: no allocation. A feed is in one at most.
#pragma once

#include <utility>

#include "broker/fanout/feed.h"

namespace fanfare::fanout {

struct FeedQueue {
  Feed* first = nullptr;
  Feed* last = nullptr;

  void append(Feed* feed) { insert(last, feed); }
  // Behind `before`; null: at the front.
  void insert(Feed* before, Feed* feed) {
    feed->previous_due = before;
    feed->next_due =
        before == nullptr ? std::exchange(first, feed) : std::exchange(before->next_due, feed);
    (feed->next_due == nullptr ? last : feed->next_due->previous_due) = feed;
  }
  void remove(Feed* feed) {
    (feed->previous_due == nullptr ? first : feed->previous_due->next_due) = feed->next_due;
    (feed->next_due == nullptr ? last : feed->next_due->previous_due) = feed->previous_due;
  }
};

}  // namespace fanfare::fanout
