// Crowd: all subscribers on this shard that asked for the same topics in the same form. A large
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

#include "broker/fanout/attendance.h"
#include "broker/fanout/crowd_rules.h"
#include "broker/fanout/feed.h"
#include "broker/fanout/feed_queue.h"
#include "broker/fanout/topics.h"

#include "common/check.h"

namespace fanfare::fanout {

class Crowd {
 public:
  Crowd(std::shared_ptr<const Topics> topics, Framing framing, Duration spacing,
        std::uint32_t members_max, const CrowdRulesSource& rules)
      : listed_at(topics->count()),
        topics_(std::move(topics)),
        spacing_(spacing),
        members_max_(members_max),
        framing_(framing) {
    ask(rules);
  }

  const Topics& topics() const { return *topics_; }
  const std::shared_ptr<const Topics>& shared_topics() const { return topics_; }
  Framing framing() const { return framing_; }
  // What its subscribers asked for, beside the rules.
  Duration spacing() const { return spacing_; }
  // As they are now; valid until the next call. The source is always the same.
  const CrowdRules& rules(const CrowdRulesSource& source) {
    if (source.revision != nullptr && revision_ != *source.revision) ask(source);
    return rules_;
  }
  std::span<Feed* const> feeds() const { return feeds_; }

  // Null: all are full, a new one is needed.
  Feed* feed_with_room() const { return full_ < feeds_.size() ? feeds_[full_] : nullptr; }
  void add(Feed& feed) {
    feed.share.index = static_cast<std::uint32_t>(feeds_.size());
    feeds_.push_back(&feed);
  }
  // One subscriber more, or fewer, in one of its feeds.
  void enter(Feed& feed, Attendance& attendance) {
    CHECK(feed.share.subscribers < members_max_, "only a feed with room is entered");
    if (++feed.share.subscribers == members_max_) swap(feed.share.index, full_++);
    attendance.change(attendance_line_, topics_, 1);
  }
  // True: that was the feed's last subscriber, and the crowd no longer has the feed. (A crowd
  // without feeds goes.)
  bool exit(Feed& feed, Attendance& attendance) {
    CHECK(feed.share.subscribers > 0, "each release() follows an open()");
    if (feed.share.subscribers-- == members_max_) swap(feed.share.index, --full_);
    attendance.change(attendance_line_, topics_, -1);
    if (feed.share.subscribers > 0) return false;
    CHECK(feed.progress.members().empty(), "a feed with members is open");
    swap(feed.share.index, static_cast<std::uint32_t>(feeds_.size()) - 1);
    feeds_.pop_back();
    if (feeds_.empty()) attendance.abandon(attendance_line_);
    return true;
  }

  // ---- the directory's
  std::vector<std::uint32_t> listed_at;  // among those that have the same topic, by topic
  std::uint64_t met = 0;                 // the last channel that appeared to it
  std::uint64_t serial = 0;              // no two have the same

  struct Turns {              // the agenda's
    Feed* current = nullptr;  // takes turns with the feeds of other crowds
    FeedQueue waiting;        // come after it
  } turns;

 private:
  void swap(std::uint32_t a, std::uint32_t b) {
    std::swap(feeds_[a], feeds_[b]);
    feeds_[a]->share.index = a;
    feeds_[b]->share.index = b;
  }

  void ask(const CrowdRulesSource& source) {
    if (source.revision != nullptr) revision_ = *source.revision;
    if (source.of) rules_ = source.of(*topics_);
  }

  std::shared_ptr<const Topics> topics_;
  std::vector<Feed*> feeds_;  // the full ones first
  CrowdRules rules_;
  std::uint32_t revision_ = 0;  // of the rules
  Attendance::Line attendance_line_;
  Duration spacing_;
  std::uint32_t members_max_;  // of a feed
  std::uint32_t full_ = 0;     // feeds
  Framing framing_;
};

}  // namespace fanfare::fanout
