// Idempotency keys: what is published under one twice, and when it is forgotten.
#include <gtest/gtest.h>

#include <string>

#include "tests/fanout/sequencer_fixture.h"

namespace fanfare::fanout {
namespace {

TEST_F(SequencerTest, PublishesNothingAgainUnderTheSameKey) {
  EXPECT_EQ(try_publish("a", "x", "k"), 1U);
  EXPECT_EQ(try_publish("a", "x", "k"), 1U);
  EXPECT_EQ(try_publish("b", "x", "k"), 2U);
  EXPECT_EQ(try_publish("a", "x", "other"), 3U);
  EXPECT_EQ(sequencer_->head(), 3U);
  EXPECT_EQ(sequencer_->counters().duplicates_total, 1U);
  pass(6min);
  EXPECT_EQ(try_publish("a", "x", "k"), 4U);
}

TEST_F(SequencerTest, ARepeatIsToldFromAFirstPublish) {
  EXPECT_EQ(told("a", "k", "one"), "1");
  EXPECT_EQ(told("a", "k", "one"), "1 duplicate");
  EXPECT_EQ(told("a", "k", "two"), "1 duplicate") << "also when it says something else";
  EXPECT_EQ(told("a", ""), "2");
  EXPECT_EQ(told("a", ""), "3") << "without a key nothing is a repeat";
}

TEST_F(SequencerTest, ARepeatOfAnEvictedEventIsToldSo) {
  limits_.events = 1;
  EXPECT_EQ(told("a", "k"), "1");
  EXPECT_EQ(told("a", "l"), "2");
  seal();
  EXPECT_EQ(told("a", "k"), "1 duplicate evicted");
  EXPECT_EQ(told("a", "l"), "2 duplicate");
  EXPECT_EQ(sequencer_->head(), 2U);
}

TEST_F(SequencerTest, AKeyCountsForFiveMinutesAndNotASecondLonger) {
  EXPECT_EQ(told("a", "k"), "1");
  pass(5min);
  EXPECT_EQ(told("a", "k"), "1 duplicate");
  pass(1s);
  EXPECT_EQ(told("a", "k"), "2");
  pass(5min);
  EXPECT_EQ(told("a", "k"), "2 duplicate") << "counted from its own first publish";
}

TEST_F(SequencerTest, KeysGoByTheLimitsOfNow) {
  EXPECT_EQ(told("a", "k"), "1");
  log_limits_.keys_age = 10min;
  pass(9min);
  EXPECT_EQ(told("a", "k"), "1 duplicate") << "raised, it counts for those that are there";
  log_limits_.keys_age = 1min;
  EXPECT_EQ(told("a", "k"), "2") << "and lowered, at once";
  EXPECT_EQ(told("a", "l"), "3");
  EXPECT_EQ(told("a", "m"), "4");
  log_limits_.keys_max = 1;
  pass(1s);
  EXPECT_EQ(told("a", "m"), "4 duplicate");
  EXPECT_EQ(sequencer_->counters().keys_dropped_total, 2U);
  EXPECT_EQ(told("a", "l"), "5");
}

TEST_F(SequencerTest, TheOldestKeyLeavesForOneMoreThanThereMayBe) {
  log_limits_.keys_max = 2;
  EXPECT_EQ(told("a", "1"), "1");
  EXPECT_EQ(told("b", "2"), "2");
  EXPECT_EQ(told("a", "1"), "1 duplicate");
  EXPECT_EQ(sequencer_->counters().keys_dropped_total, 0U);
  EXPECT_EQ(told("a", "3"), "3");
  EXPECT_EQ(sequencer_->counters().keys_dropped_total, 1U);
  EXPECT_EQ(told("b", "2"), "2 duplicate");
  EXPECT_EQ(told("a", "1"), "4");
}

// Finish, delete, and the same answer anew under the same key: it was swallowed.
TEST_F(SequencerTest, AnErasedChannelForgetsItsKeys) {
  EXPECT_EQ(told("a", "k", "one"), "1");
  EXPECT_EQ(told("b", "k", "one"), "2");
  EXPECT_TRUE(sequencer_->erase("a", now_));
  EXPECT_EQ(told("a", "k", "two"), "3");
  EXPECT_EQ(told("a", "k", "two"), "3 duplicate");
  EXPECT_EQ(told("b", "k", "one"), "2 duplicate") << "that of another channel stays";
  EXPECT_EQ(state("a").events, 1U);
}

TEST_F(SequencerTest, AKeyUsedAgainInTheTurnOfTheEraseOutlivesItsFirstUse) {
  log_limits_.keys_max = 3;
  EXPECT_EQ(told("a", "k"), "1");
  sequencer_->erase("a", now_);
  EXPECT_EQ(told("a", "k"), "2");
  EXPECT_EQ(told("a", "l"), "3");
  EXPECT_EQ(told("a", "m"), "4") << "the first k leaves, and with it nothing else";
  EXPECT_EQ(told("a", "k"), "2 duplicate");
  pass(6min);
  EXPECT_EQ(told("a", "k"), "5");
}

TEST_F(SequencerTest, AForgottenChannelForgetsItsKeys) {
  limits_.events = 0;
  start({.epoch = kEpoch, .history = nullptr, .idle_forgotten_after = 1min});
  EXPECT_EQ(told("a", "k"), "1");
  seal();
  pass(30s);
  EXPECT_EQ(told("a", "k"), "1 duplicate evicted");
  pass(3min);
  ASSERT_FALSE(sequencer_->find("a"));
  EXPECT_EQ(told("a", "other"), "2") << "it is there again";
  EXPECT_EQ(told("a", "k"), "3");
}

TEST_F(SequencerTest, AFinishedChannelAnswersARepeatAndTakesNothingNew) {
  EXPECT_EQ(told("a", "k"), "1");
  ASSERT_TRUE(sequencer_->finish("a", now_));
  EXPECT_EQ(told("a", "k"), "1 duplicate");
  EXPECT_EQ(told("a", "other"), "finished");
  EXPECT_EQ(told("a", ""), "finished");
  EXPECT_EQ(sequencer_->head(), 1U);
  sequencer_->erase("a", now_);
  EXPECT_EQ(told("a", "k"), "2");
}

TEST_F(SequencerTest, KnowsARepeatBeforehand) {
  EXPECT_FALSE(sequencer_->repeats("a", "k", now_));
  EXPECT_EQ(told("a", "k"), "1");
  EXPECT_TRUE(sequencer_->repeats("a", "k", now_));
  EXPECT_FALSE(sequencer_->repeats("a", "", now_));
  EXPECT_FALSE(sequencer_->repeats("b", "k", now_));
  EXPECT_EQ(sequencer_->counters().duplicates_total, 0U) << "it was only asked";
  sequencer_->erase("a", now_);
  EXPECT_FALSE(sequencer_->repeats("a", "k", now_));
}

TEST_F(SequencerTest, AnswersARepeatedKeyAlsoWhenItsChannelIsFinished) {
  EXPECT_EQ(*try_publish("a", "x", "k"), 1U);
  EXPECT_TRUE(sequencer_->finish("a", now_));
  EXPECT_EQ(try_publish("a", "x", "other").error(), PublishError::channel_finished);
  EXPECT_EQ(try_publish("a", "x", "k").value_or(0), 1U) << "its publisher has not seen the ack";
}

}  // namespace
}  // namespace fanfare::fanout
