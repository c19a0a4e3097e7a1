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

std::size_t Directory::CrowdHash::operator()(const Key& key) const {
  return hash_of(key.topics, key.framing, hash_name);
}
std::size_t Directory::CrowdHash::operator()(const std::unique_ptr<Crowd>& crowd) const {
  return hash_of(crowd->topics().texts(), crowd->framing(), hash_name);
}
bool Directory::CrowdEqual::operator()(const Key& key, const std::unique_ptr<Crowd>& crowd) const {
  return key.framing == crowd->framing() && key.spacing == crowd->spacing() &&
         std::ranges::equal(key.topics, crowd->topics().texts());
}

void Directory::appear(ChannelId id, std::string_view name, bool keeps_latest) {
  if (id >= channels_.size()) channels_.resize(std::size_t{id} + 1);
  CHECK(channels_[id] == nullptr, "an id belongs to one channel until that is forgotten");
  channels_[id] = std::make_unique<Channel>();
  ++channel_count_;
  Channel& channel = *channels_[id];
  channel.name = name;
  channel.window.inherit(tombstones_.take(name));
  if (keeps_latest) channel.latest = std::make_unique<Latest>(channel.window.evicted_through());
  Name& entry = names_[channel.name];
  CHECK(entry.channel == nullptr, "a name belongs to one channel");
  entry.channel = &channel;
  tree_.insert(channel);
  ++appeared_;
  attach(entry.crowds, channel);
  matched_.clear();
  patterns_.match(name, matched_);
  for (const PatternIndex::Id pattern : matched_) attach(pattern_crowds_[pattern], channel);
}

// Several topics of a crowd may lead here.
void Directory::attach(const Postings<Crowd>& crowds, Channel& channel) {
  for (const auto& entry : crowds.entries()) {
    if (std::exchange(entry.holder->met, appeared_) == appeared_) continue;
    for (Feed* const feed : entry.holder->feeds()) feed->attach(channel);
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
    if (link->feed->topics().names(finished.name)) link->feed->topic_finished();
  }
}

void Directory::reopen(ChannelId id) {
  Channel& reopened = channel(id);
  reopened.finished = false;
  for (const Link* const link : reopened.links) {
    if (link->feed->topics().names(reopened.name)) link->feed->topic_reopened();
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
  tree_.erase(forgotten);
  // With it go the removals that were still remembered.
  if (forgotten.latest) forgotten.latest->forget_removals(forgotten.window.evicted_through());
  for (std::size_t i = forgotten.links.size(); i-- > 0;) {
    Link* const link = forgotten.links[i];
    if (link->pending) continue;
    link->feed->note_loss(*link);
    link->feed->detach(link);
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
  const auto found =
      std::ranges::find_if(departed_, [=](const auto& c) { return c.get() == channel; });
  std::swap(*found, departed_.back());
  departed_.pop_back();
}

Feed* Directory::open(std::span<const std::string_view> topics, Framing framing, Duration spacing) {
  topics_sorted_.assign(topics.begin(), topics.end());
  std::ranges::sort(topics_sorted_);
  const auto repeated = std::ranges::unique(topics_sorted_);
  topics_sorted_.erase(repeated.begin(), repeated.end());
  const Key key{.topics = topics_sorted_, .framing = framing, .spacing = spacing};
  const auto found = crowds_.find(key);
  Crowd& crowd = found == crowds_.end() ? make_crowd(key) : **found;
  Feed* feed = crowd.feed_with_room();
  if (feed == nullptr) feed = &make_feed(crowd);
  crowd.enter(*feed, attendance_);
  return feed;
}

std::vector<FeedNumber> Directory::feeds_of(std::string_view channel) {
  std::vector<FeedNumber> numbers;
  const auto add = [&numbers](const Postings<Crowd>& crowds) {
    for (const auto& entry : crowds.entries()) {
      for (const Feed* const feed : entry.holder->feeds()) numbers.push_back(feed->number());
    }
  };
  if (const auto name = names_.find(channel); name != names_.end()) add(name->second.crowds);
  matched_.clear();
  patterns_.match(channel, matched_);
  for (const PatternIndex::Id pattern : matched_) add(pattern_crowds_[pattern]);
  // A crowd may have the name and patterns that match it.
  std::ranges::sort(numbers);
  const auto repeated = std::ranges::unique(numbers);
  numbers.erase(repeated.begin(), repeated.end());
  return numbers;
}

std::size_t Directory::new_patterns(std::span<const std::string_view> topics) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < topics.size(); ++i) {
    const std::string_view topic = topics[i];
    if (!is_pattern(topic) || patterns_.find(topic)) continue;
    const auto before = topics.first(i);
    count += std::ranges::find(before, topic) == before.end() ? 1 : 0;
  }
  return count;
}

Crowd& Directory::make_crowd(const Key& key) {
  auto topics = std::make_shared<const Topics>(
      std::vector<std::string>(key.topics.begin(), key.topics.end()));
  // A feed has a Link for each of its channels. If their number has no bound, one feed must do.
  const std::uint32_t members_max = topics->has_patterns() ? UINT32_MAX : feed_members_max_;
  auto made =
      std::make_unique<Crowd>(std::move(topics), key.framing, key.spacing, members_max, rules_);
  Crowd& crowd = *made;
  crowd.serial = ++crowds_made_;
  crowds_.insert(std::move(made));
  const auto& texts = crowd.topics().texts();
  for (std::uint32_t i = 0; i < texts.size(); ++i) {
    if (!is_pattern(texts[i])) {
      names_[texts[i]].crowds.add(crowd, i);
      continue;
    }
    const PatternIndex::Id id = patterns_.insert(texts[i]);
    if (id >= pattern_crowds_.size()) pattern_crowds_.resize(std::size_t{id} + 1);
    pattern_crowds_[id].add(crowd, i);
  }
  return crowd;
}

void Directory::erase(Crowd& crowd) {
  const auto& texts = crowd.topics().texts();
  for (std::uint32_t i = 0; i < texts.size(); ++i) {
    if (!is_pattern(texts[i])) {
      const auto name = names_.find(texts[i]);
      name->second.crowds.remove(crowd, i);
      forget_name_if_unused(name);
      continue;
    }
    const PatternIndex::Id id = *patterns_.find(texts[i]);
    pattern_crowds_[id].remove(crowd, i);
    if (pattern_crowds_[id].empty()) patterns_.erase(id);
  }
  const std::vector<std::string_view> topics(texts.begin(), texts.end());
  crowds_.erase(
      crowds_.find(Key{.topics = topics, .framing = crowd.framing(), .spacing = crowd.spacing()}));
}

Feed& Directory::make_feed(Crowd& crowd) {
  auto number = static_cast<FeedNumber>(feeds_.size());
  if (free_numbers_.empty()) {
    feeds_.emplace_back();
  } else {
    number = free_numbers_.take();
  }
  feeds_[number] = std::make_unique<Feed>(crowd, number);
  ++feed_count_;
  Feed& feed = *feeds_[number];
  crowd.add(feed);
  std::vector<Channel*> channels;
  follow_names(feed, channels);
  if (crowd.topics().has_patterns()) follow_patterns(feed, channels);
  // Several patterns may have led to one channel.
  std::ranges::sort(channels, [](const Channel* a, const Channel* b) {
    return a->recent != b->recent ? a->recent > b->recent : a->name < b->name;
  });
  const auto repeated = std::ranges::unique(channels);
  channels.erase(repeated.begin(), repeated.end());
  for (Channel* const channel : channels) {
    const Link* const link = feed.attach(*channel);
    if (link->lost > 0) feed.inherit_loss(link->lost);
    if (link->thinned > 0) feed.inherit_thinning(link->thinned);
  }
  return feed;
}

void Directory::follow_names(Feed& feed, std::vector<Channel*>& channels) {
  for (const std::string& topic : feed.topics().texts()) {
    if (is_pattern(topic)) continue;
    if (Channel* const channel = names_.find(topic)->second.channel; channel != nullptr) {
      channels.push_back(channel);
    } else {
      feed.inherit_loss(tombstones_.evicted_through(topic));
    }
  }
}

void Directory::follow_patterns(Feed& feed, std::vector<Channel*>& channels) {
  const auto find = [this](const std::string& name) {
    const auto found = names_.find(name);
    return found == names_.end() ? nullptr : found->second.channel;
  };
  Sequence lost = 0;
  for (const std::string& topic : feed.topics().texts()) {
    if (!is_pattern(topic)) continue;
    tree_.for_each_match(topic, find, [&](Channel& channel) { channels.push_back(&channel); });
    lost = std::max(lost, tombstones_.evicted_through_by(topic));
  }
  feed.inherit_loss(lost);
}

void Directory::release(Feed* feed) {
  Crowd& crowd = feed->crowd();
  if (!crowd.exit(*feed, attendance_)) return;
  const FeedNumber number = feed->number();
  feeds_[number].reset();
  free_numbers_.give_back(number);
  --feed_count_;
  if (crowd.feeds().empty()) erase(crowd);
}

void Directory::forget_name_if_unused(NameMap<Name>::iterator name) {
  if (name->second.channel == nullptr && name->second.crowds.empty()) names_.erase(name);
}

}  // namespace fanfare::fanout
