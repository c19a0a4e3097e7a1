// Histogram: latencies in buckets whose width grows with their value (an HDR histogram's idea): 64
// steps per power of two, so that every figure read from it is within 1.6 %. Lives in memory shared
// by processes: plain atomics, no pointers.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace fanfare::load {

class Histogram {
 public:
  static constexpr unsigned kStepBits = 6;
  static constexpr std::size_t kBuckets = std::size_t{64 - kStepBits + 1} << kStepBits;

  void add(std::uint64_t nanoseconds) {
    buckets_[index_of(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
  }
  void clear() {
    for (auto& bucket : buckets_) bucket.store(0, std::memory_order_relaxed);
  }
  void merge(const Histogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) {
      buckets_[i].fetch_add(other.buckets_[i].load(std::memory_order_relaxed),
                            std::memory_order_relaxed);
    }
  }
  std::uint64_t count() const {
    std::uint64_t count = 0;
    for (const auto& bucket : buckets_) count += bucket.load(std::memory_order_relaxed);
    return count;
  }
  // Upper end of the bucket that holds the q-quantile, in nanoseconds; 0 when empty.
  std::uint64_t quantile(double q) const {
    const auto wanted = static_cast<double>(count()) * q;
    double seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      const auto here = buckets_[i].load(std::memory_order_relaxed);
      seen += static_cast<double>(here);
      if (here > 0 && seen >= wanted) return upper_end(i);
    }
    return 0;
  }

 private:
  static std::size_t index_of(std::uint64_t value) {
    if (value < (1U << kStepBits)) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kStepBits - 1;
    return (std::size_t{shift + 1} << kStepBits) + ((value >> shift) & ((1U << kStepBits) - 1));
  }
  static std::uint64_t upper_end(std::size_t index) {
    if (index < (1U << kStepBits)) return index;
    const auto shift = static_cast<unsigned>(index >> kStepBits) - 1;
    const std::uint64_t step = (index & ((1U << kStepBits) - 1)) | (1U << kStepBits);
    return ((step + 1) << shift) - 1;
  }

  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
};

}  // namespace fanfare::load
