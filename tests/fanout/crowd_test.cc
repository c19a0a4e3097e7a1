#include "broker/fanout/crowd.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/fanout/shard_log.h"

namespace fanfare::fanout {
namespace {

using testing::ShardLog;

constexpr std::uint32_t kRoom = 2;  // members of a feed

// Members 0, 1, … of one topic, two to a feed.
class ACrowd : public ::testing::Test {
 protected:
  ~ACrowd() override {
    for (Member member = 0; member < feeds_.size(); ++member) leave(member);
  }

  void enter(std::uint32_t count, std::initializer_list<std::string_view> topics = {"screen"}) {
    while (count-- > 0) {
      Feed* const feed = log_.open(topics);
      log_.replica.join(feed, static_cast<Member>(feeds_.size()));
      feeds_.push_back(feed);
    }
  }
  void leave(Member member) {
    if (feeds_[member] == nullptr) return;
    log_.replica.leave(feeds_[member], member);
    log_.replica.release(std::exchange(feeds_[member], nullptr));
  }
  void publish(std::string_view data, std::string_view channel = "screen") {
    log_.publish(channel, data);
    log_.turn();
  }
  void pass(Duration time) {
    log_.now = log_.now + time;
    log_.replica.advance(log_.now);
  }
  // What each set of topics has gained or lost since this was asked last, as "+2 a b, -1 c".
  std::string attendance() {
    std::string text;
    for (const Attendance::Change& change : log_.replica.take_attendance()) {
      text += fmt::format("{}{:+} {}", text.empty() ? "" : ", ", change.delta,
                          fmt::join(change.topics->texts(), " "));
    }
    return text;
  }
  // The next slice, as "bytes: members".
  std::string slice(std::size_t members_max = kRoom) {
    const auto round = log_.replica.next_round(members_max);
    if (!round) return "(none)";
    std::string text(round->span.data, round->span.size);
    text += ":";
    for (const Member member : round->members) text += " " + std::to_string(member);
    return text;
  }

  ShardLog log_{{}, {.epoch = ShardLog::epoch(), .history = nullptr}, 256U << 10U, kRoom};
  std::vector<Feed*> feeds_;
};

TEST_F(ACrowd, FillsOneFeedBeforeTheNext) {
  enter(5);
  EXPECT_EQ(feeds_[0], feeds_[1]);
  EXPECT_NE(feeds_[1], feeds_[2]);
  EXPECT_EQ(feeds_[2], feeds_[3]);
  EXPECT_EQ(log_.replica.feed_count(), 3U);
}

TEST_F(ACrowd, FillsTheRoomThatSomebodyLeft) {
  enter(4);
  Feed* const first = feeds_[0];
  leave(0);
  enter(1);
  EXPECT_EQ(feeds_[4], first);
  EXPECT_EQ(log_.replica.feed_count(), 2U);
}

TEST_F(ACrowd, LosesAFeedWithItsLastMember) {
  enter(5);
  leave(2);
  leave(3);
  EXPECT_EQ(log_.replica.feed_count(), 2U);
  publish("x");
  EXPECT_EQ(slice(), "x: 0 1");
  EXPECT_EQ(slice(), "x: 4");
  EXPECT_EQ(slice(), "(none)");
}

TEST_F(ACrowd, TakesUpWhatIsNewForThoseStillToCome) {
  enter(6);
  publish("a");
  EXPECT_EQ(slice(), "a: 0 1");
  publish("b");
  EXPECT_EQ(slice(), "ab: 2 3");
  EXPECT_EQ(slice(), "ab: 4 5");
  EXPECT_EQ(slice(), "b: 0 1");
  EXPECT_EQ(slice(), "(none)");
}

TEST_F(ACrowd, GoesRoundAndRoundWhileEventsCome) {
  enter(4);
  publish("a");
  EXPECT_EQ(slice(), "a: 0 1");
  publish("b");
  EXPECT_EQ(slice(), "ab: 2 3");
  publish("c");
  EXPECT_EQ(slice(), "bc: 0 1");
  publish("d");
  EXPECT_EQ(slice(), "cd: 2 3");
  EXPECT_EQ(slice(), "d: 0 1");
  EXPECT_EQ(slice(), "(none)");
}

TEST_F(ACrowd, HasNoMoreTurnsThanOneFeedAlone) {
  enter(6);
  enter(1, {"quiet"});
  publish("a");
  publish("q", "quiet");
  EXPECT_EQ(log_.replica.feeds_waiting(), 2U);
  EXPECT_EQ(slice(1), "a: 0");
  EXPECT_EQ(slice(1), "q: 6") << "whoever is alone does not wait for the crowd";
  EXPECT_EQ(slice(1), "a: 1");
  EXPECT_EQ(slice(), "a: 2 3");
  EXPECT_EQ(slice(), "a: 4 5");
  EXPECT_EQ(slice(), "(none)");
}

TEST_F(ACrowd, ServesOthersWhileAFeedIsHeldBack) {
  log_.lay_down({.pace = 20ms});
  enter(4);
  pass(0ms);
  publish("a");
  EXPECT_EQ(slice(), "a: 0 1");
  pass(5ms);
  EXPECT_EQ(slice(), "a: 2 3");
  publish("b");
  EXPECT_EQ(slice(), "(none)");
  pass(15ms);
  EXPECT_EQ(slice(), "b: 0 1");
  EXPECT_EQ(slice(), "(none)");
  publish("c");
  pass(5ms);
  EXPECT_EQ(slice(), "bc: 2 3");
  EXPECT_EQ(slice(), "(none)");
  pass(15ms);
  EXPECT_EQ(slice(), "c: 0 1");
}

TEST_F(ACrowd, GoesOnWithoutAFeedThatEverybodyLeft) {
  enter(6);
  publish("a");
  EXPECT_EQ(slice(1), "a: 0");
  leave(2);
  leave(3);
  leave(0);
  leave(1);
  EXPECT_EQ(slice(), "a: 4 5");
  EXPECT_EQ(slice(), "(none)");
}

TEST_F(ACrowd, IsEndedFeedByFeed) {
  enter(3);
  publish("last");
  ASSERT_TRUE(log_.sequencer.finish("screen", log_.now));
  log_.turn();
  for (const std::vector<Member>& expected : {std::vector<Member>{0, 1}, std::vector<Member>{2}}) {
    const auto round = log_.replica.next_round(10);
    ASSERT_TRUE(round);
    EXPECT_TRUE(round->ends);
    const std::vector<Member> members(round->members.begin(), round->members.end());
    EXPECT_EQ(members, expected);
    for (const Member member : members) leave(member);
  }
  EXPECT_EQ(slice(), "(none)");
}

TEST_F(ACrowd, FollowsAChannelThatAppearsWithEachFeed) {
  enter(3, {"news", "screen"});
  publish("a", "news");
  publish("b", "screen");
  EXPECT_EQ(slice(), "ab: 0 1");
  EXPECT_EQ(slice(), "ab: 2");
}

TEST_F(ACrowd, ThatFollowsAPatternIsOneFeed) {
  enter(5, {"metrics/*"});
  EXPECT_EQ(log_.replica.feed_count(), 1U);
}

TEST_F(ACrowd, ReportsItsSubscribersOnceHoweverManyFeedsTheyAreIn) {
  enter(5, {"screen", "news"});
  enter(1, {"quiet"});
  EXPECT_EQ(attendance(), "+5 news screen, +1 quiet");
  EXPECT_EQ(attendance(), "") << "reported";
  leave(0);
  leave(4);
  enter(1, {"news", "screen"});
  EXPECT_EQ(attendance(), "-1 news screen");
}

TEST_F(ACrowd, ReportsTheLastThatLeft) {
  enter(3);
  EXPECT_EQ(attendance(), "+3 screen");
  for (const Member member : {0U, 1U, 2U}) leave(member);
  EXPECT_EQ(log_.replica.feed_count(), 0U);
  EXPECT_EQ(attendance(), "-3 screen");
}

TEST_F(ACrowd, ReportsNoneThatCameAndWentInTheMeantime) {
  enter(1);
  leave(0);
  EXPECT_EQ(attendance(), "");
  enter(1);
  EXPECT_EQ(attendance(), "+1 screen");
  leave(1);
  enter(1);
  EXPECT_EQ(attendance(), "-1 screen, +1 screen") << "in all, the same: another crowd";
}

TEST_F(ACrowd, GoesByItsNewRulesAsSoonAsTheyAreLaidDown) {
  enter(1);
  EXPECT_TRUE(log_.replica.rules(feeds_[0]).slow_may_stay);
  log_.lay_down({.pace = 10ms, .slow_may_stay = false});
  EXPECT_FALSE(log_.replica.rules(feeds_[0]).slow_may_stay);
  pass(0ms);
  publish("a");
  EXPECT_EQ(slice(), "a: 0");
  publish("b");
  EXPECT_EQ(slice(), "(none)");
  log_.lay_down({});
  pass(10ms);
  EXPECT_EQ(slice(), "b: 0");
  publish("c");
  EXPECT_EQ(slice(), "c: 0");
}

TEST_F(ACrowd, GainsAFeedThatStandsAtTheHead) {
  enter(2);
  publish("x");
  enter(1);
  EXPECT_EQ(log_.replica.target(feeds_[2]), 1U);
  EXPECT_EQ(log_.replica.target(feeds_[0]), 0U) << "it is still to be served";
  EXPECT_EQ(slice(), "x: 0 1");
  EXPECT_EQ(slice(), "(none)");
}

}  // namespace
}  // namespace fanfare::fanout
