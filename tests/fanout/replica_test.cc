#include "broker/fanout/replica.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/fanout/sequencer.h"

namespace fanfare::fanout {
namespace {

TimePoint at(int seconds) {
  return TimePoint{} + Duration(1s) * seconds;
}

struct Log {
  Random random{1};
  Epoch epoch = Epoch::from(random);
  Sequencer sequencer{{.epoch = epoch, .history = nullptr}};
  Replica replica{{.epoch = epoch, .members_max = 100}};

  Sequence publish(std::string_view channel, std::string_view data) {
    return *sequencer.publish(channel, {.type = "", .data = data, .retry_ms = {}}, "", at(1));
  }
  void turn() {
    if (const BatchPtr batch = sequencer.seal(at(1))) replica.apply(*batch);
  }
};

TEST(Replica, SendsWhatIsPublishedToWhoHasJoined) {
  Log log;
  const std::string_view topics[] = {"news"};
  Feed* const feed = log.replica.open(topics, Framing::raw);
  log.replica.join(feed, 7);
  log.publish("news", "hello");
  log.turn();
  const auto round = log.replica.next_round(10);
  ASSERT_TRUE(round);
  EXPECT_EQ(std::string_view(round->span.data, round->span.size), "hello");
  EXPECT_EQ(round->members.size(), 1U);
  EXPECT_FALSE(log.replica.next_round(10));
  log.replica.leave(feed, 7);
  log.replica.release(feed);
}

}  // namespace
}  // namespace fanfare::fanout
