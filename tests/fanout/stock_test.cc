#include "broker/fanout/stock.h"

#include <gtest/gtest.h>

namespace fanfare::fanout {
namespace {

TEST(SegmentStock, GivesBackWhatNobodyElseHolds) {
  SegmentStock stock(4);
  Ref<Segment> segment = stock.take(1000);
  const Segment* const address = segment.get();
  stock.put(segment);
  segment = {};
  EXPECT_EQ(stock.take(1000).get(), address);
  EXPECT_EQ(stock.count(), 0U);
}

TEST(SegmentStock, KeepsItsHandsOffWhatIsStillRead) {
  SegmentStock stock(4);
  const Ref<Segment> read = stock.take(1000);
  stock.put(read);
  EXPECT_NE(stock.take(1000), read);
  EXPECT_EQ(stock.count(), 1U);
}

TEST(SegmentStock, GivesNothingTooSmallOrMuchTooLarge) {
  SegmentStock stock(4);
  stock.put(Segment::make(1000));
  EXPECT_EQ(stock.take(1001)->capacity(), 1004U);
  EXPECT_EQ(stock.take(200)->capacity(), 200U);
  EXPECT_EQ(stock.take(250)->capacity(), 1000U);
}

TEST(SegmentStock, HoldsNoMoreThanItsBound) {
  SegmentStock stock(2);
  for (int i = 0; i < 10; ++i) stock.put(Segment::make(100));
  EXPECT_EQ(stock.count(), 2U);
}

TEST(SegmentStock, LooksAtOthersWhenTheFirstIsTaken) {
  SegmentStock stock(3);
  const Ref<Segment> read = Segment::make(100);
  stock.put(read);
  stock.put(Segment::make(100));
  EXPECT_NE(stock.take(100), read);
  EXPECT_EQ(stock.count(), 1U);
}

}  // namespace
}  // namespace fanfare::fanout
