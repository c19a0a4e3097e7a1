// When a feed is complete, whatever became of its channels before and after it was made.
#include <gtest/gtest.h>

#include "tests/fanout/shard_log.h"

namespace fanfare::fanout {
namespace {

using testing::ShardLog;

TEST(Ends, ApplyToAFeedThatIsMadeLater) {
  ShardLog log;
  log.publish("a", "x");
  EXPECT_TRUE(log.sequencer.finish("a", log.now));
  log.turn();
  Feed* const late = log.open({"a"});
  EXPECT_TRUE(log.replica.complete(late));
  log.replica.join(late, 1);
  const auto round = log.replica.next_round(10);
  ASSERT_TRUE(round);
  EXPECT_TRUE(round->ends);
  log.replica.leave(late, 1);
  log.replica.release(late);
}

TEST(Ends, NoLongerApplyOnceTheChannelIsForgotten) {
  ShardLog log({}, {.epoch = ShardLog::epoch(), .history = nullptr, .idle_forgotten_after = 1s});
  EXPECT_TRUE(log.sequencer.finish("a", log.now));
  EXPECT_TRUE(log.sequencer.finish("b", log.now));
  log.turn();
  Feed* const feed = log.open({"a", "b", "c"});
  log.replica.join(feed, 1);
  log.now = log.now + 5s;
  while (log.sequencer.expire(log.now)) {
  }
  log.turn();
  EXPECT_EQ(log.replica.channel_count(), 0U);
  // Three ends in all, of two channels that are there.
  EXPECT_TRUE(log.sequencer.finish("a", log.now));
  log.turn();
  EXPECT_FALSE(log.replica.complete(feed));
  EXPECT_FALSE(log.replica.next_round(10));
  EXPECT_TRUE(log.sequencer.finish("b", log.now));
  EXPECT_TRUE(log.sequencer.finish("c", log.now));
  log.turn();
  EXPECT_TRUE(log.replica.complete(feed));
  log.replica.leave(feed, 1);
  log.replica.release(feed);
}

}  // namespace
}  // namespace fanfare::fanout
