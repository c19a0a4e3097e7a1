#include "broker/fanout/stock.h"

#include <algorithm>
#include <utility>

namespace fanfare::fanout {
namespace {

// A look at a segment is a cache miss; more of them would cost as much as the page faults saved.
constexpr std::size_t kLooks = 4;

}  // namespace

Ref<Segment> SegmentStock::take(std::size_t capacity) {
  for (std::size_t looks = std::min(kLooks, kept_.size()); looks > 0; --looks) {
    if (next_ >= kept_.size()) next_ = 0;
    Ref<Segment>& candidate = kept_[next_];
    const std::size_t have = candidate->capacity();
    if (have >= capacity && have / 4 <= capacity && candidate->unshared()) {
      Ref<Segment> taken = std::exchange(candidate, std::move(kept_.back()));
      kept_.pop_back();
      return taken;
    }
    ++next_;
  }
  return Segment::make(capacity);
}

void SegmentStock::put(Ref<Segment> segment) {
  if (kept_.size() < count_max_) {
    kept_.push_back(std::move(segment));
    return;
  }
  if (next_ >= kept_.size()) next_ = 0;
  kept_[next_++] = std::move(segment);
}

}  // namespace fanfare::fanout
