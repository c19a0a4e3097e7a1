// Replica::read(), replay_start() and earliest(): what a subscriber gets that is not at the head.
#include <gtest/gtest.h>

#include <string>

#include "broker/fanout/replica.h"
#include "tests/fanout/shard_log.h"

namespace fanfare::fanout {
namespace {

using testing::ShardLog;

TEST(Backlog, ReadsOnFromACursor) {
  ShardLog log;
  const Feed* const feed = log.open({"a"});
  for (const auto* const data : {"1", "2", "3"}) log.publish("a", data);
  log.turn();
  EXPECT_EQ(log.read_bytes(feed, 0), "123");
  EXPECT_EQ(log.read_bytes(feed, 2), "3");
  const Read read = log.replica.read(feed, 3, 100);
  EXPECT_EQ(read.span.size, 0U);
  EXPECT_TRUE(read.caught_up);
}

TEST(Backlog, GivesAtMostWhatWasAskedForButOneEvent) {
  ShardLog log;
  const Feed* const feed = log.open({"a", "b"}, Framing::chunked);
  for (const auto* const channel : {"a", "b", "a", "b"}) log.publish(channel, "x");
  log.turn();
  const std::size_t frame = log.replica.read(feed, 3, 1).span.size;
  Read read = log.replica.read(feed, 0, 1);
  EXPECT_EQ(read.span.events, 1U);
  EXPECT_EQ(read.cursor.at, 1U);
  EXPECT_FALSE(read.caught_up);
  read = log.replica.read(feed, read.cursor, 2 * frame + 1);
  EXPECT_EQ(read.span.events, 2U);
  EXPECT_EQ(read.span.size, 2 * frame);
  EXPECT_EQ(read.cursor.at, 3U);
  read = log.replica.read(feed, read.cursor, frame);
  EXPECT_TRUE(read.caught_up);
}

TEST(Backlog, GoesNoFurtherThanTheRoundsOfTheFeed) {
  ShardLog log;
  Feed* const feed = log.open({"a"});
  log.replica.join(feed, 1);
  log.publish("a", "1");
  log.turn();
  EXPECT_EQ(log.replica.target(feed), 0U);
  EXPECT_TRUE(log.replica.read(feed, 0, 100).caught_up) << "the next round brings it";
  EXPECT_EQ(log.read_bytes(feed, 1), "(ahead)");
  EXPECT_EQ(log.next_bytes(), "1");
  EXPECT_EQ(log.read_bytes(feed, 0), "1");
}

TEST(Backlog, WaitsForAShardThatIsLate) {
  ShardLog log;
  const Feed* const feed = log.open({"a"});
  log.publish("a", "1");
  EXPECT_EQ(log.read_bytes(feed, 1), "(ahead)");
  log.turn();
  EXPECT_EQ(log.read_bytes(feed, 1), "");
}

TEST(Backlog, ReportsAGapOnlyIfSomethingWasMissed) {
  ShardLog log({.events = 2});
  const Feed* const feed = log.open({"a"});
  for (const auto* const data : {"1", "2", "3", "4"}) log.publish("a", data);
  log.turn();
  EXPECT_EQ(log.read_bytes(feed, 2), "34");
  const auto gap = log.replica.read(feed, 1, 100).gap;
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->after, 1U);
  EXPECT_EQ(gap->resumed, 2U);
  EXPECT_EQ(gap->cursor.at, 2U);
  EXPECT_EQ(log.read_bytes(feed, gap->cursor), "34");
}

TEST(Backlog, AQuietChannelYieldsNoFalseGap) {
  ShardLog log({.events = 2});
  const Feed* const quiet = log.open({"quiet"});
  const Feed* const both = log.open({"quiet", "busy"});
  log.publish("quiet", "q");
  for (int i = 0; i < 10; ++i) log.publish("busy", "b");
  log.turn();
  EXPECT_EQ(log.read_bytes(quiet, 0), "q");
  EXPECT_EQ(log.read_bytes(both, 0), "(gap)");
}

TEST(Backlog, GivesWhatIsLeftOfTheQuietChannelAfterAGapOfTheBusyOne) {
  ShardLog log({.events = 2});
  const Feed* const feed = log.open({"busy", "quiet"});
  log.publish("busy", "1");
  log.publish("busy", "2");
  log.publish("quiet", "q");
  for (const auto* const data : {"4", "5", "6"}) log.publish("busy", data);
  log.turn();
  const auto gap = log.replica.read(feed, 0, 100).gap;
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->resumed, 4U);
  EXPECT_EQ(gap->cursor.at, 2U);
  EXPECT_EQ(log.read_bytes(feed, gap->cursor), "q56") << "and not of the same gap again";
  EXPECT_EQ(log.read_bytes(feed, 2), "(gap)") << "who comes back with that id is told again";
}

TEST(Backlog, ReportsEachLossThatFollows) {
  ShardLog log({.events = 2});
  const Feed* const feed = log.open({"busy", "quiet"});
  for (const auto* const data : {"1", "2", "3"}) log.publish("busy", data);
  log.publish("quiet", "4");
  log.publish("quiet", "5");
  for (const auto* const data : {"6", "7"}) log.publish("busy", data);
  log.turn();
  const Cursor cursor = log.replica.read(feed, 0, 100).gap->cursor;
  EXPECT_EQ(cursor.at, 3U);
  log.publish("quiet", "8");  // pushes 4 out, which is older than the loss already told
  log.turn();
  const auto gap = log.replica.read(feed, cursor, 100).gap;
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->after, 3U);
  EXPECT_EQ(gap->resumed, 4U);
  EXPECT_EQ(log.read_bytes(feed, gap->cursor), "5678");
}

TEST(Backlog, ResumesAtTheHeadWhenNothingIsLeft) {
  ShardLog log;
  const Feed* const feed = log.open({"a"});
  log.publish("a", "1");
  log.sequencer.erase("a", log.now);
  log.publish("b", "2");
  log.turn();
  const auto gap = log.replica.read(feed, 0, 100).gap;
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->resumed, 1U);
  EXPECT_EQ(gap->cursor.at, 2U);
}

TEST(Backlog, ReplaysTheNewestEventsOfAllChannels) {
  ShardLog log;
  const Feed* const feed = log.open({"a", "b"});
  for (const auto* const text : {"a1", "b2", "c3", "a4", "b5", "c6"}) log.publish({text, 1}, text);
  log.turn();
  EXPECT_EQ(log.read_bytes(feed, log.replica.replay_start(feed, 3)), "b2a4b5");
  EXPECT_EQ(log.read_bytes(feed, log.replica.replay_start(feed, 1)), "b5");
  EXPECT_EQ(log.read_bytes(feed, log.replica.replay_start(feed, 99)), "a1b2a4b5");
  EXPECT_EQ(log.replica.replay_start(feed, 0).at, 6U);
}

TEST(Backlog, CountsWhatIsStillToComeOnTheFeedsOwnChannels) {
  ShardLog log({.events = 3});
  const Feed* const feed = log.open({"a", "b"});
  EXPECT_EQ(log.replica.lag(feed, 0, 10).events, 0U);
  for (const auto* const text : {"a1", "b2", "c3", "a4", "b5", "c6"}) log.publish({text, 1}, text);
  log.turn();
  EXPECT_EQ(log.replica.lag(feed, 0, 10).events, 4U) << "c is nobody's here";
  EXPECT_EQ(log.replica.lag(feed, 0, 10).next, 1U);
  EXPECT_EQ(log.replica.lag(feed, 2, 10).events, 2U);
  EXPECT_EQ(log.replica.lag(feed, 2, 10).next, 4U);
  EXPECT_EQ(log.replica.lag(feed, 5, 10).events, 0U);
  EXPECT_EQ(log.replica.lag(feed, 5, 10).next, 0U);
  EXPECT_FALSE(log.replica.lag(feed, 0, 2).at_least);
  EXPECT_TRUE(log.replica.lag(feed, 0, 1).at_least);
  EXPECT_EQ(log.replica.lag(feed, 0, 1).events, 2U) << "of the channel that is newest";
  for (const auto* const text : {"a7", "a8", "a9"}) log.publish({text, 1}, text);
  log.turn();
  EXPECT_EQ(log.replica.lag(feed, 0, 10).events, 5U) << "what has left the history never comes";
}

TEST(Backlog, ReportsNoGapToANewcomer) {
  ShardLog log({.events = 2});
  const Feed* const feed = log.open({"a", "b"});
  for (const auto* const text : {"b1", "a2", "a3", "a4"}) log.publish({text, 1}, text);
  log.turn();
  EXPECT_EQ(log.read_bytes(feed, log.replica.earliest(feed)), "b1a3a4");
  EXPECT_EQ(log.read_bytes(feed, log.replica.replay_start(feed, 3)), "b1a3a4");
  EXPECT_EQ(log.read_bytes(feed, 0), "(gap)");
}

TEST(Backlog, ReportsWhatANewSubscriberLosesWhileItReads) {
  ShardLog log({.events = 2});
  const Feed* const feed = log.open({"a", "b"});
  for (const auto* const text : {"b1", "a2", "a3", "a4"}) log.publish({text, 1}, text);
  log.turn();
  const Cursor cursor = log.replica.earliest(feed);
  log.publish("b", "b5");
  log.publish("b", "b6");
  log.turn();
  const auto gap = log.replica.read(feed, cursor, 100).gap;
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->resumed, 1U);
}

TEST(Backlog, StartsAtTheHeadWhereNothingIsLeft) {
  ShardLog log;
  log.publish("other", "x");
  log.turn();
  const Feed* const feed = log.open({"a"});
  EXPECT_EQ(log.replica.earliest(feed).at, 1U);
  EXPECT_EQ(log.replica.replay_start(feed, 5).at, 1U);
}

TEST(Backlog, SkipsPayloadsWithoutBytesInRawFramings) {
  ShardLog log;
  const Feed* const feed = log.open({"a"});
  for (const auto* const data : {"", "", "x", ""}) log.publish("a", data);
  log.turn();
  Read read = log.replica.read(feed, 0, 1);
  EXPECT_EQ(std::string(read.span.data, read.span.size), "x");
  EXPECT_EQ(read.cursor.at, 3U);
  read = log.replica.read(feed, read.cursor, 1);
  EXPECT_EQ(read.span.size, 0U);
  EXPECT_TRUE(read.caught_up);
}

TEST(Backlog, RemembersTheLossesOfForgottenChannels) {
  ShardLog log({.events = 1},
               {.epoch = ShardLog::epoch(), .history = nullptr, .idle_forgotten_after = 10s});
  log.publish("a", "1");
  log.publish("x/1", "2");
  log.sequencer.erase("a", log.now);
  log.sequencer.erase("x/1", log.now);
  log.now = log.now + Duration(11s);
  log.sequencer.expire(log.now);
  log.publish("b", "3");
  log.turn();
  EXPECT_EQ(log.replica.channel_count(), 1U);
  EXPECT_EQ(log.read_bytes(log.open({"a"}), 0), "(gap)");
  EXPECT_EQ(log.read_bytes(log.open({"a"}), 1), "");
  EXPECT_EQ(log.read_bytes(log.open({"x/*"}), 1), "(gap)");
  EXPECT_EQ(log.read_bytes(log.open({"x/*"}), 2), "");
  EXPECT_EQ(log.read_bytes(log.open({"never"}), 0), "");
  log.publish("a", "4");
  log.turn();
  EXPECT_EQ(log.read_bytes(log.open({"a"}), 0), "(gap)") << "in its next life, too";
  EXPECT_EQ(log.read_bytes(log.open({"a", "b"}), 1), "34");
}

TEST(Backlog, TakesUnknownChannelsToHaveLostAllUpToTheFloor) {
  ShardLog log({.events = 0}, {.epoch = ShardLog::epoch(),
                               .history = nullptr,
                               .idle_forgotten_after = 10s,
                               .tombstones_max = 1});
  log.publish("a", "1");
  log.publish("b", "2");
  log.turn();
  log.now = log.now + Duration(11s);
  log.sequencer.expire(log.now);
  log.turn();
  const Sequence floor = log.read_bytes(log.open({"never"}), 1) == "(gap)" ? 2 : 1;
  EXPECT_EQ(log.read_bytes(log.open({"never"}), floor - 1), "(gap)");
  EXPECT_EQ(log.read_bytes(log.open({"never"}), floor), "");
  EXPECT_EQ(log.read_bytes(log.open({"never/*"}), floor - 1), "(gap)");
}

// What its window does not reach back to is given as the latest of each key, and named by a gap.
// Behind that nothing is missing, unless the reader is to be given no more than the latest.
TEST(Backlog, GivesTheLatestOfEachKeyOnlyUpToTheWindow) {
  ShardLog log({.events = 2, .keep_latest = true});
  const Feed* const feed = log.open({"k"});
  const auto set = [&](std::string_view key, std::string_view data) {
    ASSERT_TRUE(log.sequencer.publish("k", {.type = "", .data = data, .retry_ms = {}, .key = key},
                                      "", log.now));
  };
  set("a", "1");
  set("b", "2");
  for (const char* const data : {"3", "4", "5"}) set("a", data);
  log.turn();
  const Read read = log.replica.read(feed, 0, 100);
  ASSERT_TRUE(read.gap && read.gap->thinned);
  EXPECT_EQ(read.gap->resumed, 3U);
  EXPECT_EQ(log.read_bytes(feed, read.gap->cursor), "245");
  EXPECT_EQ(log.read_bytes(feed, read.gap->cursor, 1), "2");
  log.lay_down({.conflate = true});
  EXPECT_EQ(log.read_bytes(feed, read.gap->cursor), "25");
}

}  // namespace
}  // namespace fanfare::fanout
