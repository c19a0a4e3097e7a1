// Directory: which channels and feeds there are on this shard, and which feed follows which
// channel. A feed follows the channels its topics name and those its patterns match, also those
// that appear later. Knows nothing of rounds.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "broker/fanout/batch.h"
#include "broker/fanout/channel.h"
#include "broker/fanout/feed.h"
#include "broker/fanout/name_hash.h"
#include "broker/fanout/tombstones.h"

namespace fanfare::fanout {

class Directory {
 public:
  Directory(std::size_t tombstones_max, NameHash hash)
      : names_(0, hash), feeds_(0, FeedHash(hash)), tombstones_(tombstones_max, hash) {}

  // ---- channels, as batches tell of them
  void appear(ChannelId id, std::string_view name);
  Channel& channel(ChannelId id);
  void finish(ChannelId id);
  void reopen(ChannelId id);
  // The channel's links go, but those that are pending; with the last one the channel goes.
  void forget(ChannelId id);
  // A link of a departed channel is not pending any more: it goes.
  void drop(Link* link);

  // ---- feeds
  Feed* open(std::span<const std::string_view> topics, Framing framing);
  // Without members if this was the last open().
  void release(Feed* feed);

  std::size_t feed_count() const { return feeds_.size(); }
  std::size_t channel_count() const { return channel_count_; }

 private:
  // What is known under a name: the channel, if there is one, and the feeds that have it as topic.
  struct Name {
    Channel* channel = nullptr;
    std::vector<Feed*> feeds;
  };
  struct Key {
    std::span<const std::string_view> topics;
    Framing framing;
  };
  struct FeedHash {
    using is_transparent = void;
    explicit FeedHash(NameHash hash) : hash_name(hash) {}
    std::size_t operator()(const Key& key) const;
    std::size_t operator()(const std::unique_ptr<Feed>& feed) const;
    NameHash hash_name;
  };
  struct FeedEqual {
    using is_transparent = void;
    bool operator()(const Key& key, const std::unique_ptr<Feed>& feed) const;
    bool operator()(const std::unique_ptr<Feed>& feed, const Key& key) const {
      return operator()(key, feed);
    }
    bool operator()(const std::unique_ptr<Feed>& a, const std::unique_ptr<Feed>& b) const {
      return a == b;
    }
  };

  Feed* make(const Key& key);
  void follow_names(Feed& feed, std::vector<Channel*>& channels);
  void follow_patterns(Feed& feed, std::vector<Channel*>& channels);
  void forget_name_if_unused(NameMap<Name>::iterator name);

  // by id; null where the id is not in use
  std::vector<std::unique_ptr<Channel>> channels_;
  std::size_t channel_count_ = 0;
  // forgotten, with events that feeds have not sent yet
  std::vector<std::unique_ptr<Channel>> departed_;
  NameMap<Name> names_;
  std::unordered_set<std::unique_ptr<Feed>, FeedHash, FeedEqual> feeds_;
  std::vector<Feed*> pattern_feeds_;
  Tombstones tombstones_;
  std::vector<std::string_view> topics_sorted_;  // of open(), kept for its memory
};

}  // namespace fanfare::fanout
