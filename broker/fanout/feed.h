// Feed: subscribers of one set of topics, in one framing, on one shard, that stand at the same
// place in the log; and how far its rounds have come. A feed that owes its members nothing stands
// at the log's head without being touched. One that does is due: it stands at `position`, and its
// pending links wait in `merge`.
//
// What it has lost is noted while the log goes by, so that the gap test of a subscriber does not
// look at channels, however many there are.
//
// Directory (which feeds and channels there are) keeps the links, Rounds the rest.
#pragma once

#include <cstddef>
#include <cstdint>

#include "broker/fanout/channel.h"
#include "broker/fanout/event_id.h"
#include "broker/fanout/losses.h"
#include "broker/fanout/members.h"
#include "broker/fanout/merge.h"
#include "broker/fanout/span.h"

#include "common/time.h"

namespace fanfare::fanout {

class Crowd;
class Topics;

// Small, and given again when the feed is gone: four bytes by which a subscriber knows its feed.
using FeedNumber = std::uint32_t;

class Feed {
 public:
  struct Round {
    Span span;
    Sequence target = 0;  // where the members stand after it
    Sequence wanted = 0;  // the head when it began: what is left of that follows at once
    bool ends = false;    // nothing will ever follow
    TimePoint committed;
  };

  Feed(Crowd& its_crowd, FeedNumber its_number) : crowd(its_crowd), number(its_number) {}
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

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

  // Where a member may join, when the log stands at `head`.
  Sequence target(Sequence head) const {
    if (in_round) return round.target;
    return due ? position : head;
  }
  // Notes what the link's channel has lost of the events up to the target, if that is news.
  void note_loss(Link& link) {
    const Sequence through = link.lost_through();
    if (through <= link.lost) return;
    link.lost = through;
    losses.add(through);
  }

  Crowd& crowd;
  const FeedNumber number;
  std::uint32_t opened = 0;           // its subscribers: open() calls less release() calls
  std::uint32_t finished_topics = 0;  // topics that are the names of finished channels
  std::uint32_t place = 0;            // in crowd.feeds()
  Losses losses;                      // of events up to the target

  Members members;
  Merge merge;            // the pending links
  TimePoint not_before;   // of its next round, because of the crowd's pace
  TimePoint last_served;  // when a slice was last handed out
  bool due = false;       // on the agenda
  bool held = false;      // due, but its time has not come
  bool in_round = false;  // `round` is on its way
  Sequence position = 0;  // due: what the members have who are not done in the round
  Sequence owed = 0;      // the first event in arrears; 0: none
  Round round;
  Feed* next_due = nullptr;
  Feed* previous_due = nullptr;

 private:
  void cut(Link* link);
  void unlink(Link* link);

  Link* newest_ = nullptr;
  Link* oldest_ = nullptr;
};

}  // namespace fanfare::fanout
