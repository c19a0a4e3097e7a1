#include "broker/server/base/rules.h"

#include <gtest/gtest.h>

namespace fanfare::server {
namespace {

Options with_rules() {
  Options options;
  options.history.events = 100;
  options.delivery.heartbeat = 15s;
  ChannelRule metrics;
  metrics.match = "metrics/**";
  metrics.history_events = 7;
  metrics.heartbeat = 4s;
  metrics.slow = SlowPolicy::skip;
  ChannelRule everything;
  everything.match = "**";
  everything.history_events = 9;
  options.channels = {metrics, everything};
  return options;
}

TEST(Rules, TheFirstMatchingChannelRuleCounts) {
  const Options options = with_rules();
  EXPECT_EQ(history_of(options, "metrics/cpu/0").events, 7U);
  EXPECT_EQ(history_of(options, "orders").events, 9U);
}

TEST(Rules, WhatARuleLeavesOpenComesFromTheGeneralSection) {
  const Options options = with_rules();
  EXPECT_EQ(history_of(options, "metrics/cpu").bytes, options.history.bytes);
  const std::string topics[] = {"metrics/cpu"};
  EXPECT_EQ(stream_rules(options, topics).retry, options.delivery.retry);
}

TEST(Rules, APatternSubscriptionIsDeliveredByTheRuleOfTheSameText) {
  const std::string topics[] = {"metrics/**"};
  EXPECT_EQ(stream_rules(with_rules(), topics).heartbeat, 4s);
}

TEST(Rules, SeveralChannelsShareTheShortestHeartbeatAndTheMildestPolicy) {
  const std::string topics[] = {"orders", "metrics/cpu"};
  const StreamRules rules = stream_rules(with_rules(), topics);
  EXPECT_EQ(rules.heartbeat, 4s);
  EXPECT_EQ(rules.slow, SlowPolicy::skip);
}

TEST(Rules, AChannelWithoutARuleIsDeliveredAsTheGeneralSectionSays) {
  const std::string topics[] = {"orders"};
  EXPECT_EQ(stream_rules(Options{}, topics).heartbeat, 15s);
}

}  // namespace
}  // namespace fanfare::server
