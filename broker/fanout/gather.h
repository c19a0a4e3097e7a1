// Gather: makes the next Span out of a Merge. One channel's events, chunked, are sent from the
// segment they lie in, if the channel keeps no keys; anything else is put together once, in a
// buffer of this shard's own.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "broker/fanout/merge.h"
#include "broker/fanout/span.h"
#include "broker/fanout/stock.h"

namespace fanfare::fanout {

class Gather {
 public:
  Gather() : buffers_(kBuffers) {}

  // The next events of `merge` up to `through`, at most `bytes_max` bytes of frames, but at least
  // one event: merge.top().next <= through. `last` is the sequence of the last one.
  Span span(Merge& merge, Sequence through, std::size_t bytes_max, Framing framing);
  // The runs that the last span was made of; valid until the next one, and only as long as their
  // windows keep the pages.
  std::span<const Merge::Taken> runs() const { return runs_; }

 private:
  // Spans in flight at a time hardly exceed the feeds in turn; more are simply not reused.
  static constexpr std::size_t kBuffers = 32;

  void take_runs(Merge& merge, Sequence through, std::size_t bytes_max, bool one_segment);

  SegmentStock buffers_;
  std::vector<Merge::Taken> runs_;
};

}  // namespace fanfare::fanout
