// A channel that keeps the latest event of each key, erased: who may have its keys is to be told.
#include "broker/fanout/removal.h"
#include "broker/fanout/sequencer.h"
#include "tests/fanout/sequencer_fixture.h"

namespace fanfare::fanout {
namespace {

class KeysErased : public SequencerTest {
 protected:
  void SetUp() override {
    limits_.keep_latest = true;
    SequencerTest::SetUp();
  }
  void set(std::string_view key, std::string_view data) {
    const Event event{.type = "", .data = data, .retry_ms = {}, .key = key};
    ASSERT_TRUE(sequencer_->publish("k", event, "", now_));
  }
  Sequence erase() {
    EXPECT_TRUE(sequencer_->erase("k", now_));
    return sequencer_->head();
  }
  // The channel is configured anew, and looked at.
  void keep_none() {
    limits_.keep_latest = false;
    ++log_limits_.revision;
    pass(1s);
  }
};

TEST_F(KeysErased, TheLastEventTakesThemAllAndIsNoneOfTheChannels) {
  set("a", "x");
  set("b", "x");
  seal();
  EXPECT_EQ(erase(), 3U);
  EXPECT_EQ(seal(), "block:0x1to3 evicted:0to2 keys:0-3after0");
  EXPECT_FALSE(state("k").begun);
  EXPECT_EQ(sequencer_->key_room("k").keys, 0U);
}

TEST_F(KeysErased, OnceIsEnough) {
  set("a", "x");
  EXPECT_EQ(erase(), 2U);
  EXPECT_EQ(erase(), 2U);
  EXPECT_FALSE(sequencer_->key_room("k").held);
  set("a", "x");
  EXPECT_EQ(erase(), 4U);
}

TEST_F(KeysErased, AlsoIfOnlyRemovalsAreLeftOrTheChannelIsFinished) {
  set("a", "x");
  set("a", "");
  EXPECT_EQ(erase(), 3U);
  set("a", "x");
  ASSERT_TRUE(sequencer_->finish("k", now_));
  EXPECT_EQ(erase(), 5U);
  EXPECT_FALSE(state("k").finished);
}

TEST_F(KeysErased, AChannelThatNeverHadAnyHasNothingToTell) {
  ASSERT_TRUE(sequencer_->finish("k", now_));
  EXPECT_EQ(erase(), 0U);
}

TEST_F(KeysErased, WhereItKeepsNoneAnyMoreAnEventLikeAnyOtherSaysSo) {
  log_limits_.channels_max = 1;
  set("a", "x");
  keep_none();
  log_limits_.channels_max = 0;  // it takes the place of the one that it was
  EXPECT_EQ(erase(), 2U);
  EXPECT_FALSE(sequencer_->key_room("k").keeps);
  EXPECT_EQ(state("k").last, 2U);
  EXPECT_EQ(erase(), 2U);
}

TEST_F(KeysErased, AnotherTimeItsMeaningMayChangeToo) {
  set("a", "x");
  EXPECT_EQ(erase(), 2U);
  keep_none();
  EXPECT_EQ(erase(), 3U) << "it holds nothing, and keeps keys no more";
  EXPECT_FALSE(sequencer_->key_room("k").keeps);
}

TEST_F(KeysErased, TheirNewsIsForgottenAsOtherRemovalsAre) {
  limits_.age = 1min;
  set("a", "x");
  erase();
  seal();
  pass(2min);
  pass(1h);
  EXPECT_FALSE(sequencer_->find("k"));
  EXPECT_EQ(sequencer_->log().tombstones().evicted_through("k"), 2U);
}

TEST(RemovalData, NamesTheKeyOrNoneIfAllAreGone) {
  EXPECT_EQ(removal_data("k", "a\"b"), R"({"channel":"k","key":"a\"b"})");
  EXPECT_EQ(removal_data("k", ""), R"({"channel":"k","key":""})");
  EXPECT_EQ(removal_data("k", kEveryKey), R"({"channel":"k"})");
}

}  // namespace
}  // namespace fanfare::fanout
