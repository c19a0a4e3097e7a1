// Batch: what Commands did to the log in one turn of the lead shard, in order, as every shard (the
// lead included) applies it. Immutable once sealed; shared, counted by reference, and reused by the
// lead when no other shard holds it any more.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "broker/fanout/event_id.h"
#include "broker/fanout/segment.h"

#include "common/intrusive.h"
#include "common/time.h"

namespace fanfare::fanout {

// Dense, reused after a channel is forgotten.
using ChannelId = std::uint32_t;

struct ChannelAppeared {
  ChannelId channel;
  std::string name;
  bool keeps_latest = false;  // the latest event of each key, beside its window
};
// The events one channel gained in this turn. A turn whose events straddle two segments makes two
// blocks. A block begins where the channel's block before it ended, if that was of the same
// segment.
struct BlockAppended {
  ChannelId channel;
  // Null: that of the channel's last block, which every window of the channel still has. So a
  // reference is counted once a segment, not once a turn, and not by several cores.
  Ref<Segment> segment;
  Block block;
};
// Everything up to and including `through` has left the window. The counts of what is left come
// with it, so that no shard has to look at the segments.
struct Evicted {
  ChannelId channel;
  Sequence through;
  std::uint64_t events_left;
  std::uint64_t bytes_left;  // of frames
};
struct ChannelFinished {
  ChannelId channel;
};
// No longer finished (the channel was deleted): it may be published to again.
struct ChannelReopened {
  ChannelId channel;
};
// The channel had no events left for long enough. Its `evicted_through` lives on in a tombstone.
struct ChannelForgotten {
  ChannelId channel;
};

// An event became the latest of its key. `previous` was it before; 0: there was none. Without a
// `sequence` the previous one is a removal that need not be remembered any more.
struct KeyChange {
  Sequence sequence;
  Sequence previous;
  bool removes;
};
// The kept pages whose first events lie in [from, to] are now this one, or none.
struct KeptReplaced {
  Sequence from;
  Sequence to;
  Ref<Segment> segment;
  Block block;
};
struct KeyNews {
  bool erased = false;             // before all else: there are no keys and no kept pages any more
  Sequence forgotten_through = 0;  // removals up to here are no longer all known
  std::vector<KeyChange> changes = {};
  std::vector<KeptReplaced> pages = {};
};
// A channel that keeps the latest event of each key (broker/fanout/keys.h): which those are now.
struct KeysChanged {
  ChannelId channel;
  std::shared_ptr<const KeyNews> news;
};
// Channels that do not exist have lost what is up to here, if nothing better is known of them.
struct FloorRaised {
  Sequence floor;
};

using Effect = std::variant<ChannelAppeared, BlockAppended, Evicted, ChannelFinished,
                            ChannelReopened, ChannelForgotten, KeysChanged, FloorRaised>;

struct Batch {
  std::vector<Effect> effects;
  Sequence head = 0;    // the log's newest sequence after this batch
  TimePoint committed;  // when the turn sealed it

  // There is no other reference: the only holder may reuse it.
  bool unshared() const { return references.load(std::memory_order_acquire) == 1; }
  void retain() const { references.fetch_add(1, std::memory_order_relaxed); }
  void release() const {
    if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  mutable std::atomic<std::uint32_t> references{1};
};
using BatchPtr = Ref<const Batch>;

}  // namespace fanfare::fanout
