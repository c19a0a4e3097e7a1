#include "broker/fanout/feed.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/pattern.h"

namespace fanfare::fanout {

Feed::Feed(std::vector<std::string> topics, Framing framing)
    : topics_(std::move(topics)), framing_(framing) {
  plain_names_ = static_cast<std::size_t>(
      std::ranges::count_if(topics_, [](const auto& topic) { return !is_pattern(topic); }));
}

Feed::~Feed() {
  while (newest_ != nullptr) cut(newest_);
}

bool Feed::names(std::string_view name) const {
  return std::ranges::binary_search(topics_, name);
}

bool Feed::matches(std::string_view name) const {
  return std::ranges::any_of(topics_, [&](const auto& topic) {
    return is_pattern(topic) && pattern_matches(topic, name);
  });
}

Link* Feed::attach(Channel& channel) {
  Link* const link = new Link{.feed = this, .channel = &channel};
  link->index = static_cast<std::uint32_t>(channel.links.size());
  channel.links.push_back(link);
  link->newer = oldest_;
  (oldest_ == nullptr ? newest_ : oldest_->older) = link;
  oldest_ = link;
  if (channel.finished && names(channel.name)) ++finished_topics;
  link->lost = link->lost_through();
  return link;
}

void Feed::detach(Link* link) {
  CHECK(!link->pending, "what is still to be sent is not let go");
  cut(link);
}

void Feed::cut(Link* link) {
  Channel& channel = *link->channel;
  channel.links[link->index] = channel.links.back();
  channel.links[link->index]->index = link->index;
  channel.links.pop_back();
  unlink(link);
  delete link;
}

void Feed::touch(Link* link) {
  if (link == newest_) return;
  unlink(link);
  link->newer = nullptr;
  link->older = newest_;
  newest_->newer = link;
  newest_ = link;
}

void Feed::unlink(Link* link) {
  (link->newer == nullptr ? newest_ : link->newer->older) = link->older;
  (link->older == nullptr ? oldest_ : link->older->newer) = link->newer;
}

}  // namespace fanfare::fanout
