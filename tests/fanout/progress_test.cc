#include "broker/fanout/progress.h"

#include <gtest/gtest.h>

namespace fanfare::fanout {
namespace {

constexpr TimePoint kNow{1'000};

class ProgressOfAFeed : public ::testing::Test {
 protected:
  void join(Member member) { progress_.join(member, indexes_); }
  Sequence leave(Member member, Sequence head) { return progress_.leave(member, head, indexes_); }

  MemberIndexes indexes_{10};
  Progress progress_;
};

TEST_F(ProgressOfAFeed, StandsAtTheHeadWhileItRestsAndStaysBehindWhileItIsDue) {
  EXPECT_EQ(progress_.target(3), 3U);
  progress_.wake(3);
  EXPECT_EQ(progress_.target(5), 3U);
  progress_.rest();
  EXPECT_EQ(progress_.target(6), 6U);
}

TEST_F(ProgressOfAFeed, LetsAMemberStandAtTheTargetOnlyAfterItsSlice) {
  join(1);
  join(2);
  progress_.wake(3);
  progress_.begin_round({}, /*head=*/5, /*complete=*/false, kNow);
  EXPECT_EQ(progress_.next_slice(1, kNow).front(), 1U);
  EXPECT_EQ(progress_.last_served(), kNow);
  join(3);
  EXPECT_EQ(leave(1, 7), 5U);
  EXPECT_EQ(leave(2, 7), 3U) << "it was not sent the round";
  EXPECT_EQ(leave(3, 7), 5U) << "it joined at the target";
}

TEST_F(ProgressOfAFeed, StandsAtTheTargetOfTheRoundThatEnded) {
  join(1);
  progress_.wake(3);
  progress_.begin_round({}, /*head=*/5, /*complete=*/false, kNow);
  progress_.next_slice(1, kNow);
  EXPECT_TRUE(progress_.members().all_done());
  EXPECT_EQ(progress_.end_round(), 5U);
  EXPECT_FALSE(progress_.in_round());
  EXPECT_EQ(progress_.target(9), 5U) << "it is still due";
}

TEST_F(ProgressOfAFeed, EndsItsMembersOnlyIfNothingWasReopened) {
  progress_.begin_round({}, /*head=*/5, /*complete=*/true, kNow);
  EXPECT_TRUE(progress_.round().ends);
  progress_.go_on_after_round();
  EXPECT_FALSE(progress_.round().ends);
}

TEST_F(ProgressOfAFeed, IsInArrearsOnce) {
  EXPECT_EQ(progress_.owed(), 0U);
  progress_.expect({.next = 4, .position = {}});
  EXPECT_EQ(progress_.owe(), 4U);
  EXPECT_EQ(progress_.owed(), 4U);
  EXPECT_EQ(progress_.settle(), 4U);
  EXPECT_EQ(progress_.settle(), 0U);
}

}  // namespace
}  // namespace fanfare::fanout
