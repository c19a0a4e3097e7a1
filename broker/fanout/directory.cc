#include "broker/fanout/directory.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/check.h"
#include "common/pattern.h"

namespace fanfare::fanout {
namespace {

template <class Topics>
std::size_t hash_of(const Topics& topics, Framing framing, const NameHash& hash_name) {
  auto hash = static_cast<std::size_t>(framing);
  for (const auto& topic : topics) hash = hash * 31 + hash_name(topic);
  return hash;
}

}  // namespace

std::size_t Directory::FeedHash::operator()(const Key& key) const {
  return hash_of(key.topics, key.framing, hash_name);
}
std::size_t Directory::FeedHash::operator()(const std::unique_ptr<Feed>& feed) const {
  return hash_of(feed->topics(), feed->framing(), hash_name);
}
bool Directory::FeedEqual::operator()(const Key& key, const std::unique_ptr<Feed>& feed) const {
  return key.framing == feed->framing() && std::ranges::equal(key.topics, feed->topics());
}

void Directory::appear(ChannelId id, std::string_view name) {
  if (id >= channels_.size()) channels_.resize(std::size_t{id} + 1);
  CHECK(channels_[id] == nullptr, "an id belongs to one channel until that is forgotten");
  channels_[id] = std::make_unique<Channel>();
  ++channel_count_;
  Channel& channel = *channels_[id];
  channel.name = name;
  channel.window.inherit(tombstones_.take(name));
  Name& entry = names_[channel.name];
  CHECK(entry.channel == nullptr, "a name belongs to one channel");
  entry.channel = &channel;
  for (Feed* const feed : entry.feeds) feed->attach(channel);
  for (Feed* const feed : pattern_feeds_) {
    if (!feed->names(name) && feed->matches(name)) feed->attach(channel);
  }
}

Channel& Directory::channel(ChannelId id) {
  CHECK(id < channels_.size() && channels_[id] != nullptr, "batches speak of known channels");
  return *channels_[id];
}

void Directory::finish(ChannelId id) {
  Channel& finished = channel(id);
  finished.finished = true;
  for (const Link* const link : finished.links) {
    if (link->feed->names(finished.name)) ++link->feed->finished_topics;
  }
}

void Directory::reopen(ChannelId id) {
  Channel& reopened = channel(id);
  reopened.finished = false;
  for (const Link* const link : reopened.links) {
    if (link->feed->names(reopened.name)) --link->feed->finished_topics;
  }
}

void Directory::forget(ChannelId id) {
  Channel& forgotten = channel(id);
  if (forgotten.finished) reopen(id);
  forgotten.departed = true;
  tombstones_.add(forgotten.name, forgotten.window.evicted_through());
  const auto name = names_.find(forgotten.name);
  name->second.channel = nullptr;
  forget_name_if_unused(name);
  for (std::size_t i = forgotten.links.size(); i-- > 0;) {
    Link* const link = forgotten.links[i];
    if (!link->pending) link->feed->detach(link);
  }
  std::unique_ptr<Channel> departed = std::move(channels_[id]);
  --channel_count_;
  if (!departed->links.empty()) departed_.push_back(std::move(departed));
}

void Directory::drop(Link* link) {
  Channel* const channel = link->channel;
  CHECK(channel->departed, "only a channel that is gone loses its links");
  link->feed->detach(link);
  if (!channel->links.empty()) return;
  const auto place =
      std::ranges::find_if(departed_, [=](const auto& c) { return c.get() == channel; });
  std::swap(*place, departed_.back());
  departed_.pop_back();
}

Feed* Directory::open(std::span<const std::string_view> topics, Framing framing) {
  topics_sorted_.assign(topics.begin(), topics.end());
  std::ranges::sort(topics_sorted_);
  const auto repeated = std::ranges::unique(topics_sorted_);
  topics_sorted_.erase(repeated.begin(), repeated.end());
  const Key key{.topics = topics_sorted_, .framing = framing};
  const auto found = feeds_.find(key);
  Feed* const feed = found == feeds_.end() ? make(key) : found->get();
  ++feed->opened;
  return feed;
}

Feed* Directory::make(const Key& key) {
  auto made = std::make_unique<Feed>(std::vector<std::string>(key.topics.begin(), key.topics.end()),
                                     key.framing);
  Feed* const feed = made.get();
  feeds_.insert(std::move(made));
  std::vector<Channel*> channels;
  follow_names(*feed, channels);
  if (feed->has_patterns()) follow_patterns(*feed, channels);
  std::ranges::sort(channels, std::greater{}, &Channel::recent);
  for (Channel* const channel : channels) {
    const Link* const link = feed->attach(*channel);
    if (link->lost > 0) feed->losses.add(link->lost);
  }
  return feed;
}

void Directory::follow_names(Feed& feed, std::vector<Channel*>& channels) {
  for (const std::string& topic : feed.topics()) {
    if (is_pattern(topic)) continue;
    Name& name = names_[topic];
    name.feeds.push_back(&feed);
    if (name.channel != nullptr) {
      channels.push_back(name.channel);
    } else {
      feed.losses.add(tombstones_.evicted_through(topic));
    }
  }
}

void Directory::follow_patterns(Feed& feed, std::vector<Channel*>& channels) {
  pattern_feeds_.push_back(&feed);
  for (const auto& [text, name] : names_) {
    if (name.channel == nullptr || feed.names(text)) continue;
    if (feed.matches(text)) channels.push_back(name.channel);
  }
  Sequence lost = tombstones_.floor();
  for (const Tombstones::Tombstone& stone : tombstones_.all()) {
    if (stone.evicted_through > lost && feed.matches(stone.name)) lost = stone.evicted_through;
  }
  feed.losses.add(lost);
}

void Directory::release(Feed* feed) {
  CHECK(feed->opened > 0, "each release() follows an open()");
  if (--feed->opened > 0) return;
  CHECK(feed->members.empty(), "a feed with members is open");
  for (const std::string& topic : feed->topics()) {
    if (is_pattern(topic)) continue;
    const auto name = names_.find(topic);
    std::erase(name->second.feeds, feed);
    forget_name_if_unused(name);
  }
  if (feed->has_patterns()) std::erase(pattern_feeds_, feed);
  std::vector<std::string_view> topics(feed->topics().begin(), feed->topics().end());
  feeds_.erase(feeds_.find(Key{.topics = topics, .framing = feed->framing()}));
}

void Directory::forget_name_if_unused(NameMap<Name>::iterator name) {
  if (name->second.channel == nullptr && name->second.feeds.empty()) names_.erase(name);
}

}  // namespace fanfare::fanout
