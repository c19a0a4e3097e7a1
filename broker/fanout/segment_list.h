// SegmentList: the segments of all channels at the writing end, the oldest first, and what they
// weigh together. A segment is in it from when it is opened until no live event is in it and none
// will come.
#pragma once

#include <cstddef>
#include <cstdint>

#include "broker/fanout/segment.h"
#include "broker/fanout/source.h"
#include "broker/fanout/sources.h"

namespace fanfare::fanout {

class SegmentList {
 public:
  explicit SegmentList(Sources& sources) : sources_(sources) {}

  void add(Segment& segment, Source& source);
  void remove(Segment& segment);
  static bool holds(const Segment& segment) { return segment.queued_.listed; }

  const Segment* oldest() const { return oldest_; }
  const Segment* newest() const { return newest_; }
  static std::uint32_t channel(const Segment& segment) { return segment.queued_.channel; }
  static const Segment* newer(const Segment& segment) { return segment.queued_.newer; }
  std::uint64_t bytes() const { return bytes_; }
  std::size_t holders() const { return holders_; }  // channels that have one

 private:
  Sources& sources_;
  std::uint64_t bytes_ = 0;
  std::size_t holders_ = 0;
  Segment* oldest_ = nullptr;
  Segment* newest_ = nullptr;
};

}  // namespace fanfare::fanout
