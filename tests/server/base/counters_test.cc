// The tables and what is computed from them: names, sums, and the histogram's bounds.
#include "broker/server/base/counters.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace fanfare::server {
namespace {

using std::chrono_literals::operator""us;

std::size_t bucket_of(Duration latency) {
  LatencyHistogram histogram;
  histogram.add(latency, 1);
  for (std::size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    if (histogram.bucket(i) == 1) return i;
  }
  return LatencyHistogram::kBuckets;
}

TEST(CloseReason, HasItsOwnNameForEveryValue) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < kCloseReasonCount; ++i) {
    names.emplace(name_of(static_cast<CloseReason>(i)));
  }
  EXPECT_EQ(names.size(), kCloseReasonCount);
  EXPECT_TRUE(names.contains("peer_closed"));
  EXPECT_EQ(name_of(CloseReason::ingest_refused), "ingest_refused");
}

TEST(CloseReasonDeathTest, RefusesAValueOutsideItsTable) {
  EXPECT_DEATH(static_cast<void>(name_of(static_cast<CloseReason>(kCloseReasonCount))), "CHECK");
}

TEST(LatencyHistogram, HasFourEvenStepsInEachOctave) {
  EXPECT_EQ(LatencyHistogram::bound(0), 64us);
  EXPECT_EQ(LatencyHistogram::bound(1), 80us);
  EXPECT_EQ(LatencyHistogram::bound(3), 112us);
  EXPECT_EQ(LatencyHistogram::bound(4), 128us);
  EXPECT_EQ(LatencyHistogram::bound(5), 160us);
  EXPECT_EQ(LatencyHistogram::bound(LatencyHistogram::kBuckets - 2), 64us * 6 / 4 * (1 << 19));
  EXPECT_EQ(LatencyHistogram::bound(LatencyHistogram::kBuckets - 1), Duration::max());
}

TEST(LatencyHistogram, CountsAValueInTheFirstBucketThatBoundsIt) {
  for (std::size_t i = 0; i + 1 < LatencyHistogram::kBuckets; ++i) {
    const Duration bound = LatencyHistogram::bound(i);
    EXPECT_EQ(bucket_of(bound), i) << bound.count();
    EXPECT_EQ(bucket_of(bound + Duration(1)), i + 1) << bound.count();
  }
}

TEST(LatencyHistogram, PutsWhatIsBelowZeroFirstAndWhatIsHugeLast) {
  EXPECT_EQ(bucket_of(Duration(-5)), 0U);
  EXPECT_EQ(bucket_of(Duration(0)), 0U);
  EXPECT_EQ(bucket_of(24h), LatencyHistogram::kBuckets - 1);
}

TEST(LatencyHistogram, KnowsCountSumAndQuantiles) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), Duration(0));
  histogram.add(1ms, 98);
  histogram.add(10ms, 1);
  histogram.add(1s, 1);
  EXPECT_EQ(histogram.count(), 100U);
  EXPECT_DOUBLE_EQ(histogram.sum_seconds(), 0.098 + 0.010 + 1);
  EXPECT_EQ(histogram.quantile(0.5), 1024us);
  EXPECT_EQ(histogram.quantile(0.98), 1024us);
  EXPECT_EQ(histogram.quantile(0.99), 10'240us);
  EXPECT_EQ(histogram.quantile(1.0), 64us * (1 << 14));
}

TEST(LatencyHistogram, MergesAndSubtractsAnEarlierCopy) {
  LatencyHistogram earlier;
  earlier.add(1ms, 3);
  LatencyHistogram later = earlier;
  LatencyHistogram more;
  more.add(5ms, 7);
  later.merge(more);
  EXPECT_EQ(later.count(), 10U);
  EXPECT_DOUBLE_EQ(later.sum_seconds(), 0.038);
  const LatencyHistogram since = later.since(earlier);
  EXPECT_EQ(since.count(), 7U);
  EXPECT_DOUBLE_EQ(since.sum_seconds(), 0.035);
  EXPECT_EQ(since.quantile(0.01), more.quantile(0.01));
}

TEST(Snapshot, SumsEveryCounterOverTheShards) {
  Snapshot snapshot;
  snapshot.shards.resize(3);
  std::uint64_t value = 0;
  for (ShardSnapshot& shard : snapshot.shards) {
#define X(name, type, help) shard.counters.name = ++value;
    FANFARE_COUNTERS(X)
#undef X
  }
  const std::uint64_t table = value / 3;
  const Counters sum = snapshot.totals();
  std::uint64_t first = 0;
#define X(name, type, help) \
  ++first;                  \
  EXPECT_EQ(sum.name, 3 * first + table + 2 * table) << #name;
  FANFARE_COUNTERS(X)
#undef X
}

}  // namespace
}  // namespace fanfare::server
