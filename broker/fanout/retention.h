// Retention: decides what leaves the windows, and when. Four limits: events and bytes per channel,
// once a turn; bytes over all channels, at each new segment, the oldest segment first, whichever
// channel it belongs to; age, now and then. It decides the sizes of segments, which are what the
// total counts: 1 KiB for a channel with few events, doubling up to 128 KiB for a busy one, or as
// large as one big event needs. Each decision is a Command to the Log.
#pragma once

#include <cstddef>
#include <cstdint>

#include "broker/fanout/arena.h"
#include "broker/fanout/limits.h"
#include "broker/fanout/log.h"
#include "broker/fanout/source.h"

namespace fanfare::fanout {

inline constexpr std::size_t kSegmentFootprintMin = SegmentArena::kBlockBytes;
inline constexpr std::size_t kSegmentFootprintMax = SegmentArena::kPieceMax;

class Retention {
 public:
  struct Counters {
    std::uint64_t by_total_bytes = 0, by_age = 0, by_events = 0, by_bytes = 0, by_erase = 0;
  };

  // `limits` outlives it and may change.
  Retention(Log& log, const LogLimits& limits) : log_(log), limits_(limits) {}

  // The open segment has no room for a frame of `frame_size`: opens another; older ones may leave
  // to make room.
  void make_room(Source& source, std::size_t frame_size);
  // The oldest events leave until the channel's own limits are kept. Once a turn is enough: what
  // leaves is told once a turn.
  void enforce(Source& source);
  // Events committed `limits.age` ago, or earlier, leave.
  void expire(Source& source, LogTime now);
  // All its events leave.
  void erase(Source& source, LogTime now);
  // total_bytes was lowered: the oldest segments leave, at most so many at once. True: more are to.
  bool shrink(std::size_t segments);

  const Counters& counters() const { return counters_; }

 private:
  // Returns how many events leave.
  std::uint64_t evict(Source& source, const Window::Cut& cut);
  void evict_oldest_segment();

  Log& log_;
  const LogLimits& limits_;
  Counters counters_;
};

}  // namespace fanfare::fanout
