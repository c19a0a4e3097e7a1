// A feed with a pace whose news do not fit into one span.
#include <gtest/gtest.h>

#include <string>

#include "tests/fanout/shard_log.h"

namespace fanfare::fanout {
namespace {

TEST(PaceOfAFeed, TheRestOfAFullSpanDoesNotWaitForTheNextTime) {
  testing::ShardLog log({}, {.epoch = testing::ShardLog::epoch(), .history = nullptr}, 300);
  log.lay_down({.pace = 10s});
  Feed* const feed = log.open({"a"});
  log.replica.join(feed, 1);
  log.replica.advance(log.now);
  for (const char c : {'x', 'y', 'z'}) log.publish("a", std::string(200, c));
  log.turn();
  for (const char c : {'x', 'y', 'z'}) EXPECT_EQ(log.next_bytes(), std::string(200, c));
  log.publish("a", "later");
  log.turn();
  EXPECT_EQ(log.next_bytes(), "(none)") << "it came when the round had begun";
  log.replica.advance(log.now + 10s);
  EXPECT_EQ(log.next_bytes(), "later");
  log.replica.leave(feed, 1);
  log.replica.release(feed);
}

}  // namespace
}  // namespace fanfare::fanout
