#include "broker/fanout/segment.h"

#include <new>

#include "common/check.h"

namespace fanfare::fanout {

static_assert(alignof(Segment) >= alignof(Segment::Entry));
static_assert(sizeof(Segment) == 2 * kCacheLine);

Ref<Segment> Segment::make(std::size_t capacity) {
  capacity = (capacity + 3) & ~std::size_t{3};
  CHECK(capacity <= UINT32_MAX, "offsets in a segment are 32 bits wide");
  void* const memory =
      ::operator new(sizeof(Segment) + capacity, std::align_val_t{alignof(Segment)});
  return Ref<Segment>::adopt(new (memory) Segment(static_cast<std::uint32_t>(capacity)));
}

std::uint32_t Segment::index_after(Sequence sequence, std::uint32_t count) const {
  if (count == 0 || sequence < first_sequence_) return 0;
  if (sequence >= this->sequence(count - 1)) return count;
  const auto offset = static_cast<std::uint32_t>(sequence - first_sequence_);
  std::uint32_t low = 0;
  std::uint32_t high = count - 1;  // entry(high) is newer
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (entry(middle).sequence_offset > offset) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

void Segment::clear() {
  CHECK(unshared(), "what others may read is never written again");
  count_ = 0;
  end_ = 0;
  first_sequence_ = 0;
}

void Segment::destroy(Segment* segment) {
  segment->~Segment();
  ::operator delete(segment, std::align_val_t{alignof(Segment)});
}

}  // namespace fanfare::fanout
