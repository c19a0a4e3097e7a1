#include "broker/cli/top_screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fanfare::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr TimePoint kStart{1'000'000'000};

// What a broker said before, and two seconds later.
const MetricsReading& before() {
  static const auto reading = MetricsReading::parse(
      "# HELP fanfare_deliveries_total Events\n"
      "fanfare_deliveries_total 1000\nfanfare_sends_total 100\nnonsense\n"
      "fanfare_closes_total{reason=\"drained\"} 0\nfanfare_closes_total{reason=\"peer_closed\"} 4\n"
      "fanfare_publish_to_send_seconds_bucket{le=\"0.001\"} 10\n"
      "fanfare_publish_to_send_seconds_bucket{le=\"0.01\"} 10\n"
      "fanfare_publish_to_send_seconds_bucket{le=\"+Inf\"} 10\n",
      kStart);
  return reading;
}

const MetricsReading& after() {
  static const auto reading = MetricsReading::parse(
      "fanfare_info{version=\"0.1.0\",epoch=\"k3v9q2x\",backend=\"epoll\"} 1\n"
      "fanfare_uptime_seconds 3725.5\nfanfare_subscribers 12345\n"
      "fanfare_limit_connections 100000\n"
      "fanfare_ingest_connections_open 1\nfanfare_log_channels 2\n"
      "fanfare_deliveries_total 5000\nfanfare_sends_total 300\n"
      "fanfare_closes_total{reason=\"drained\"} 0\nfanfare_closes_total{reason=\"peer_closed\"} 8\n"
      "fanfare_shard_lag_events{shard=\"0\"} 0\nfanfare_shard_lag_events{shard=\"1\"} 7\n"
      "fanfare_publish_to_send_seconds_bucket{le=\"0.001\"} 100\n"
      "fanfare_publish_to_send_seconds_bucket{le=\"0.01\"} 109\n"
      "fanfare_publish_to_send_seconds_bucket{le=\"+Inf\"} 110\n",
      kStart + 2s);
  return reading;
}

TEST(MetricsReading, FindsSamplesAndLabels) {
  EXPECT_EQ(after().value("fanfare_subscribers"), 12345);
  EXPECT_EQ(after().value("fanfare_no_such_thing"), 0);
  EXPECT_EQ(after().label("fanfare_info", "epoch"), "k3v9q2x");
  EXPECT_EQ(after().label("fanfare_info", "colour"), "");
  EXPECT_THAT(after().labels("fanfare_shard_lag_events", "shard"), ElementsAre("0", "1"));
  EXPECT_TRUE(MetricsReading::parse("<html>\n", kStart).empty());
}

TEST(MetricsInterval, GivesRatesASecond) {
  const MetricsInterval interval(before(), after());
  EXPECT_EQ(interval.rate("fanfare_deliveries_total"), 2000);
  EXPECT_EQ(interval.rate("fanfare_closes_total{reason=\"peer_closed\"}"), 2);
}

TEST(MetricsInterval, TakesARestartForNothingRatherThanForANegativeRate) {
  EXPECT_EQ(MetricsInterval(after(), before()).rate("fanfare_deliveries_total"), 0);
}

TEST(MetricsInterval, GivesQuantilesOfWhatWasGained) {
  const MetricsInterval interval(before(), after());
  EXPECT_EQ(interval.quantile("fanfare_publish_to_send_seconds", 0.5), 0.001);
  EXPECT_EQ(interval.quantile("fanfare_publish_to_send_seconds", 0.95), 0.01);
  EXPECT_EQ(interval.quantile("fanfare_publish_to_send_seconds", 1.0), 0.01);
  EXPECT_EQ(interval.quantile("no_such_histogram", 0.5), 0);
}

TEST(TopScreen, ShowsRatesAtAGlance) {
  const std::string screen = top_screen("127.0.0.1:9180", before(), after());
  EXPECT_THAT(screen, HasSubstr("fanfare 0.1.0 at 127.0.0.1:9180, up 1 h 2 min, epoch k3v9q2x"));
  EXPECT_THAT(screen, HasSubstr("12,345 (0 behind)"));
  EXPECT_THAT(screen, HasSubstr("0 of 100,000"));
  EXPECT_THAT(screen, HasSubstr("2,000 events/s"));
  EXPECT_THAT(screen, HasSubstr("20.0 events per send"));
  EXPECT_THAT(screen, HasSubstr(", 1 publisher, "));
  EXPECT_THAT(screen, HasSubstr("2 channels, "));
  EXPECT_THAT(screen, HasSubstr("p50 1.0 ms"));
  EXPECT_THAT(screen, HasSubstr("peer_closed 2/s"));
  EXPECT_THAT(screen, testing::Not(HasSubstr("drained")));
}

TEST(TopScreen, IsOneLineForPipes) {
  const std::string line = top_line(before(), after());
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_THAT(line, HasSubstr("delivered_per_second=2000.0 "));
}

TEST(TopScreen, WritesNumbersForPeople) {
  EXPECT_EQ(readable_count(0), "0");
  EXPECT_EQ(readable_count(0.25), "0.2");
  EXPECT_EQ(readable_count(999), "999");
  EXPECT_EQ(readable_count(1234567), "1,234,567");
  EXPECT_EQ(readable_count(12'345'678), "12.3 M");
  EXPECT_EQ(readable_bytes(512), "512 B");
  EXPECT_EQ(readable_bytes(1536), "1.5 KiB");
  EXPECT_EQ(readable_seconds(0), "-");
  EXPECT_EQ(readable_seconds(0.000064), "64 us");
  EXPECT_EQ(readable_seconds(0.0034), "3.4 ms");
  EXPECT_EQ(readable_seconds(7), "7.0 s");
}

}  // namespace
}  // namespace fanfare::cli
