// Channel: a name and its Window on one shard, and the Links by which feeds follow it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/fanout/batch.h"
#include "broker/fanout/event_id.h"
#include "broker/fanout/latest.h"
#include "broker/fanout/name_tree.h"
#include "broker/fanout/window.h"

namespace fanfare::fanout {

class Feed;
struct Link;

struct Channel {
  std::string name;
  Shelf<Channel> shelf;
  Window window;
  std::vector<Link*> links;
  // The log's head after the last batch that brought events here; at least window.newest_ever().
  Sequence recent = 0;
  std::uint32_t links_pending = 0;
  bool finished = false;
  // Forgotten by the log; kept until the last pending link has been served.
  bool departed = false;
  // If it keeps the latest event of each key: which those are.
  std::unique_ptr<Latest> latest;

  // Releases the pages that nothing needs any more.
  void trim() {
    while (window.take_dead()) {
    }
  }
};

// A feed follows a channel. Pending: the channel has events that the feed's rounds have not taken
// yet; the page of the first of them is pinned.
struct Link {
  Feed* feed = nullptr;
  Channel* channel = nullptr;
  std::uint32_t index = 0;        // in channel->links
  std::uint32_t keyed_index = 0;  // in feed->keyed(), if the channel keeps keys
  bool pending = false;
  std::uint64_t pinned_page = 0;
  // While pending: the channel's newest event before the first that the rounds have not taken.
  Sequence served = 0;
  Sequence lost = 0;     // what the feed's losses say of this channel
  Sequence thinned = 0;  // and what its thinnings say
  // The feed's links, the most recent channel first.
  Link* newer = nullptr;
  Link* older = nullptr;

  // The newest event of the channel that a member at the feed's target, or before it, can have
  // lost. Where the latest of each key is kept, only a removal can be lost.
  Sequence lost_through() const {
    const Sequence lost_by_all = channel->latest == nullptr ? channel->window.evicted_through()
                                                            : channel->latest->forgotten_through();
    return pending ? std::min(lost_by_all, served) : lost_by_all;
  }
  // The same of a channel that keeps the latest of each key: up to here, only those are left.
  Sequence thinned_through() const {
    if (channel->latest == nullptr) return 0;
    const Sequence evicted = channel->window.evicted_through();
    return pending ? std::min(evicted, served) : evicted;
  }
};

}  // namespace fanfare::fanout
