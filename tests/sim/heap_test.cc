#include "tests/sim/heap.h"

#include <gtest/gtest.h>

#include <memory>

#include "broker/fanout/segment.h"

namespace fanfare::sim {
namespace {

TEST(Heap, CountsWhatIsTakenAndGivenBack) {
  if (!heap::watched()) return;  // a sanitizer looks after it
  const heap::Count before = heap::count();
  auto block = std::make_unique<std::uint64_t>(7);
  auto segment = fanout::Segment::make(1000);
  EXPECT_EQ(heap::count().blocks, before.blocks + 2);
  EXPECT_GE(heap::count().bytes, before.bytes + 1000 + 8);
  block.reset();
  segment = {};
  EXPECT_EQ(heap::count().blocks, before.blocks);
  EXPECT_EQ(heap::count().bytes, before.bytes);
}

TEST(Heap, PoisonsWhatIsFresh) {
  if (!heap::watched()) return;
  const auto segment = fanout::Segment::make(1000);
  EXPECT_EQ(static_cast<unsigned char>(segment->bytes()[17]), 0xcdU);
}

}  // namespace
}  // namespace fanfare::sim
