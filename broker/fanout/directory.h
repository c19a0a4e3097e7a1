// Directory: which channels, crowds and feeds there are on this shard, and which feed follows which
// channel. A feed follows the channels its topics name and those its patterns match, also those
// that appear later. Knows nothing of rounds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "broker/fanout/attendance.h"
#include "broker/fanout/batch.h"
#include "broker/fanout/channel.h"
#include "broker/fanout/crowd.h"
#include "broker/fanout/crowd_rules.h"
#include "broker/fanout/feed.h"
#include "broker/fanout/name_hash.h"
#include "broker/fanout/name_tree.h"
#include "broker/fanout/tombstones.h"

#include "common/free_indexes.h"
#include "common/pattern_index.h"
#include "common/postings.h"

namespace fanfare::fanout {

class Directory {
 public:
  Directory(std::size_t tombstones_max, std::uint32_t feed_members_max, NameHash hash,
            CrowdRulesSource rules = {})
      : feed_members_max_(feed_members_max),
        rules_(std::move(rules)),
        names_(0, hash),
        tree_(hash),
        patterns_(hash("patterns")),
        crowds_(0, CrowdHash(hash)),
        tombstones_(tombstones_max, hash) {}

  // ---- channels, as batches report them
  void appear(ChannelId id, std::string_view name, bool keeps_latest = false);
  Channel& channel(ChannelId id);
  void finish(ChannelId id);
  void reopen(ChannelId id);
  // The channel's links go, except for those that are pending; the channel goes with the last one.
  void forget(ChannelId id);
  void raise_floor(Sequence floor) { tombstones_.raise_floor(floor); }
  // A link of a departed channel is no longer pending: it goes.
  void drop(Link* link);

  // ---- feeds
  // One with room, made if need be.
  // `spacing`: what its subscribers want, whatever the rules say (crowd_rules.h).
  Feed* open(std::span<const std::string_view> topics, Framing framing, Duration spacing = {});
  // The feed goes with its last subscriber, when it has no members, and its crowd with the last
  // feed.
  void release(Feed* feed);
  Feed& feed(FeedNumber number) const { return *feeds_[number]; }
  // Those that follow a channel of this name, or would if there were one; each once, in order.
  std::vector<FeedNumber> feeds_of(std::string_view channel);
  std::vector<Attendance::Change> take_attendance() { return attendance_.take(); }

  // Different patterns of all crowds, and how many an open() would add.
  std::size_t pattern_count() const { return patterns_.count(); }
  std::size_t new_patterns(std::span<const std::string_view> topics) const;

  const CrowdRules& rules(Crowd& crowd) const { return crowd.rules(rules_); }
  // How far apart updates of one key are for this feed; zero: it gets every event.
  Duration spacing(const Feed& feed) const {
    if (feed.keyed().empty()) return {};
    return std::max(rules(feed.crowd()).spacing, feed.crowd().spacing());
  }

  std::size_t feed_count() const { return feed_count_; }
  std::size_t channel_count() const { return channel_count_; }

 private:
  // What is known under a name: the channel, if there is one, and the crowds that have it as topic.
  struct Name {
    Channel* channel = nullptr;
    Postings<Crowd> crowds;
  };
  struct Key {
    std::span<const std::string_view> topics;
    Framing framing;
    Duration spacing;
  };
  struct CrowdHash {
    using is_transparent = void;
    explicit CrowdHash(NameHash hash) : hash_name(hash) {}
    std::size_t operator()(const Key& key) const;
    std::size_t operator()(const std::unique_ptr<Crowd>& crowd) const;
    NameHash hash_name;
  };
  struct CrowdEqual {
    using is_transparent = void;
    bool operator()(const Key& key, const std::unique_ptr<Crowd>& crowd) const;
    bool operator()(const std::unique_ptr<Crowd>& crowd, const Key& key) const {
      return operator()(key, crowd);
    }
    bool operator()(const std::unique_ptr<Crowd>& a, const std::unique_ptr<Crowd>& b) const {
      return a == b;
    }
  };

  Crowd& make_crowd(const Key& key);
  void erase(Crowd& crowd);
  Feed& make_feed(Crowd& crowd);
  void follow_names(Feed& feed, std::vector<Channel*>& channels);
  void follow_patterns(Feed& feed, std::vector<Channel*>& channels);
  void attach(const Postings<Crowd>& crowds, Channel& channel);
  void forget_name_if_unused(NameMap<Name>::iterator name);

  std::uint32_t feed_members_max_;
  CrowdRulesSource rules_;
  Attendance attendance_;
  // by id; null where the id is not in use
  std::vector<std::unique_ptr<Channel>> channels_;
  std::size_t channel_count_ = 0;
  // forgotten, with events that feeds have not sent yet
  std::vector<std::unique_ptr<Channel>> departed_;
  NameMap<Name> names_;
  NameTree<Channel> tree_;  // of the channels
  PatternIndex patterns_;
  std::vector<Postings<Crowd>> pattern_crowds_;  // by the index's number
  std::vector<PatternIndex::Id> matched_;        // by a channel's name, kept for its memory
  std::uint64_t appeared_ = 0;                   // channels so far
  std::unordered_set<std::unique_ptr<Crowd>, CrowdHash, CrowdEqual> crowds_;
  std::vector<std::unique_ptr<Feed>> feeds_;  // by number; null where it is free
  FreeIndexes free_numbers_;
  std::size_t feed_count_ = 0;
  std::uint64_t crowds_made_ = 0;
  Tombstones tombstones_;
  std::vector<std::string_view> topics_sorted_;  // of open(), kept for its memory
};

}  // namespace fanfare::fanout
