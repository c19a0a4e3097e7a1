#include "broker/fanout/receipts.h"

#include <gtest/gtest.h>

#include <string>

namespace fanfare::fanout {
namespace {

const NameHash kHash(*Epoch::parse("0123abc"));

LogTime at(int seconds) {
  return LogTime{} + Duration(1s) * seconds;
}

// At most `count` of those that are too old leave; true if there are more.
bool expire(Receipts& receipts, LogTime now, std::size_t count) {
  receipts.drop(receipts.too_old(now, count));
  return receipts.too_old(now, 1) != 0;
}

TEST(Receipts, RememberWhichSequenceAKeyGot) {
  Receipts receipts(10, 60s, kHash);
  EXPECT_FALSE(receipts.find("a", "k", at(0)));
  receipts.add("a", "k", 7, at(0));
  EXPECT_EQ(receipts.find("a", "k", at(60)), 7U);
  EXPECT_FALSE(receipts.find("a", "k", at(61)));
}

TEST(Receipts, AKeyBelongsToItsChannel) {
  Receipts receipts(10, 60s, kHash);
  receipts.add("a", "k", 7, at(0));
  EXPECT_FALSE(receipts.find("b", "k", at(0)));
  EXPECT_FALSE(receipts.find("ak", "", at(0)));
  EXPECT_FALSE(receipts.find("", "a k", at(0)));
}

TEST(Receipts, TheOldestGoWhenThereAreTooMany) {
  Receipts receipts(2, 60s, kHash);
  receipts.add("a", "1", 1, at(0));
  receipts.add("a", "2", 2, at(0));
  receipts.add("a", "3", 3, at(0));
  EXPECT_FALSE(receipts.find("a", "1", at(0)));
  EXPECT_EQ(receipts.find("a", "2", at(0)), 2U);
  EXPECT_EQ(receipts.find("a", "3", at(0)), 3U);
  EXPECT_EQ(receipts.count(), 2U);
}

TEST(Receipts, ExpireAFewAtATime) {
  Receipts receipts(10, 60s, kHash);
  for (int i = 0; i < 5; ++i) receipts.add("a", std::to_string(i), 1, at(i));
  EXPECT_FALSE(expire(receipts, at(60), 100));
  EXPECT_EQ(receipts.count(), 5U);
  EXPECT_TRUE(expire(receipts, at(64), 2));
  EXPECT_EQ(receipts.count(), 3U);
  EXPECT_FALSE(expire(receipts, at(64), 2));
  EXPECT_EQ(receipts.count(), 1U);
}

TEST(Receipts, AKeyUsedAnewOutlivesItsFirstUse) {
  Receipts receipts(10, 60s, kHash);
  receipts.add("a", "k", 1, at(0));
  ASSERT_FALSE(receipts.find("a", "k", at(100)));
  receipts.add("a", "k", 2, at(100));
  expire(receipts, at(101), 100);
  EXPECT_EQ(receipts.find("a", "k", at(101)), 2U);
  expire(receipts, at(200), 100);
  EXPECT_EQ(receipts.count(), 0U);
}

// Both uses fall into one turn when the channel was dropped between them.
TEST(Receipts, AKeyUsedTwiceInOneMomentOutlivesItsFirstUse) {
  Receipts receipts(2, 60s, kHash);
  receipts.add("a", "k", 1, at(0));
  receipts.add("a", "k", 2, at(0));
  receipts.add("a", "l", 3, at(0));
  EXPECT_EQ(receipts.find("a", "k", at(0)), 2U);
  receipts.add("a", "m", 4, at(0));
  EXPECT_FALSE(receipts.find("a", "k", at(0)));
  expire(receipts, at(100), 100);
  EXPECT_EQ(receipts.count(), 0U);
}

TEST(Receipts, CountThoseThatLeaveBeforeTheirTime) {
  Receipts receipts(2, 60s, kHash);
  receipts.add("a", "1", 1, at(0));
  receipts.add("a", "2", 2, at(0));
  EXPECT_EQ(receipts.dropped_total(), 0U);
  receipts.add("a", "3", 3, at(60));
  EXPECT_EQ(receipts.dropped_total(), 1U);
  receipts.add("a", "4", 4, at(61));
  EXPECT_EQ(receipts.dropped_total(), 1U) << "that one was too old anyway";
}

TEST(Receipts, NoneAtAllIsABoundToo) {
  Receipts receipts(0, 60s, kHash);
  receipts.add("a", "k", 1, at(0));
  EXPECT_FALSE(receipts.find("a", "k", at(0)));
}

}  // namespace
}  // namespace fanfare::fanout
