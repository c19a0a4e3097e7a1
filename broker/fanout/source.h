// Source: a channel at the writing end of the log: its window as the lead shard knows it, the
// segment that is being filled, and how much of it the sealed batches have told.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "broker/fanout/batch.h"
#include "broker/fanout/event_id.h"
#include "broker/fanout/keys.h"
#include "broker/fanout/limits.h"
#include "broker/fanout/log_clock.h"
#include "broker/fanout/segment_writer.h"
#include "broker/fanout/window.h"

#include "common/time.h"

namespace fanfare::fanout {

struct Source {
  std::string name;
  ChannelId id = 0;
  Window window;
  // The segment that takes the next event, or none. Stays when its events are evicted by count or
  // bytes, so that a channel without history fills one segment after the other.
  SegmentWriter writer;
  std::size_t last_footprint = 0;  // of it, or of the one before; 0: the next is a small one
  std::uint32_t segments = 0;      // that count for total_bytes
  std::uint32_t gained = 0;        // published between the last two for_each_gain()
  std::uint64_t published = 0;
  std::uint64_t published_before = 0;  // at the last for_each_gain()
  Sequence newest = 0;                 // 0: none since the channel appeared
  // Nothing up to it counts: the log's head when the channel appeared, or was last dropped, or the
  // event that told clients so.
  Sequence begun_after = 0;
  LogTime last_activity;
  bool finished = false;

  std::unique_ptr<Keys> keys;  // if it keeps the latest event of each key

  // The sequencer's: nothing of it is in a Command.
  HistoryLimits limits;
  LogTime visit_due;  // when expire() looks at it again; a visit of another time is out of date

  // What the draft and the batches before it say.
  std::uint32_t told_count = 0;  // entries of the segment that is being written
  std::uint32_t told_end = 0;    // and bytes
  bool told_segment = false;     // the shards have that segment
  Sequence told_evicted = 0;
  bool told_finished = false;
  bool dirty = false;  // noted by the draft
};

}  // namespace fanfare::fanout
