#include "broker/fanout/crowd.h"

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
  enter(4);
  log_.replica.advance(log_.now);
  log_.replica.set_pace(feeds_[0], 20ms);
  publish("a");
  EXPECT_EQ(slice(), "a: 0 1");
  EXPECT_EQ(slice(), "a: 2 3");
  publish("b");
  EXPECT_EQ(slice(), "b: 2 3");
  EXPECT_EQ(slice(), "(none)");
  publish("c");
  log_.now = log_.now + 20ms;
  log_.replica.advance(log_.now);
  EXPECT_EQ(slice(), "c: 2 3");
  EXPECT_EQ(slice(), "bc: 0 1");
  EXPECT_EQ(slice(), "(none)");
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
