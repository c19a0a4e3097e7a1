#include "broker/fanout/segment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "tests/fanout/segments.h"

namespace fanfare::fanout {
namespace {

using testing::append_event;

TEST(Segment, HoldsFramesOneAfterAnother) {
  const Ref<Segment> segment = Segment::make(200);
  append_event(*segment, 5, 11);
  append_event(*segment, 9, 12);
  EXPECT_EQ(std::string_view(segment->bytes(), segment->end()), "<5><9>");
  EXPECT_EQ(segment->count(), 2U);
  EXPECT_EQ(segment->first_sequence(), 5U);
  EXPECT_EQ(segment->sequence(1), 9U);
  EXPECT_EQ(segment->entry(1).frame_offset, 3U);
  EXPECT_EQ(segment->entry(1).committed_s, 12U);
}

TEST(Segment, TakesExactlyWhatFits) {
  const std::size_t entry = sizeof(Segment::Entry);
  const Ref<Segment> segment = Segment::make(2 * (10 + entry));
  EXPECT_TRUE(segment->fits(20 + entry, 1));
  EXPECT_FALSE(segment->fits(20 + entry + 1, 1));
  segment->append(10, 1, 0);
  EXPECT_TRUE(segment->fits(10, 2));
  EXPECT_FALSE(segment->fits(11, 2));
}

TEST(Segment, TakesNoSequenceTooFarFromItsFirst) {
  const Ref<Segment> segment = Segment::make(1000);
  EXPECT_TRUE(segment->fits(10, Sequence{1} << 60U));
  append_event(*segment, 100);
  EXPECT_TRUE(segment->fits(10, 100 + Sequence{UINT32_MAX}));
  EXPECT_FALSE(segment->fits(10, 101 + Sequence{UINT32_MAX}));
  append_event(*segment, 100 + Sequence{UINT32_MAX});
  EXPECT_EQ(segment->sequence(1), 100 + Sequence{UINT32_MAX});
}

TEST(Segment, FindsWhatIsNewerAmongTheEntriesOneWasTold) {
  const Ref<Segment> segment = Segment::make(2000);
  for (const Sequence sequence : {10U, 20U, 30U, 40U, 50U}) append_event(*segment, sequence);
  for (std::uint32_t told = 0; told <= 5; ++told) {
    for (std::uint32_t sequence = 0; sequence < 60; ++sequence) {
      EXPECT_EQ(segment->index_after(sequence, told), std::min(told, sequence / 10));
    }
  }
}

TEST(Segment, RoundsItsRoomUpSoThatEntriesAreAligned) {
  EXPECT_EQ(Segment::make(1)->capacity(), 4U);
  EXPECT_EQ(Segment::make(0)->capacity(), 0U);
  EXPECT_EQ(Segment::make(8)->footprint(), 8 + sizeof(Segment));
}

TEST(Segment, KnowsWhetherSomebodyElseReadsIt) {
  const Ref<Segment> segment = Segment::make(100);
  EXPECT_TRUE(segment->unshared());
  {
    const Ref<Segment> reader = segment;
    EXPECT_FALSE(segment->unshared());
  }
  EXPECT_TRUE(segment->unshared());
  append_event(*segment, 3);
  segment->clear();
  EXPECT_EQ(segment->count(), 0U);
  EXPECT_EQ(segment->end(), 0U);
}

TEST(SegmentDeathTest, IsNeverClearedUnderAReader) {
  const Ref<Segment> segment = Segment::make(100);
  const Ref<Segment> reader = segment;
  EXPECT_DEATH(segment->clear(), "never written again");
}

}  // namespace
}  // namespace fanfare::fanout
