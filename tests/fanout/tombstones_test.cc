#include "broker/fanout/tombstones.h"

#include <gtest/gtest.h>

namespace fanfare::fanout {
namespace {

const NameHash kHash(*Epoch::parse("0123abc"));

TEST(Tombstones, RememberWhatAForgottenChannelHadLost) {
  Tombstones stones(10, kHash);
  stones.add("a", 5);
  stones.add("b", 9);
  EXPECT_EQ(stones.evicted_through("a"), 5U);
  EXPECT_EQ(stones.evicted_through("b"), 9U);
  EXPECT_EQ(stones.evicted_through("c"), 0U) << "of which nothing was ever heard";
  EXPECT_EQ(stones.count(), 2U);
}

TEST(Tombstones, GiveWayWhenTheChannelIsBack) {
  Tombstones stones(10, kHash);
  stones.add("a", 5);
  EXPECT_EQ(stones.take("a"), 5U);
  EXPECT_EQ(stones.count(), 0U);
  EXPECT_EQ(stones.take("a"), 0U);
  stones.add("a", 7);
  EXPECT_EQ(stones.evicted_through("a"), 7U);
}

TEST(Tombstones, RaiseTheFloorWhenOneIsDropped) {
  Tombstones stones(2, kHash);
  stones.add("a", 5);
  stones.add("b", 3);
  stones.add("c", 4);
  EXPECT_EQ(stones.floor(), 5U);
  EXPECT_EQ(stones.evicted_through("a"), 5U) << "unknown now, hence taken to have lost all to 5";
  EXPECT_EQ(stones.evicted_through("new"), 5U);
  EXPECT_EQ(stones.evicted_through("b"), 3U) << "known, hence exact";
  stones.add("d", 9);
  EXPECT_EQ(stones.floor(), 5U) << "b's was lower";
}

TEST(Tombstones, AreNotPutUpForChannelsThatLostNothing) {
  Tombstones stones(1, kHash);
  stones.add("a", 5);
  stones.add("b", 0);
  EXPECT_EQ(stones.count(), 1U);
  EXPECT_EQ(stones.floor(), 0U);
}

TEST(Tombstones, NoneAtAllIsABoundToo) {
  Tombstones stones(0, kHash);
  stones.add("a", 5);
  EXPECT_EQ(stones.count(), 0U);
  EXPECT_EQ(stones.floor(), 5U);
}

}  // namespace
}  // namespace fanfare::fanout
