// Feed: subscribers of one set of topics, in one framing, on one shard, that stand at the same
// place in the log. It knows which channels they follow and what they have lost; how far its rounds
// have come is its Progress.
//
// What it has lost is noted while the log goes by, so that the gap test of a subscriber does not
// look at channels, however many there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "broker/fanout/channel.h"
#include "broker/fanout/event_id.h"
#include "broker/fanout/losses.h"
#include "broker/fanout/progress.h"
#include "broker/fanout/span.h"

#include "common/time.h"

namespace fanfare::fanout {

class Crowd;
class Topics;

// Small, and given again when the feed is gone: four bytes by which a subscriber knows its feed.
using FeedNumber = std::uint32_t;

class Feed {
 public:
  Feed(Crowd& crowd, FeedNumber number) : crowd_(crowd), number_(number) {}
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  Crowd& crowd() const { return crowd_; }
  FeedNumber number() const { return number_; }
  const Topics& topics() const;
  Framing framing() const;
  // Every channel is there and finished, and there is no pattern.
  bool complete() const;

  // ---- the channels it follows
  // The feed knows what the channel has lost already.
  Link* attach(Channel& channel);
  void detach(Link* link);
  // Events came to the link's channel: it is the most recent one now.
  void touch(Link* link);
  Link* most_recent() const { return newest_; }
  // Those of channels that keep the latest event of each key, in no order.
  std::span<Link* const> keyed() const { return keyed_; }
  // A channel that one of its topics names was finished, or reopened.
  void topic_finished() { ++finished_topics_; }
  void topic_reopened() { --finished_topics_; }

  // ---- what it has lost, of the events up to the target
  const Losses& losses() const { return losses_; }
  // Before it was made; 0: nothing.
  void inherit_loss(Sequence through) {
    losses_.add(through);
    removals_lost_ = std::max(removals_lost_, through);
  }
  // The newest of them that may have been the removal of a key; 0: none was.
  Sequence removals_lost() const { return removals_lost_; }
  // Up to where channels that keep the latest event of each key have nothing but those left.
  const Losses& thinnings() const { return thinnings_; }
  void inherit_thinning(Sequence through) { thinnings_.add(through); }
  // Notes what the link's channel has lost, if that is news.
  void note_loss(Link& link) {
    if (const Sequence through = link.lost_through(); through > link.lost) {
      link.lost = through;
      losses_.add(through);
      if (link.channel->latest) removals_lost_ = std::max(removals_lost_, through);
    }
    if (const Sequence through = link.thinned_through(); through > link.thinned) {
      link.thinned = through;
      thinnings_.add(through);
    }
  }

  // ---- what others keep of it; each is changed only where it says
  Progress progress;       // Rounds
  struct Turn {            // Agenda
    TimePoint not_before;  // of the next round, because of the crowd's pace
    bool held = false;     // due, but its time has not come
  } turn;
  bool awaited = false;  // Rounds: somebody who is no member waits for its next event
  struct Queued {        // FeedQueue
    Feed* next = nullptr;
    Feed* previous = nullptr;
  } queued;
  struct Share {  // Crowd
    std::uint32_t subscribers = 0;
    std::uint32_t index = 0;  // in its feeds()
  } share;

 private:
  void cut(Link* link);
  void unlink(Link* link);

  Crowd& crowd_;
  const FeedNumber number_;
  std::uint32_t finished_topics_ = 0;  // topics that are the names of finished channels
  Losses losses_;
  Sequence removals_lost_ = 0;
  Losses thinnings_;
  Link* newest_ = nullptr;
  Link* oldest_ = nullptr;
  std::vector<Link*> keyed_;
};

}  // namespace fanfare::fanout
