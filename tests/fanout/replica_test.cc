#include "broker/fanout/replica.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/fanout/shard_log.h"

namespace fanfare::fanout {
namespace {

using testing::at;
using testing::ShardLog;

TEST(Replica, SendsWhatIsPublishedToMembersThatHaveJoined) {
  ShardLog log;
  Feed* const feed = log.open({"news"});
  log.replica.join(feed, 7);
  log.publish("news", "hello");
  log.publish("other", "nothing");
  log.turn();
  const auto round = log.replica.next_round(10);
  ASSERT_TRUE(round);
  EXPECT_EQ(std::string_view(round->span.data, round->span.size), "hello");
  EXPECT_EQ(round->span.last, 2U) << "everything up to here, on whatever channel";
  EXPECT_EQ(round->committed, log.now);
  ASSERT_EQ(round->members.size(), 1U);
  EXPECT_EQ(round->members[0], 7U);
  EXPECT_FALSE(round->ends);
  EXPECT_FALSE(log.replica.next_round(10));
}

TEST(Replica, GivesTheSameTopicsTheSameFeed) {
  ShardLog log;
  Feed* const feed = log.open({"b", "a", "b", "x/*"});
  EXPECT_EQ(log.open({"x/*", "a", "b"}), feed);
  EXPECT_NE(log.open({"x/*", "a", "b"}, Framing::plain), feed);
  EXPECT_NE(log.open({"a", "b"}), feed);
  EXPECT_EQ(log.replica.topics(feed), (std::vector<std::string>{"a", "b", "x/*"}));
  EXPECT_EQ(log.replica.feed_count(), 3U);
  log.replica.release(feed);
  EXPECT_EQ(log.replica.feed_count(), 3U) << "opened twice";
  log.replica.release(feed);
  EXPECT_EQ(log.replica.feed_count(), 2U);
}

TEST(Replica, GivesAFeedTheLowestNumberThatIsFree) {
  ShardLog log;
  Feed* const feeds[] = {log.open({"a"}), log.open({"b"}), log.open({"c"})};
  for (const std::uint32_t i : {0U, 1U, 2U}) {
    EXPECT_EQ(log.replica.number(feeds[i]), i);
    EXPECT_EQ(log.replica.feed(i), feeds[i]);
  }
  log.replica.release(feeds[1]);
  log.replica.release(feeds[0]);
  EXPECT_EQ(log.replica.number(log.open({"d"})), 0U);
  EXPECT_EQ(log.replica.number(log.open({"a"})), 1U);
}

TEST(Replica, KnowsTheFeedsOfAChannelByItsNameAndByPatternsEachOnce) {
  ShardLog log;
  const auto number = [&](Feed* feed) { return log.replica.number(feed); };
  Feed* const name = log.open({"room/7"});
  Feed* const both = log.open({"room/*", "room/7", "**"});
  Feed* const pattern = log.open({"room/*"}, Framing::plain);
  log.open({"room/8"});
  log.open({"hall/*"});
  EXPECT_EQ(log.open({"room/7"}), name);
  const std::vector<std::uint32_t> expected = {number(name), number(both), number(pattern)};
  EXPECT_EQ(log.replica.feeds_of("room/7"), expected) << "though it has no event";
  EXPECT_EQ(log.replica.subscribers(name), 2U);
  EXPECT_EQ(log.replica.subscribers(both), 1U);
  EXPECT_EQ(log.replica.feeds_of("~room/7"), std::vector<std::uint32_t>{});
  log.replica.release(both);
  EXPECT_EQ(log.replica.feeds_of("room/7"),
            (std::vector<std::uint32_t>{number(name), number(pattern)}));
}

TEST(Replica, KnowsWhenMembersWereLastServed) {
  ShardLog log;
  Feed* const feed = log.open({"a"});
  log.replica.join(feed, 1);
  log.publish("a", "x");
  log.turn();
  EXPECT_EQ(log.replica.last_served(feed), TimePoint{});
  log.replica.advance(log.now);
  log.next_bytes();
  log.replica.advance(log.now + 5s);
  EXPECT_EQ(log.next_bytes(), "(none)");
  EXPECT_EQ(log.replica.last_served(feed), log.now) << "it was not served since";
}

TEST(Replica, SendsASingleChunkedChannelFromItsSegment) {
  ShardLog log;
  Feed* const one = log.open({"a"}, Framing::chunked);
  Feed* const two = log.open({"a", "b"}, Framing::chunked);
  log.replica.join(one, 1);
  log.replica.join(two, 2);
  log.publish("a", "x");
  log.turn();
  const auto first = log.replica.next_round(10);
  const auto second = log.replica.next_round(10);
  EXPECT_EQ(first->span.data, second->span.data) << "the same bytes in memory";
  EXPECT_EQ(log.replica.read(one, 0, 1'000).span.data, first->span.data);
}

TEST(Replica, MergesChannelsInTheOrderOfTheLog) {
  ShardLog log;
  Feed* const feed = log.open({"a", "b", "c"});
  log.replica.join(feed, 1);
  for (const auto* const text : {"a1", "b2", "b3", "a4", "c5", "a6"}) {
    log.publish({text, 1}, text);
  }
  log.turn();
  EXPECT_EQ(log.next_bytes(), "a1b2b3a4c5a6");
}

TEST(Replica, GathersTheTurnsThatPassBeforeARound) {
  ShardLog log;
  Feed* const feed = log.open({"a"});
  log.replica.join(feed, 1);
  for (const auto* const text : {"1", "2", "3"}) {
    log.publish("a", text);
    log.turn();
    log.now = log.now + Duration(1s);
  }
  const auto round = log.replica.next_round(10);
  EXPECT_EQ(std::string_view(round->span.data, round->span.size), "123");
  EXPECT_EQ(round->span.events, 3U);
  EXPECT_EQ(round->committed, at(1'000s)) << "of the oldest";
}

TEST(Replica, ServesASliceAtATimeWhileFeedsTakeTurns) {
  ShardLog log;
  Feed* const large = log.open({"a"});
  Feed* const small = log.open({"b"});
  for (Member member = 0; member < 5; ++member) log.replica.join(large, member);
  log.replica.join(small, 9);
  log.publish("a", "x");
  log.publish("b", "y");
  log.turn();
  EXPECT_EQ(log.replica.feeds_waiting(), 2U);
  std::string order;
  while (const auto round = log.replica.next_round(2)) {
    order += std::string(round->span.data, round->span.size);
    order += std::to_string(round->members.size());
  }
  EXPECT_EQ(order, "x2y1x2x1");
}

TEST(Replica, WhatArrivesDuringARoundIsTheNextOnes) {
  ShardLog log;
  Feed* const feed = log.open({"a"});
  for (Member member = 0; member < 3; ++member) log.replica.join(feed, member);
  log.publish("a", "1");
  log.turn();
  EXPECT_EQ(log.replica.next_round(2)->span.last, 1U);
  EXPECT_EQ(log.replica.target(feed), 1U);
  log.publish("a", "2");
  log.turn();
  EXPECT_EQ(log.replica.target(feed), 1U);
  log.replica.join(feed, 7);  // has had "1"
  EXPECT_EQ(log.next_bytes(), "1");
  const auto next = log.replica.next_round(9);
  EXPECT_EQ(std::string_view(next->span.data, next->span.size), "2");
  EXPECT_EQ(next->members.size(), 4U);
}

TEST(Replica, ReturnsTheCursorOfAMemberThatLeaves) {
  ShardLog log;
  Feed* const feed = log.open({"a"});
  for (Member member = 0; member < 4; ++member) log.replica.join(feed, member);
  log.publish("a", "1");
  log.turn();
  const auto round = log.replica.next_round(1);
  const Member served = round->members[0];
  const Member waiting = served == 3 ? 2 : 3;
  log.replica.join(feed, 9);
  EXPECT_EQ(log.replica.leave(feed, served), 1U);
  EXPECT_EQ(log.replica.leave(feed, waiting), 0U);
  EXPECT_EQ(log.replica.leave(feed, 9), 1U);
  log.publish("a", "2");
  log.turn();
  EXPECT_EQ(log.replica.next_round(9)->members.size(), 2U);
}

TEST(Replica, EndsARoundWhenTheLastUnservedMembersLeave) {
  ShardLog log;
  Feed* const feed = log.open({"a"});
  for (Member member = 0; member < 3; ++member) log.replica.join(feed, member);
  log.publish("a", "1");
  log.turn();
  const Member served = log.replica.next_round(1)->members[0];
  for (Member member = 0; member < 3; ++member) {
    if (member == served) continue;
    EXPECT_EQ(log.replica.leave(feed, member), 0U);
  }
  EXPECT_EQ(log.replica.feeds_waiting(), 0U);
  EXPECT_EQ(log.replica.target(feed), 1U);
}

TEST(Replica, OwesNothingToAFeedThatEverybodyLeft) {
  ShardLog log;
  Feed* const feed = log.open({"a", "b"});
  log.replica.join(feed, 1);
  log.publish("a", "1");
  log.publish("b", "2");
  log.turn();
  EXPECT_GT(log.replica.unserved_bytes(), 0U);
  EXPECT_EQ(log.replica.leave(feed, 1), 0U);
  EXPECT_EQ(log.replica.unserved_bytes(), 0U);
  EXPECT_EQ(log.replica.feeds_waiting(), 0U);
  EXPECT_EQ(log.replica.target(feed), 2U);
  EXPECT_EQ(log.read_bytes(feed, 0), "12");
}

TEST(Replica, CountsWhatTheSlowestFeedHasNotBeenHanded) {
  ShardLog log;
  Feed* const slow = log.open({"a"}, Framing::chunked);
  Feed* const fast = log.open({"b"}, Framing::chunked);
  log.replica.join(slow, 1);
  log.replica.join(slow, 2);
  log.replica.join(fast, 3);
  log.publish("a", "1");
  log.turn();
  const std::uint64_t frame = log.replica.unserved_bytes();
  EXPECT_EQ(frame, std::string_view("17\r\ndata: 1\nid: 0123abc-1\n\n\r\n").size());
  EXPECT_EQ(log.replica.next_round(1)->members.size(), 1U);
  log.publish("b", "2");
  log.turn();
  EXPECT_EQ(log.replica.unserved_bytes(), 2 * frame);
  EXPECT_EQ(log.replica.next_round(9)->feed, slow);
  EXPECT_EQ(log.replica.unserved_bytes(), frame);
  EXPECT_EQ(log.replica.next_round(9)->feed, fast);
  EXPECT_EQ(log.replica.unserved_bytes(), 0U);
}

TEST(Replica, BoundsASpanButNeverBelowOneEvent) {
  ShardLog log({}, {.epoch = ShardLog::epoch(), .history = nullptr}, 100);
  Feed* const feed = log.open({"a", "b"}, Framing::chunked);
  log.replica.join(feed, 1);
  const std::string large(300, 'x');
  for (const std::string_view data : {"1", "2", "3", "4"}) log.publish("a", data);
  log.publish("b", large);
  log.publish("b", "6");
  log.turn();
  std::vector<std::uint32_t> events;
  std::vector<Sequence> targets;
  while (const auto round = log.replica.next_round(9)) {
    events.push_back(round->span.events);
    targets.push_back(round->span.last);
  }
  EXPECT_EQ(events, (std::vector<std::uint32_t>{3, 1, 1, 1}));
  EXPECT_EQ(targets, (std::vector<Sequence>{3, 4, 5, 6}));
}

TEST(Replica, StillSendsARoundWhoseEventsWereEvicted) {
  ShardLog log({.events = 0});
  Feed* const feed = log.open({"a"});
  log.replica.join(feed, 1);
  for (int turn = 0; turn < 50; ++turn) {
    log.publish("a", "x");
    log.turn();
  }
  EXPECT_EQ(log.next_bytes(), std::string(50, 'x'));
  EXPECT_EQ(log.read_bytes(feed, 49), "(gap)");
  EXPECT_EQ(log.read_bytes(feed, 50), "");
}

TEST(Replica, AFeedGainsTheChannelsThatAppear) {
  ShardLog log;
  Feed* const pattern = log.open({"m/*", "m/1"});
  Feed* const exact = log.open({"m/1"});
  log.replica.join(pattern, 1);
  log.replica.join(exact, 2);
  log.publish("m/1", "1");
  log.publish("m/2", "2");
  log.publish("m/2/x", "3");
  log.turn();
  EXPECT_EQ(log.next_bytes(), "12");
  EXPECT_EQ(log.next_bytes(), "1");
  EXPECT_EQ(log.replica.channel_count(), 3U);
}

TEST(Replica, EndsAFeedWhenAllItsChannelsAreFinished) {
  ShardLog log;
  Feed* const feed = log.open({"a", "b"});
  log.replica.join(feed, 1);
  log.replica.join(feed, 2);
  log.publish("a", "last");
  ASSERT_TRUE(log.sequencer.finish("a", log.now));
  log.turn();
  EXPECT_FALSE(log.replica.complete(feed));
  EXPECT_EQ(log.next_bytes(), "last");
  ASSERT_TRUE(log.sequencer.finish("b", log.now));
  log.turn();
  EXPECT_TRUE(log.replica.complete(feed));
  const auto round = log.replica.next_round(9);
  EXPECT_TRUE(round->ends);
  EXPECT_EQ(round->span.size, 0U);
  ASSERT_EQ(round->members.size(), 2U);
  log.replica.leave(feed, 1);
  log.replica.leave(feed, 2);
  EXPECT_EQ(log.replica.feeds_waiting(), 0U);
}

TEST(Replica, EndsWithTheLastEventWhereItCan) {
  ShardLog log;
  Feed* const feed = log.open({"a"});
  log.replica.join(feed, 1);
  log.publish("a", "last");
  ASSERT_TRUE(log.sequencer.finish("a", log.now));
  log.turn();
  const auto round = log.replica.next_round(9);
  EXPECT_TRUE(round->ends);
  EXPECT_EQ(round->span.size, 4U);
  EXPECT_EQ(log.replica.leave(feed, 1), 1U);
}

TEST(Replica, AlsoEndsMembersThatJoinAfterTheFinish) {
  ShardLog log;
  Feed* const feed = log.open({"a"});
  ASSERT_TRUE(log.sequencer.finish("a", log.now));
  log.turn();
  log.replica.join(feed, 1);
  EXPECT_TRUE(log.replica.next_round(9)->ends);
  log.replica.join(feed, 2);
  log.replica.leave(feed, 1);
  EXPECT_TRUE(log.replica.next_round(9)->ends);
  log.replica.leave(feed, 2);
  EXPECT_FALSE(log.replica.next_round(9));
}

TEST(Replica, AFinishInMidRoundEndsEveryMember) {
  ShardLog log;
  Feed* const feed = log.open({"a"});
  log.replica.join(feed, 1);
  log.replica.join(feed, 2);
  log.publish("a", "x");
  log.turn();
  EXPECT_FALSE(log.replica.next_round(1)->ends);
  ASSERT_TRUE(log.sequencer.finish("a", log.now));
  log.turn();
  EXPECT_FALSE(log.replica.next_round(1)->ends);
  const auto round = log.replica.next_round(9);
  ASSERT_TRUE(round);
  EXPECT_TRUE(round->ends);
  EXPECT_EQ(round->members.size(), 2U);
}

TEST(Replica, AReopenedChannelEndsNobody) {
  ShardLog log;
  Feed* const feed = log.open({"a"});
  log.replica.join(feed, 1);
  log.replica.join(feed, 2);
  ASSERT_TRUE(log.sequencer.finish("a", log.now));
  log.turn();
  auto round = log.replica.next_round(1);
  EXPECT_TRUE(round->ends);
  log.replica.leave(feed, round->members[0]);
  log.sequencer.erase("a", log.now);
  log.turn();
  round = log.replica.next_round(9);
  EXPECT_TRUE(round->members.empty());
  EXPECT_EQ(log.replica.feeds_waiting(), 0U);
  log.publish("a", "again");
  log.turn();
  EXPECT_EQ(log.next_bytes(), "again");
}

TEST(Replica, APatternIsNeverComplete) {
  ShardLog log;
  Feed* const feed = log.open({"a*"});
  log.publish("ab", "x");
  ASSERT_TRUE(log.sequencer.finish("ab", log.now));
  log.turn();
  EXPECT_FALSE(log.replica.complete(feed));
}

TEST(Replica, AFeedOfEmptyPayloadsTakesItsTurnInSilence) {
  ShardLog log;
  Feed* const feed = log.open({"a"});
  log.replica.join(feed, 1);
  log.publish("a", "");
  log.turn();
  const auto round = log.replica.next_round(9);
  ASSERT_TRUE(round);
  EXPECT_TRUE(round->members.empty());
  EXPECT_EQ(round->span.size, 0U);
  EXPECT_EQ(log.replica.feeds_waiting(), 0U);
  EXPECT_EQ(log.replica.leave(feed, 1), 1U);
}

TEST(Replica, SendsWhatAForgottenChannelStillOwes) {
  ShardLog log(
      {.events = 0},
      {.epoch = ShardLog::epoch(), .history = nullptr, .idle_forgotten_after = Duration(0)});
  Feed* const feed = log.open({"a"});
  log.replica.join(feed, 1);
  log.publish("a", "1");
  log.now = log.now + Duration(1s);
  log.sequencer.expire(log.now);
  log.turn();
  EXPECT_EQ(log.replica.channel_count(), 0U);
  log.publish("a", "2");
  log.turn();
  EXPECT_EQ(log.next_bytes(), "12") << "of the channel that is gone, and of its heir";
  EXPECT_EQ(log.read_bytes(feed, 0), "(gap)");
}

TEST(ReplicaDeathTest, RefusesBatchesThatGoBack) {
  ShardLog log;
  log.publish("a", "1");
  log.turn();
  EXPECT_DEATH(log.replica.apply(Batch{}), "in their order");
}

TEST(ReplicaDeathTest, ReleasesNoFeedUnderItsMembers) {
  ShardLog log;
  Feed* const feed = log.open({"a"});
  log.replica.join(feed, 1);
  EXPECT_DEATH(log.replica.release(feed), "a feed with members is open");
}

}  // namespace
}  // namespace fanfare::fanout
