// Agenda: the feeds that are due, in the order of their turns. The one place that decides which
// feed is next: a feed that is to be served "not before T" would wait here.
#pragma once

#include <cstddef>

#include "broker/fanout/feed.h"

namespace fanfare::fanout {

class Agenda {
 public:
  bool empty() const { return first_ == nullptr; }
  std::size_t count() const { return count_; }
  Feed* next() const { return first_; }

  // At the end; the feed is not on it.
  void add(Feed* feed) {
    feed->due = true;
    feed->next_due = nullptr;
    feed->previous_due = last_;
    (last_ == nullptr ? first_ : last_->next_due) = feed;
    last_ = feed;
    ++count_;
  }
  void remove(Feed* feed) {
    feed->due = false;
    --count_;
    (feed->previous_due == nullptr ? first_ : feed->previous_due->next_due) = feed->next_due;
    (feed->next_due == nullptr ? last_ : feed->next_due->previous_due) = feed->previous_due;
  }
  // The first one's turn is over for now: the others come first.
  void to_back(Feed* feed) {
    if (feed == last_) return;
    remove(feed);
    add(feed);
  }

 private:
  Feed* first_ = nullptr;
  Feed* last_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace fanfare::fanout
