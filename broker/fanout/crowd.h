// Crowd: all subscribers on this shard that asked for the same topics in the same framing. A large
// crowd has several feeds, of up to `members_max` subscribers each, which are served one after the
// other, each with all that is new by then. So an event waits for one pass over the crowd, wherever
// in a pass it comes; a single feed would owe it the rest of a pass and the whole of the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "broker/fanout/feed.h"
#include "broker/fanout/feed_queue.h"
#include "broker/fanout/topics.h"

#include "common/check.h"

namespace fanfare::fanout {

class Crowd {
 public:
  Crowd(std::shared_ptr<const Topics> topics, Framing framing, std::uint32_t members_max)
      : places(topics->count()),
        topics_(std::move(topics)),
        framing_(framing),
        members_max_(members_max) {}

  const Topics& topics() const { return *topics_; }
  const std::shared_ptr<const Topics>& shared_topics() const { return topics_; }
  Framing framing() const { return framing_; }
  std::span<const std::unique_ptr<Feed>> feeds() const { return feeds_; }

  // Null: all are full, a new one is needed.
  Feed* feed_with_room() const { return full_ < feeds_.size() ? feeds_[full_].get() : nullptr; }
  Feed& add_feed() {
    feeds_.push_back(std::make_unique<Feed>(*this));
    feeds_.back()->place = feeds_.size() - 1;
    return *feeds_.back();
  }
  void enter(Feed& feed) {
    CHECK(feed.opened < members_max_, "only a feed with room is entered");
    if (++feed.opened == members_max_) swap_places(feed.place, full_++);
  }
  // With the last subscriber the feed goes.
  void exit(Feed& feed) {
    CHECK(feed.opened > 0, "each release() follows an open()");
    if (feed.opened-- == members_max_) swap_places(feed.place, --full_);
    if (feed.opened > 0) return;
    CHECK(feed.members.empty(), "a feed with members is open");
    swap_places(feed.place, feeds_.size() - 1);
    feeds_.pop_back();
  }

  // ---- the directory's
  std::vector<std::uint32_t> places;  // among those that have the same topic, by topic
  std::uint64_t met = 0;              // the last channel that appeared to it

  // ---- the agenda's
  Feed* in_turn = nullptr;  // takes turns with the feeds of other crowds
  FeedQueue waiting;        // come after it

 private:
  void swap_places(std::size_t a, std::size_t b) {
    std::swap(feeds_[a], feeds_[b]);
    feeds_[a]->place = a;
    feeds_[b]->place = b;
  }

  std::shared_ptr<const Topics> topics_;
  Framing framing_;
  std::uint32_t members_max_;
  std::vector<std::unique_ptr<Feed>> feeds_;  // the full ones first
  std::size_t full_ = 0;
};

}  // namespace fanfare::fanout
