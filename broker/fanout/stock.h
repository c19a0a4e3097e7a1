// SegmentStock: a few segments kept for reuse, so that a busy log touches the same pages of memory
// again and again instead of asking the kernel for new ones. It may hold segments that other shards
// or partly sent spans still read; take() gives only one that nothing else references any more. One
// thread; bounded: when it is full, a new segment replaces an old one.
#pragma once

#include <cstddef>
#include <vector>

#include "broker/fanout/segment.h"

namespace fanfare::fanout {

class SegmentStock {
 public:
  explicit SegmentStock(std::size_t count_max) : count_max_(count_max) { kept_.reserve(count_max); }

  // A segment with at least `capacity` and at most four times that, of the first few in
  // stock, or a new one of `capacity`.
  Ref<Segment> take(std::size_t capacity);
  void put(Ref<Segment> segment);
  std::size_t count() const { return kept_.size(); }

 private:
  std::size_t count_max_;
  std::size_t next_ = 0;  // where take() looks first, and put() replaces
  std::vector<Ref<Segment>> kept_;
};

}  // namespace fanfare::fanout
