#include "broker/server/base/counters.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/check.h"

namespace fanfare::server {
namespace {

// A quarter of the first bound: bucket bounds are whole multiples of it, 4 5 6 7, 8 10 12 14, ...
constexpr std::int64_t kUnit = 16'000;

// The first bucket whose bound is not below `units`.
std::size_t index_of(std::uint64_t units) {
  if (units <= 4) return 0;
  const auto octave = static_cast<unsigned>(std::bit_width(units)) - 3U;
  const std::uint64_t step = units >> octave;  // 4..7
  const bool above = (units & ((std::uint64_t{1} << octave) - 1)) != 0;
  return std::size_t{octave} * 4U + (step - 4U) + (above ? 1U : 0U);
}

}  // namespace

std::string_view name_of(CloseReason reason) {
  switch (reason) {
#define X(name, help)     \
  case CloseReason::name: \
    return #name;
    FANFARE_CLOSE_REASONS(X)
#undef X
  }
  CHECK(false, "a CloseReason has one of the values of its table");
}

void LatencyHistogram::add(Duration latency, std::uint64_t count) {
  const std::int64_t nanoseconds = std::max<std::int64_t>(latency.count(), 0);
  const auto units = static_cast<std::uint64_t>(nanoseconds / kUnit + (nanoseconds % kUnit != 0));
  buckets_[std::min(index_of(units), kBuckets - 1)] += count;
  count_ += count;
  sum_seconds_ += 1e-9 * static_cast<double>(nanoseconds) * static_cast<double>(count);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_seconds_ += other.sum_seconds_;
}

LatencyHistogram LatencyHistogram::since(const LatencyHistogram& earlier) const {
  LatencyHistogram difference;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    difference.buckets_[i] = buckets_[i] - earlier.buckets_[i];
  }
  difference.count_ = count_ - earlier.count_;
  difference.sum_seconds_ = sum_seconds_ - earlier.sum_seconds_;
  return difference;
}

Duration LatencyHistogram::bound(std::size_t index) {
  CHECK(index < kBuckets, "a bucket index comes from a loop below kBuckets");
  if (index == kBuckets - 1) return Duration::max();
  return Duration(kUnit * static_cast<std::int64_t>((4U + index % 4U) << (index / 4U)));
}

Duration LatencyHistogram::quantile(double q) const {
  if (count_ == 0) return Duration(0);
  const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return bound(i);
  }
  return bound(kBuckets - 1);
}

Counters Snapshot::totals() const {
  Counters sum;
  for (const ShardSnapshot& shard : shards) {
#define X(name, type, help) sum.name += shard.counters.name;
    FANFARE_COUNTERS(X)
#undef X
  }
  return sum;
}

}  // namespace fanfare::server
