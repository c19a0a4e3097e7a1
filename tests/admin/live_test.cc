// What the live page is sent, as simdjson reads it.
#include "broker/admin/live.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>
#include <utility>
#include <vector>

namespace fanfare::admin {
namespace {

namespace dom = simdjson::dom;

server::ChannelSnapshot channel(std::string name, std::uint64_t published) {
  return {.name = std::move(name), .state = {.published_total = published}, .receivers = 7};
}

// A broker of two shards, seen twice, two seconds apart.
struct Seen {
  server::Snapshot now;
  ProcessFigures process;
  LiveFeed feed;
  dom::parser parser;
  std::string text;

  Seen() {
    now.shards.resize(2);
    now.uptime = 10s;
    now.epoch = "k3x9q2m";
    now.backend = "io_uring";
    now.version = "0.1.0";
  }
  std::string first() { return feed.next(now, process, 1'000); }
  dom::element second() {
    now.uptime += 2s;
    text = feed.next(now, process, 3'000);
    return parser.parse(text);
  }
};

double number(dom::element event, std::string_view group, std::string_view name) {
  return double(event[group][name]);
}

TEST(LiveFeed, SaysNothingBeforeItHasSomethingToCompareWith) {
  Seen seen;
  EXPECT_EQ(seen.first(), "");
  EXPECT_EQ(seen.first(), "") << "no time has passed";
}

TEST(LiveFeed, IsOneLineOfValidJson) {
  Seen seen;
  seen.first();
  const dom::element event = seen.second();
  EXPECT_EQ(int64_t(event["t"]), 3'000);
  EXPECT_EQ(seen.text.find('\n'), std::string::npos);
  EXPECT_EQ(std::string_view(event["broker"]["epoch"]), "k3x9q2m");
  EXPECT_FALSE(bool(event["broker"]["draining"]));
  EXPECT_LT(seen.text.size(), 1024U) << "a quiet broker's";
}

TEST(LiveFeed, GivesCountersAsRatesAndGaugesUnchanged) {
  Seen seen;
  seen.now.shards[0].counters.deliveries_total = 1'000;
  seen.first();
  seen.now.shards[0].counters.deliveries_total = 5'000;
  seen.now.shards[1].counters.deliveries_total = 1'000;
  seen.now.shards[1].counters.subscribers = 12;
  seen.now.shards[0].counters.ingest_events_total = 3;
  seen.process.cpu = 500ms;
  const dom::element event = seen.second();
  EXPECT_EQ(number(event, "rate", "deliveries"), 2'500);
  EXPECT_EQ(number(event, "rate", "events"), 1.5);
  EXPECT_EQ(number(event, "now", "subscribers"), 12);
  EXPECT_EQ(number(event, "process", "cpu_cores"), 0.25);
}

TEST(LiveFeed, GivesTheLatencyOfDeliveriesSinceTheLastEvent) {
  Seen seen;
  seen.now.shards[0].latency.add(10s, 1'000);
  seen.first();
  seen.now.shards[0].latency.add(1ms, 98);
  seen.now.shards[1].latency.add(100ms, 2);
  const dom::element event = seen.second();
  EXPECT_DOUBLE_EQ(number(event, "latency", "p50_ms"), 1.024);
  EXPECT_DOUBLE_EQ(number(event, "latency", "p99_ms"), 114.688);
}

TEST(LiveFeed, HasNoLatencyWhenNothingWasDelivered) {
  Seen seen;
  seen.now.shards[0].latency.add(10s, 1'000);
  seen.first();
  EXPECT_TRUE(seen.second()["latency"].is_null());
}

TEST(LiveFeed, BoundsALatencyThatIsBeyondTheLastBucket) {
  Seen seen;
  seen.first();
  seen.now.shards[0].latency.add(24h, 1);
  EXPECT_NEAR(number(seen.second(), "latency", "p99_ms"), 50'331.648, 0.001);
}

TEST(LiveFeed, GivesTheLagOfTheSlowestShard) {
  Seen seen;
  seen.first();
  seen.now.heads.appended.sequence = 200;  // read later than the shards' own: no lag of theirs
  seen.now.shards[0].applied_head = 101;
  seen.now.shards[0].told_head = 102;
  seen.now.shards[1].applied_head = 58;
  seen.now.shards[1].told_head = 100;
  EXPECT_EQ(number(seen.second(), "now", "lag_events"), 42);
}

TEST(LiveFeed, SortsChannelsByTheirRateAndLeavesOutItsOwn) {
  Seen seen;
  seen.now.busiest = {channel("slow", 100), channel("~admin/live", 0), channel("fast", 100)};
  seen.first();
  seen.now.busiest = {channel("new", 5'000), channel("slow", 110), channel("~admin/live", 999),
                      channel("fast", 300)};
  const dom::array busiest = seen.second()["busiest"];
  ASSERT_EQ(busiest.size(), 3U);
  EXPECT_EQ(std::string_view(busiest.at(0)["name"]), "fast");
  EXPECT_EQ(double(busiest.at(0)["events_s"]), 100);
  EXPECT_EQ(std::string_view(busiest.at(1)["name"]), "slow");
  EXPECT_EQ(std::string_view(busiest.at(2)["name"]), "new");
  EXPECT_TRUE(busiest.at(2)["events_s"].is_null()) << "its rate is not known yet";
}

TEST(LiveFeed, DoesNotTakeAChannelThatBeganAnewForANegativeRate) {
  Seen seen;
  seen.now.busiest = {channel("orders", 1'000)};
  seen.first();
  seen.now.busiest = {channel("orders", 3)};
  const dom::array busiest = seen.second()["busiest"];
  EXPECT_TRUE(busiest.at(0)["events_s"].is_null());
}

TEST(LiveFeed, ReportsEachCloseOnceAndCountsThemAll) {
  Seen seen;
  const auto closed = [](std::int64_t ms, std::string peer) {
    return server::RecentClose{.unix_ms = ms,
                               .reason = server::CloseReason::slow_evicted,
                               .peer = std::move(peer),
                               .topics = "orders/**",
                               .lived = 1500ms};
  };
  const auto slow = static_cast<std::size_t>(server::CloseReason::slow_evicted);
  seen.now.shards[0].recent_closes = {closed(900, "old")};
  seen.now.shards[0].stream_ends[slow] = 1;
  seen.first();
  seen.now.shards[0].recent_closes.push_back(closed(2'000, "later"));
  seen.now.shards[1].recent_closes.push_back(closed(1'500, "sooner"));
  seen.now.shards[0].stream_ends[slow] = 40;
  seen.now.shards[1].stream_ends[slow] = 1;
  const dom::element event = seen.second();
  const dom::array closes = event["closes"];
  ASSERT_EQ(closes.size(), 2U);
  EXPECT_EQ(std::string_view(closes.at(0)["peer"]), "sooner");
  EXPECT_EQ(std::string_view(closes.at(1)["peer"]), "later");
  EXPECT_EQ(std::string_view(closes.at(1)["reason"]), "slow_evicted");
  EXPECT_EQ(double(closes.at(1)["lived_s"]), 1.5);
  EXPECT_EQ(number(event, "closed", "slow_evicted"), 40);
  EXPECT_EQ(dom::object(event["closed"]).size(), 1U) << "only what happened";
}

TEST(LiveFeed, CarriesNamesWithAnyCharacterUnharmed) {
  Seen seen;
  const std::string name = "a\"b\\c<script>&'\x01";
  seen.now.busiest = {channel(name, 1)};
  seen.first();
  const dom::array busiest = seen.second()["busiest"];
  EXPECT_EQ(std::string_view(busiest.at(0)["name"]), name);
  EXPECT_EQ(seen.text.find("<script"), std::string::npos);
}

TEST(LiveFeed, KeepsWithinItsBoundHoweverBusyTheBrokerIs) {
  Seen seen;
  seen.first();
  for (int i = 0; i < 50; ++i) {
    seen.now.busiest.push_back(channel(std::string(250, 'c') + std::to_string(i), 1'000'000'000));
  }
  for (server::ShardSnapshot& shard : seen.now.shards) {
    for (std::uint64_t& count : shard.closes) count = 1'000'000'000;
    for (int i = 0; i < 16; ++i) {
      shard.recent_closes.push_back({.unix_ms = 1'700'000'000'000,
                                     .peer = std::string(46, 'p'),
                                     .topics = std::string(80, 't')});
    }
  }
  const dom::element event = seen.second();
  EXPECT_EQ(dom::array(event["busiest"]).size(), 10U);
  EXPECT_EQ(dom::array(event["closes"]).size(), 10U);
  EXPECT_LT(seen.text.size(), 8U * 1024);
}

}  // namespace
}  // namespace fanfare::admin
