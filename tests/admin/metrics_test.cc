// /metrics as a strict scraper reads it.
#include "broker/admin/metrics.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "broker/admin/exposition.h"
#include "tests/admin/exposition_checker.h"

namespace fanfare::admin {
namespace {

server::Snapshot two_shards() {
  server::Snapshot snapshot;
  snapshot.shards.resize(2);
  std::uint64_t value = 0;
  for (server::ShardSnapshot& shard : snapshot.shards) {
#define X(name, type, help) shard.counters.name = ++value;
    FANFARE_COUNTERS(X)
#undef X
    for (std::uint64_t& count : shard.closes) count = ++value;
    for (std::uint64_t& count : shard.stream_ends) count = ++value;
  }
  snapshot.shards[0].latency.add(1ms, 10);
  snapshot.shards[1].latency.add(3ms, 5);
  snapshot.shards[1].latency.add(24h, 1);
  snapshot.shards[0].applied_head = snapshot.shards[0].told_head = 68;
  snapshot.shards[1].applied_head = 61;
  snapshot.shards[1].told_head = 70;
  snapshot.heads = {.appended = {.batches = 9, .sequence = 70},
                    .durable = {.batches = 8, .sequence = 69},
                    .told = {.batches = 7, .sequence = 68}};
  snapshot.channels = 4;
  snapshot.log = {.events_total = 70,
                  .bytes_total = 7000,
                  .duplicates_total = 1,
                  .evicted_events_total = 10,
                  .evicted_by_total_bytes = 1,
                  .evicted_by_age = 2,
                  .evicted_by_events = 3,
                  .evicted_by_bytes = 4,
                  .channels_forgotten_total = 5,
                  .keys_dropped_total = 6};
  snapshot.segment_bytes = 4096;
  snapshot.connections_max = 20'000;
  snapshot.epoch = "k3x9q2m";
  snapshot.backend = "io_uring";
  snapshot.version = "0.1.0";
  snapshot.uptime = 90s;
  return snapshot;
}

ParsedExposition parsed(const server::Snapshot& snapshot) {
  return parse_exposition(metrics_text(snapshot, {}, read_process()));
}

TEST(Metrics, AreTextThatAStrictScraperTakes) {
  EXPECT_EQ(parsed(two_shards()).problem, "");
}

TEST(Metrics, AreValidBeforeTheFirstShardReports) {
  const ParsedExposition metrics = parsed({});
  EXPECT_EQ(metrics.problem, "");
  EXPECT_EQ(metrics.value("fanfare_subscribers"), 0);
}

TEST(Metrics, HoldEveryCounterOfTheTableSummedOverTheShards) {
  const server::Snapshot snapshot = two_shards();
  const ParsedExposition metrics = parsed(snapshot);
  const server::Counters totals = snapshot.totals();
#define X(name, prometheus_type, help_text)                                     \
  EXPECT_EQ(metrics.value("fanfare_" #name), static_cast<double>(totals.name)); \
  EXPECT_EQ(metrics.families.at("fanfare_" #name).type, prometheus_type);       \
  EXPECT_EQ(metrics.families.at("fanfare_" #name).help, help_text);
  FANFARE_COUNTERS(X)
#undef X
}

TEST(Metrics, CountEndsByEveryReason) {
  const server::Snapshot snapshot = two_shards();
  const ParsedExposition metrics = parsed(snapshot);
  EXPECT_EQ(metrics.families.at("fanfare_closes_total").samples.size(), server::kCloseReasonCount);
  EXPECT_EQ(metrics.families.at("fanfare_stream_ends_total").samples.size(),
            server::kCloseReasonCount);
  for (std::size_t i = 0; i < server::kCloseReasonCount; ++i) {
    const std::string reason(server::name_of(static_cast<server::CloseReason>(i)));
    const std::uint64_t sum = snapshot.shards[0].closes[i] + snapshot.shards[1].closes[i];
    EXPECT_EQ(metrics.value("fanfare_closes_total", {{"reason", reason}}),
              static_cast<double>(sum));
    const std::uint64_t ends =
        snapshot.shards[0].stream_ends[i] + snapshot.shards[1].stream_ends[i];
    EXPECT_EQ(metrics.value("fanfare_stream_ends_total", {{"reason", reason}}),
              static_cast<double>(ends));
  }
}

TEST(Metrics, TellHowFarEachShardIsBehindTheLog) {
  const ParsedExposition metrics = parsed(two_shards());
  EXPECT_EQ(metrics.value("fanfare_shard_lag_events", {{"shard", "0"}}), 0);
  EXPECT_EQ(metrics.value("fanfare_shard_lag_events", {{"shard", "1"}}), 9);
}

TEST(Metrics, HoldTheLatencyOfAllShardsAsOneHistogram) {
  const ParsedExposition metrics = parsed(two_shards());
  EXPECT_EQ(metrics.value("fanfare_publish_to_send_seconds_bucket", {{"le", "0.001024"}}), 10);
  EXPECT_EQ(metrics.value("fanfare_publish_to_send_seconds_bucket", {{"le", "0.003072"}}), 15);
  EXPECT_EQ(metrics.value("fanfare_publish_to_send_seconds_bucket", {{"le", "+Inf"}}), 16);
  EXPECT_EQ(metrics.value("fanfare_publish_to_send_seconds_count"), 16);
  EXPECT_DOUBLE_EQ(metrics.value("fanfare_publish_to_send_seconds_sum"), 86'400.025);
}

TEST(Metrics, NameTheVersionTheEpochAndTheBackend) {
  const ParsedExposition metrics = parsed(two_shards());
  EXPECT_EQ(metrics.value("fanfare_info",
                          {{"version", "0.1.0"}, {"epoch", "k3x9q2m"}, {"backend", "io_uring"}}),
            1);
}

TEST(Metrics, ShowOnePhaseAtATime) {
  server::Snapshot snapshot = two_shards();
  for (const server::BrokerPhase phase : server::kBrokerPhases) {
    snapshot.phase = phase;
    const ParsedExposition metrics = parsed(snapshot);
    for (const server::BrokerPhase other : server::kBrokerPhases) {
      EXPECT_EQ(metrics.value("fanfare_phase", {{"phase", std::string(server::name_of(other))}}),
                other == phase ? 1 : 0);
    }
    EXPECT_EQ(metrics.value("fanfare_draining"), phase == server::BrokerPhase::draining ? 1 : 0);
  }
}

TEST(Metrics, ShowTheLogAndWhyEventsLeftIt) {
  const ParsedExposition metrics = parsed(two_shards());
  EXPECT_EQ(metrics.value("fanfare_log_head"), 70);
  EXPECT_EQ(metrics.value("fanfare_log_durable_head"), 69);
  EXPECT_EQ(metrics.value("fanfare_log_told_head"), 68);
  EXPECT_EQ(metrics.value("fanfare_log_evicted_by_total", {{"limit", "events"}}), 3);
  EXPECT_EQ(metrics.value("fanfare_log_evicted_by_total", {{"limit", "bytes"}}), 4);
  EXPECT_EQ(metrics.value("fanfare_log_evicted_by_total", {{"limit", "age"}}), 2);
  EXPECT_EQ(metrics.value("fanfare_log_evicted_by_total", {{"limit", "total_bytes"}}), 1);
}

TEST(Metrics, ShowTheLimitsThatTheyAreGiven) {
  const std::vector<server::LimitFigure> limits = {
      {.name = "connections", .help = "as configured", .value = std::uint64_t{7}},
      {.name = "head_time_seconds", .help = "a time", .value = 2.5},
      {.name = "event_bytes", .help = "a size", .value = std::uint64_t{12'345}}};
  const ParsedExposition metrics =
      parse_exposition(metrics_text(two_shards(), limits, read_process()));
  EXPECT_EQ(metrics.problem, "");
  EXPECT_EQ(metrics.value("fanfare_limit_head_time_seconds"), 2.5);
  EXPECT_EQ(metrics.value("fanfare_limit_event_bytes"), 12'345);
  EXPECT_EQ(metrics.value("fanfare_limit_connections"), 20'000) << "as the broker has worked out";
}

TEST(Metrics, ShowUntilWhenCertificatesAreGood) {
  server::Snapshot snapshot = two_shards();
  EXPECT_FALSE(parsed(snapshot).families.contains("fanfare_tls_expiry_timestamp_seconds"));
  server::Options options;
  options.tls_expiries = {{"certificate", "/a.crt", "a.test", 1'800'000'000},
                          {"revocations", "/ca.crl", "CN = A", -5}};
  snapshot.options = std::make_shared<const server::Options>(options);
  const ParsedExposition metrics = parsed(snapshot);
  EXPECT_EQ(metrics.problem, "");
  EXPECT_EQ(metrics.value("fanfare_tls_expiry_timestamp_seconds",
                          {{"kind", "certificate"}, {"file", "/a.crt"}, {"name", "a.test"}}),
            1.8e9);
  EXPECT_EQ(metrics.value("fanfare_tls_expiry_timestamp_seconds",
                          {{"kind", "revocations"}, {"file", "/ca.crl"}, {"name", "CN = A"}}),
            0);
}

TEST(Metrics, NameTheResourceInOpenTelemetrysWords) {
  EXPECT_EQ(parsed(two_shards())
                .value("target_info", {{"service_name", "fanfare"},
                                       {"service_version", "0.1.0"},
                                       {"service_instance_id", "k3x9q2m"}}),
            1);
}

TEST(Metrics, SayHowMuchMemoryThereMayBe) {
  const double memory = parsed({}).value("fanfare_memory_max_bytes");
  EXPECT_GT(memory, 1 << 24);
  EXPECT_LT(memory, 1e15) << "no limit is not a number";
}

TEST(Metrics, ShowTheProcessAsEveryClientLibraryDoes) {
  const ParsedExposition metrics = parsed({});
  EXPECT_GT(metrics.value("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(metrics.value("process_start_time_seconds"), 1.6e9);
  EXPECT_GE(metrics.value("process_threads"), 1);
  EXPECT_GE(metrics.value("process_max_fds"), 16);
}

TEST(Exposition, EscapesWhateverAValueHolds) {
  Exposition out;
  out.family("fanfare_x", "gauge", "back\\slash and\nline");
  out.sample(std::uint64_t{1}, {{"name", "a\"b\\c\nd{}=,"}});
  const std::string text = out.take();
  EXPECT_EQ(text,
            "# HELP fanfare_x back\\\\slash and\\nline\n# TYPE fanfare_x gauge\n"
            "fanfare_x{name=\"a\\\"b\\\\c\\nd{}=,\"} 1\n");
  const ParsedExposition read = parse_exposition(text);
  EXPECT_EQ(read.problem, "");
  EXPECT_EQ(read.value("fanfare_x", {{"name", "a\"b\\c\nd{}=,"}}), 1);
}

TEST(ExpositionChecker, RefusesWhatAScraperWouldRefuse) {
  const std::string head = "# HELP a_total x\n# TYPE a_total counter\n";
  EXPECT_EQ(parse_exposition(head + "a_total 1\n").problem, "");
  EXPECT_NE(parse_exposition(head + "a_total 1").problem, "");
  EXPECT_NE(parse_exposition(head + "a_total  1\n").problem, "");
  EXPECT_NE(parse_exposition(head + "a_total one\n").problem, "");
  EXPECT_NE(parse_exposition(head + "b_total 1\n").problem, "");
  EXPECT_NE(parse_exposition(head + "a_total 1\na_total 1\n").problem, "");
  EXPECT_NE(parse_exposition(head + "a_total{x=1} 1\n").problem, "");
  EXPECT_NE(parse_exposition(head + "a_total{x=\"\\q\"} 1\n").problem, "");
  EXPECT_NE(parse_exposition(head + head).problem, "");
  EXPECT_NE(parse_exposition("# HELP a x\n# TYPE a counter\n").problem, "");
  EXPECT_NE(parse_exposition("a_total 1\n").problem, "");
}

}  // namespace
}  // namespace fanfare::admin
