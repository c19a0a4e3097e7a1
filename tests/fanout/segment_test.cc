#include "broker/fanout/segment.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "tests/fanout/segments.h"

namespace fanfare::fanout {
namespace {

using testing::append_event;

SegmentWriter writer_of(std::size_t capacity) {
  return SegmentWriter(Segment::make(capacity));
}

TEST(Segment, HoldsFramesOneAfterAnother) {
  SegmentWriter writer = writer_of(200);
  append_event(writer, 5, 11);
  append_event(writer, 9, 12);
  const Segment& segment = *writer.segment();
  EXPECT_EQ(std::string_view(segment.bytes(), writer.end()), "<5><9>");
  EXPECT_EQ(writer.count(), 2U);
  EXPECT_EQ(segment.first_sequence(), 5U);
  EXPECT_EQ(segment.sequence(1), 9U);
  EXPECT_EQ(segment.entry(1).frame_offset, 3U);
  EXPECT_EQ(segment.entry(1).committed_s, 12U);
}

TEST(SegmentWriter, TakesExactlyWhatFits) {
  const std::size_t entry = sizeof(Segment::Entry);
  SegmentWriter writer = writer_of(2 * (10 + entry));
  EXPECT_TRUE(writer.fits(20 + entry, 1));
  EXPECT_FALSE(writer.fits(20 + entry + 1, 1));
  writer.append(10, 1, 0);
  EXPECT_TRUE(writer.fits(10, 2));
  EXPECT_FALSE(writer.fits(11, 2));
}

TEST(SegmentWriter, TakesNothingWithoutASegment) {
  EXPECT_FALSE(SegmentWriter().fits(0, 1));
  EXPECT_FALSE(SegmentWriter());
}

TEST(SegmentWriter, TakesNoSequenceTooFarFromTheFirst) {
  SegmentWriter writer = writer_of(1000);
  EXPECT_TRUE(writer.fits(10, Sequence{1} << 60U));
  append_event(writer, 100);
  EXPECT_TRUE(writer.fits(10, 100 + Sequence{UINT32_MAX}));
  EXPECT_FALSE(writer.fits(10, 101 + Sequence{UINT32_MAX}));
  append_event(writer, 100 + Sequence{UINT32_MAX});
  EXPECT_EQ(writer.segment()->sequence(1), 100 + Sequence{UINT32_MAX});
}

TEST(Segment, FindsNewerEntriesAmongThoseGiven) {
  constexpr std::uint32_t kEvents = 40;
  SegmentWriter writer = writer_of(2000);
  for (std::uint32_t i = 1; i <= kEvents; ++i) append_event(writer, Sequence{10} * i);
  for (std::uint32_t told = 0; told <= kEvents; ++told) {
    for (std::uint32_t begin = 0; begin <= told; ++begin) {
      for (std::uint32_t sequence = 0; sequence <= 10 * kEvents + 1; sequence += 3) {
        ASSERT_EQ(writer.segment()->index_after(sequence, begin, told),
                  std::clamp(sequence / 10, begin, told));
      }
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
}

// With segments aligned to cache lines the heap grew for as long as the broker ran. (The
// sanitizers' allocators do not say how large they are: there this holds of itself.)
TEST(Segment, TakesTheHoleThatAnotherOfItsSizeLeft) {
  constexpr std::size_t kCount = 2'000;
  constexpr std::size_t kCapacity = 4'000;
  std::vector<Ref<Segment>> segments;
  std::vector<std::unique_ptr<char[]>> neighbours;  // stay, and keep the holes apart
  const auto fill = [&] {
    while (segments.size() < kCount) {
      segments.push_back(Segment::make(kCapacity));
      neighbours.push_back(std::make_unique<char[]>(20));
    }
  };
  fill();
  const std::size_t before = mallinfo2().arena;
  for (int round = 0; round < 5; ++round) {
    segments.clear();
    fill();
  }
  EXPECT_LT(mallinfo2().arena, before + kCount * kCapacity / 2) << "it was five times as much";
}

TEST(SegmentWriterDeathTest, WritesNothingAnewUnderAReader) {
  SegmentWriter writer = writer_of(100);
  EXPECT_DEATH(SegmentWriter(Ref<Segment>(writer.segment())), "never written again");
}

}  // namespace
}  // namespace fanfare::fanout
