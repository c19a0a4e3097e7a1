#include "broker/server/lead/roster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/pattern.h"
#include "common/random.h"

namespace fanfare::server {
namespace {

class RosterTest : public ::testing::Test {
 protected:
  void change(std::set<std::string> topics, std::int64_t delta) {
    roster_.change(fanout::Topics({topics.begin(), topics.end()}), delta);
  }

  Roster roster_{fanout::NameHash(*fanout::Epoch::parse("0123abc"))};
};

TEST_F(RosterTest, CountsSubscribersByNameOverAllShards) {
  change({"news"}, 3);
  change({"news"}, 2);
  change({"sport"}, 1);
  EXPECT_EQ(roster_.subscribers("news"), 5U);
  change({"news"}, -5);
  EXPECT_EQ(roster_.subscribers("news"), 0U);
  EXPECT_EQ(roster_.subscribers("sport"), 1U);
}

TEST_F(RosterTest, CountsThoseWithAMatchingPatternAmongTheReceiversOnly) {
  change({"metrics/*"}, 2);
  change({"metrics/cpu"}, 1);
  EXPECT_EQ(roster_.receivers("metrics/cpu"), 3U);
  EXPECT_EQ(roster_.subscribers("metrics/cpu"), 1U);
  EXPECT_EQ(roster_.receivers("orders/1"), 0U);
  EXPECT_EQ(roster_.pattern_count(), 1U);
  change({"metrics/*"}, -2);
  EXPECT_EQ(roster_.receivers("metrics/cpu"), 1U);
  EXPECT_EQ(roster_.pattern_count(), 0U);
}

TEST_F(RosterTest, AStreamCountsOnceHoweverManyOfItsTopicsMatch) {
  change({"**", "a/1", "a/*"}, 1);
  EXPECT_EQ(roster_.receivers("a/1"), 1U);
  EXPECT_EQ(roster_.receivers("a/2"), 1U);
  EXPECT_EQ(roster_.receivers("b"), 1U);
  EXPECT_EQ(roster_.subscribers("a/1"), 1U);
  change({"a/*", "*/1"}, 2);
  change({"a/*"}, 4);
  change({"*/1"}, 8);
  EXPECT_EQ(roster_.receivers("a/1"), 15U);
  EXPECT_EQ(roster_.receivers("a/2"), 7U);
  EXPECT_EQ(roster_.receivers("b/1"), 11U);
}

TEST_F(RosterTest, AgreesWithAListOfAllStreamsWhileTheyComeAndGo) {
  const std::vector<std::string> all = {"a/1", "a/2", "b/1",  "c",    "**",  "*",  "a/*",
                                        "*/1", "b/*", "**/1", "a/**", "*/*", "c*", "*c"};
  Random random(5);
  std::map<std::set<std::string>, std::int64_t> streams;
  for (int step = 0; step < 4000; ++step) {
    if (streams.empty() || random.chance(0.55)) {
      std::set<std::string> topics;
      for (auto count = 1 + random.below(4); count > 0; --count) {
        topics.insert(all[random.below(all.size())]);
      }
      const auto came = static_cast<std::int64_t>(1 + random.below(3));
      streams[topics] += came;
      change(topics, came);
    } else {
      const auto some =
          std::next(streams.begin(), static_cast<std::ptrdiff_t>(random.below(streams.size())));
      const auto left =
          static_cast<std::int64_t>(1 + random.below(static_cast<std::uint64_t>(some->second)));
      change(some->first, -left);
      if ((some->second -= left) == 0) streams.erase(some);
    }
    for (const char* channel : {"a/1", "a/2", "b/1", "c", "d", "d/1", "cc"}) {
      std::int64_t receivers = 0, named = 0;
      for (const auto& [topics, count] : streams) {
        const bool gets = std::ranges::any_of(topics, [&](const auto& topic) {
          return is_pattern(topic) ? pattern_matches(topic, channel) : topic == channel;
        });
        receivers += gets ? count : 0;
        named += topics.contains(channel) ? count : 0;
      }
      ASSERT_EQ(roster_.receivers(channel), static_cast<std::uint64_t>(receivers)) << channel;
      ASSERT_EQ(roster_.subscribers(channel), static_cast<std::uint64_t>(named)) << channel;
    }
  }
}

TEST_F(RosterTest, NotesNamesThatGetTheirFirstSubscriberOrLoseTheirLast) {
  change({"a"}, 1);
  EXPECT_TRUE(roster_.take_turns().empty()) << "nobody wants to know";
  roster_.note_turns(true);
  change({"a", "b", "x/*"}, 2);
  change({"a"}, -1);
  change({"a", "b", "x/*"}, -2);
  std::vector<std::string> turns;
  for (const Roster::Turn& turn : roster_.take_turns())
    turns.push_back((turn.occupied ? "+" : "-") + turn.name);
  EXPECT_EQ(turns, (std::vector<std::string>{"+b", "-a", "-b"}));
}

}  // namespace
}  // namespace fanfare::server
