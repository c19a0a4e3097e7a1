#include "broker/fanout/sequencer.h"

#include <gtest/gtest.h>

namespace fanfare::fanout {
namespace {

SequencerOptions options_with(HistoryLimits limits) {
  Random random(1);
  SequencerOptions options;
  options.epoch = Epoch::from(random);
  options.history = [limits](std::string_view) { return limits; };
  return options;
}

Event event_with(std::string_view data) {
  return {.type = {}, .data = data, .retry_ms = {}};
}

TEST(Sequencer, LetsTheEventsOfANewChannelLeaveAtTheirAge) {
  Sequencer sequencer(options_with({.age = 5s}));
  TimePoint now{};
  ASSERT_TRUE(sequencer.publish("news", event_with("hello"), "", now));
  for (int second = 0; second < 5; ++second, now = now + 1s) sequencer.expire(now);
  EXPECT_EQ(sequencer.find("news")->events, 1U);
  now = now + 1s;
  sequencer.expire(now);
  EXPECT_EQ(sequencer.find("news")->events, 0U);
}

TEST(Sequencer, LetsTheEventsOfAChannelThatWasEmptyLeaveAtTheirAge) {
  Sequencer sequencer(options_with({.age = 5s}));
  TimePoint now{};
  ASSERT_TRUE(sequencer.publish("news", event_with("hello"), "", now));
  for (int second = 0; second < 60; ++second, now = now + 1s) sequencer.expire(now);
  ASSERT_TRUE(sequencer.publish("news", event_with("again"), "", now));
  for (int second = 0; second < 6; ++second, now = now + 1s) sequencer.expire(now);
  EXPECT_EQ(sequencer.find("news")->events, 1U);
  sequencer.expire(now);
  EXPECT_EQ(sequencer.find("news")->events, 0U);
}

}  // namespace
}  // namespace fanfare::fanout
