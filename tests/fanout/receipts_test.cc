#include "broker/fanout/receipts.h"

#include <gtest/gtest.h>

#include <string>

namespace fanfare::fanout {
namespace {

const NameHash kHash(*Epoch::parse("0123abc"));

TimePoint at(int seconds) {
  return TimePoint{} + Duration(1s) * seconds;
}

LogLimits at_most(std::uint32_t keys) {
  return {.keys_max = keys, .keys_age = 60s};
}

TEST(Receipts, RememberWhichSequenceAKeyGot) {
  LogLimits limits = at_most(10);
  Receipts receipts(limits, kHash);
  EXPECT_FALSE(receipts.find("a", "k", at(0)));
  receipts.add("a", "k", 7, at(0));
  EXPECT_EQ(receipts.find("a", "k", at(60)), 7U);
  EXPECT_FALSE(receipts.find("a", "k", at(61)));
}

TEST(Receipts, AKeyBelongsToItsChannel) {
  LogLimits limits = at_most(10);
  Receipts receipts(limits, kHash);
  receipts.add("a", "k", 7, at(0));
  EXPECT_FALSE(receipts.find("b", "k", at(0)));
  EXPECT_FALSE(receipts.find("ak", "", at(0)));
  EXPECT_FALSE(receipts.find("", "a k", at(0)));
}

TEST(Receipts, TheOldestGoWhenThereAreTooMany) {
  LogLimits limits = at_most(2);
  Receipts receipts(limits, kHash);
  receipts.add("a", "1", 1, at(0));
  receipts.add("a", "2", 2, at(0));
  receipts.add("a", "3", 3, at(0));
  EXPECT_FALSE(receipts.find("a", "1", at(0)));
  EXPECT_EQ(receipts.find("a", "2", at(0)), 2U);
  EXPECT_EQ(receipts.find("a", "3", at(0)), 3U);
  EXPECT_EQ(receipts.count(), 2U);
}

TEST(Receipts, ExpireAFewAtATime) {
  LogLimits limits = at_most(10);
  Receipts receipts(limits, kHash);
  for (int i = 0; i < 5; ++i) receipts.add("a", std::to_string(i), 1, at(i));
  EXPECT_FALSE(receipts.expire(at(60), 100));
  EXPECT_EQ(receipts.count(), 5U);
  EXPECT_TRUE(receipts.expire(at(64), 2));
  EXPECT_EQ(receipts.count(), 3U);
  EXPECT_FALSE(receipts.expire(at(64), 2));
  EXPECT_EQ(receipts.count(), 1U);
}

TEST(Receipts, AKeyUsedAnewOutlivesItsFirstUse) {
  LogLimits limits = at_most(10);
  Receipts receipts(limits, kHash);
  receipts.add("a", "k", 1, at(0));
  ASSERT_FALSE(receipts.find("a", "k", at(100)));
  receipts.add("a", "k", 2, at(100));
  receipts.expire(at(101), 100);
  EXPECT_EQ(receipts.find("a", "k", at(101)), 2U);
  receipts.expire(at(200), 100);
  EXPECT_EQ(receipts.count(), 0U);
}

// Both uses fall into one turn when the channel was dropped between them.
TEST(Receipts, AKeyUsedTwiceInOneMomentOutlivesItsFirstUse) {
  LogLimits limits = at_most(2);
  Receipts receipts(limits, kHash);
  receipts.add("a", "k", 1, at(0));
  receipts.add("a", "k", 2, at(0));
  receipts.add("a", "l", 3, at(0));
  EXPECT_EQ(receipts.find("a", "k", at(0)), 2U);
  receipts.add("a", "m", 4, at(0));
  EXPECT_FALSE(receipts.find("a", "k", at(0)));
  receipts.expire(at(100), 100);
  EXPECT_EQ(receipts.count(), 0U);
}

TEST(Receipts, CountThoseThatLeaveBeforeTheirTime) {
  LogLimits limits = at_most(2);
  Receipts receipts(limits, kHash);
  receipts.add("a", "1", 1, at(0));
  receipts.add("a", "2", 2, at(0));
  EXPECT_EQ(receipts.dropped_total(), 0U);
  receipts.add("a", "3", 3, at(60));
  EXPECT_EQ(receipts.dropped_total(), 1U);
  receipts.add("a", "4", 4, at(61));
  EXPECT_EQ(receipts.dropped_total(), 1U) << "that one was too old anyway";
}

// The bound was lowered: nothing is done at once that a turn has no time for.
TEST(Receipts, WhatIsTooManyLeavesInSteps) {
  LogLimits limits = at_most(10);
  Receipts receipts(limits, kHash);
  for (int i = 1; i <= 6; ++i) {
    receipts.add("a", std::to_string(i), static_cast<Sequence>(i), at(0));
  }
  limits.keys_max = 2;
  EXPECT_TRUE(receipts.expire(at(1), 3));
  EXPECT_EQ(receipts.count(), 3U);
  EXPECT_FALSE(receipts.expire(at(1), 3));
  EXPECT_EQ(receipts.count(), 2U);
  EXPECT_EQ(receipts.dropped_total(), 4U);
  EXPECT_EQ(receipts.find("a", "6", at(1)), 6U);
  EXPECT_FALSE(receipts.find("a", "4", at(1)));
}

TEST(Receipts, NoneAtAllIsABoundToo) {
  LogLimits limits = at_most(0);
  Receipts receipts(limits, kHash);
  receipts.add("a", "k", 1, at(0));
  EXPECT_FALSE(receipts.find("a", "k", at(0)));
}

}  // namespace
}  // namespace fanfare::fanout
