#include "broker/fanout/receipts.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace fanfare::fanout {
namespace {

const NameHash kHash(*Epoch::parse("0123abc"));

LogTime at(int seconds) {
  return LogTime{} + Duration(1s) * seconds;
}

std::optional<Sequence> sequence_of(const Receipts& receipts, std::string_view channel,
                                    std::string_view key) {
  const auto found = receipts.find(channel, key);
  return found ? std::optional(found->sequence) : std::nullopt;
}

TEST(Receipts, RememberWhichSequenceAKeyGotAndWhen) {
  Receipts receipts(kHash);
  EXPECT_FALSE(receipts.find("a", "k"));
  receipts.add("a", "k", 7, at(3));
  EXPECT_EQ(sequence_of(receipts, "a", "k"), 7U);
  EXPECT_FALSE(receipts.find("a", "k")->older_than(60s, at(63)));
  EXPECT_TRUE(receipts.find("a", "k")->older_than(60s, at(64)));
}

TEST(Receipts, AKeyBelongsToItsChannel) {
  Receipts receipts(kHash);
  receipts.add("a", "k", 7, at(0));
  EXPECT_FALSE(receipts.find("b", "k"));
  EXPECT_FALSE(receipts.find("ak", ""));
  EXPECT_FALSE(receipts.find("", "a k"));
}

TEST(Receipts, TheOldestLeaveFirst) {
  Receipts receipts(kHash);
  for (const Sequence sequence : {1U, 2U, 3U}) {
    receipts.add("a", std::to_string(sequence), sequence, at(0));
  }
  receipts.drop(2);
  EXPECT_FALSE(receipts.find("a", "1"));
  EXPECT_FALSE(receipts.find("a", "2"));
  EXPECT_EQ(sequence_of(receipts, "a", "3"), 3U);
  EXPECT_EQ(receipts.count(), 1U);
}

TEST(Receipts, CountThoseThatAreTooOldAsFarAsAsked) {
  Receipts receipts(kHash);
  for (int i = 0; i < 5; ++i) receipts.add("a", std::to_string(i), 1, at(i));
  EXPECT_EQ(receipts.count_older_than(60s, at(60), 100), 0U);
  EXPECT_EQ(receipts.count_older_than(60s, at(64), 2), 2U);
  EXPECT_EQ(receipts.count_older_than(60s, at(64), 100), 4U);
}

TEST(Receipts, AKeyUsedAgainOutlivesItsFirstUse) {
  Receipts receipts(kHash);
  receipts.add("a", "k", 1, at(0));
  receipts.add("a", "k", 2, at(100));
  receipts.drop(1);
  EXPECT_EQ(sequence_of(receipts, "a", "k"), 2U);
  receipts.drop(1);
  EXPECT_FALSE(receipts.find("a", "k"));
  EXPECT_EQ(receipts.count(), 0U);
}

// Both uses fall into one turn when the channel was erased between them.
TEST(Receipts, AKeyUsedTwiceInOneMomentOutlivesItsFirstUse) {
  Receipts receipts(kHash);
  receipts.add("a", "k", 1, at(0));
  receipts.add("a", "k", 2, at(0));
  receipts.add("a", "l", 3, at(0));
  receipts.drop(1);
  EXPECT_EQ(sequence_of(receipts, "a", "k"), 2U);
  receipts.drop(2);
  EXPECT_FALSE(receipts.find("a", "k"));
  EXPECT_EQ(receipts.count(), 0U);
}

}  // namespace
}  // namespace fanfare::fanout
