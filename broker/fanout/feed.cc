#include "broker/fanout/feed.h"

#include "broker/fanout/crowd.h"

#include "common/check.h"

namespace fanfare::fanout {

const Topics& Feed::topics() const {
  return crowd_.topics();
}
Framing Feed::framing() const {
  return crowd_.framing();
}
bool Feed::complete() const {
  return finished_topics_ == topics().count();
}

Feed::~Feed() {
  while (newest_ != nullptr) cut(newest_);
}

Link* Feed::attach(Channel& channel) {
  Link* const link = new Link{.feed = this, .channel = &channel};
  link->index = static_cast<std::uint32_t>(channel.links.size());
  channel.links.push_back(link);
  if (channel.latest) {
    link->keyed_index = static_cast<std::uint32_t>(keyed_.size());
    keyed_.push_back(link);
  }
  link->newer = oldest_;
  (oldest_ == nullptr ? newest_ : oldest_->older) = link;
  oldest_ = link;
  if (channel.finished && topics().names(channel.name)) ++finished_topics_;
  link->lost = link->lost_through();
  link->thinned = link->thinned_through();
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
  if (channel.latest) {
    keyed_[link->keyed_index] = keyed_.back();
    keyed_[link->keyed_index]->keyed_index = link->keyed_index;
    keyed_.pop_back();
  }
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
