#include "broker/fanout/segment.h"

#include <new>
#include <utility>

#include "common/check.h"

namespace fanfare::fanout {

static_assert(alignof(Segment) >= alignof(Segment::Entry));
static_assert(alignof(Segment) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
static_assert(sizeof(Segment) == 48);

Ref<Segment> Segment::make(std::size_t capacity, const Ref<SegmentArena>& arena) {
  capacity = (capacity + 3) & ~std::size_t{3};
  CHECK(capacity <= UINT32_MAX, "offsets in a segment are 32 bits wide");
  const std::size_t size = sizeof(Segment) + capacity;
  const bool of_arena = arena && SegmentArena::serves(size);
  void* const memory = of_arena ? arena->take(size) : ::operator new(size);
  return Ref<Segment>::adopt(new (memory) Segment(static_cast<std::uint32_t>(capacity),
                                                  of_arena ? arena : Ref<SegmentArena>()));
}

std::uint32_t Segment::index_after(Sequence sequence, std::uint32_t begin,
                                   std::uint32_t count) const {
  // In doubling steps, then by halves: entries lie close together near `begin`.
  std::uint32_t low = begin;
  std::uint32_t high = begin;
  for (std::uint32_t step = 1; high < count && this->sequence(high) <= sequence; step *= 2) {
    low = high + 1;
    high = count - high > step ? high + step : count;
  }
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (this->sequence(middle) > sequence) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

void Segment::destroy(Segment* segment) {
  const std::size_t size = segment->footprint();
  const Ref<SegmentArena> arena = std::move(segment->arena_);
  segment->~Segment();
  if (arena) {
    arena->give_back(segment, size);
  } else {
    ::operator delete(segment);
  }
}

}  // namespace fanfare::fanout
