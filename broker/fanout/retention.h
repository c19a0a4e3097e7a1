// Retention: what leaves the windows, and when. Four limits: events and bytes per channel, once a
// turn; bytes over all channels, at each new segment, the oldest segment first whoever it
// belongs to; age, now and then. It owns the sizes of segments: 1 KiB for a channel with
// few events, doubling up to 128 KiB for a busy one, or as large as one big event needs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "broker/fanout/arena.h"
#include "broker/fanout/draft.h"
#include "broker/fanout/limits.h"
#include "broker/fanout/segment.h"
#include "broker/fanout/source.h"
#include "broker/fanout/sources.h"

namespace fanfare::fanout {

inline constexpr std::size_t kSegmentFootprintMin = SegmentArena::kBlockBytes;
inline constexpr std::size_t kSegmentFootprintMax = SegmentArena::kPieceMax;

class Retention {
 public:
  struct Counters {
    std::uint64_t by_total_bytes = 0, by_age = 0, by_events = 0, by_bytes = 0, by_erase = 0;
  };

  // `limits` outlives it and may change.
  Retention(Draft& draft, Sources& sources, const LogLimits& limits)
      : draft_(draft), sources_(sources), limits_(limits) {}

  // Makes sure that source.writer takes a frame of `frame_size`; older segments may leave for it.
  void make_room(Source& source, std::size_t frame_size, Sequence sequence);
  // The oldest events leave until the channel's own limits are kept. Once a turn is enough: what
  // leaves is told once a turn.
  void enforce(Source& source);
  // Events committed `limits.age` ago, or earlier, leave.
  void expire(Source& source, TimePoint now);
  // All events leave, and the segments with them. (At most one segment for each 128 KiB of a large
  // channel is touched, none of its events.)
  void clear(Source& source);
  // total_bytes was lowered: the oldest segments leave, at most so many at once. True: more are to.
  bool shrink(std::size_t segments);

  std::uint64_t segment_bytes() const { return segment_bytes_; }
  const Counters& counters() const { return counters_; }

 private:
  void evict_oldest_segment();
  // No more events go to the segment that is being written.
  void close(Source& source);
  // Segments that have no live event and are not being written go.
  void collect(Source& source);
  void list(Segment& segment, Source& source);
  void retire(Segment& segment);

  Draft& draft_;
  Sources& sources_;
  const LogLimits& limits_;
  std::uint64_t segment_bytes_ = 0;
  std::size_t holders_ = 0;  // channels with segments
  Segment* oldest_ = nullptr;
  Segment* newest_ = nullptr;
  Ref<SegmentArena> arena_ = SegmentArena::make();
  Counters counters_;
};

}  // namespace fanfare::fanout
