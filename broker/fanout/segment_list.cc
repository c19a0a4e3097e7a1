#include "broker/fanout/segment_list.h"

#include <utility>

namespace fanfare::fanout {

void SegmentList::add(Segment& segment, Source& source) {
  segment.queued_ = {.older = newest_, .newer = nullptr, .channel = source.id, .listed = true};
  if (source.segments++ == 0) ++holders_;
  (newest_ == nullptr ? oldest_ : newest_->queued_.newer) = &segment;
  newest_ = &segment;
  bytes_ += segment.footprint();
}

void SegmentList::remove(Segment& segment) {
  const Segment::Queued queued = std::exchange(segment.queued_, {});
  (queued.older == nullptr ? oldest_ : queued.older->queued_.newer) = queued.newer;
  (queued.newer == nullptr ? newest_ : queued.newer->queued_.older) = queued.older;
  bytes_ -= segment.footprint();
  if (--sources_.at(queued.channel).segments == 0) --holders_;
}

}  // namespace fanfare::fanout
