#include "broker/server/roster.h"

#include <gtest/gtest.h>

namespace fanfare::server {
namespace {

TEST(Roster, CountsSubscribersByNameOverAllShards) {
  Roster roster;
  roster.change("news", 3);
  roster.change("news", 2);
  roster.change("sport", 1);
  EXPECT_EQ(roster.subscribers("news"), 5U);
  roster.change("news", -5);
  EXPECT_EQ(roster.subscribers("news"), 0U);
  EXPECT_EQ(roster.subscribers("sport"), 1U);
}

TEST(Roster, CountsWhoeverHasAMatchingPatternAmongTheReceivers) {
  Roster roster;
  roster.change("metrics/*", 2);
  roster.change("metrics/cpu", 1);
  EXPECT_EQ(roster.receivers("metrics/cpu"), 3U);
  EXPECT_EQ(roster.subscribers("metrics/cpu"), 1U);
  EXPECT_EQ(roster.receivers("orders/1"), 0U);
  EXPECT_EQ(roster.pattern_subscribers(), 2U);
  roster.change("metrics/*", -2);
  EXPECT_EQ(roster.receivers("metrics/cpu"), 1U);
}

TEST(Roster, TakesALossThatArrivesBeforeItsGain) {
  // Two shards report on one topic: their messages may cross in the mail.
  Roster roster;
  roster.change("news", -1);
  roster.change("news", 1);
  EXPECT_EQ(roster.subscribers("news"), 0U);
}

}  // namespace
}  // namespace fanfare::server
