// Arrivals: when each of a shard's streams began, without a byte for any of them. They are numbered
// as they begin, and here is the number with which each tick began. When there are too many ticks,
// those are forgotten that stand close together for their age: what is long ago is known less
// exactly, to about a five hundredth of its age.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/server/sockets/connection.h"

namespace fanfare::server {

class Arrivals {
 public:
  static constexpr std::size_t kMarksMax = 8192;

  // The stream with this number begins. Numbers follow each other, modulo 2^32; ticks never fall.
  void note(std::uint32_t began, Tick tick) {
    if (!marks_.empty() && marks_.back().tick == tick) return;
    if (marks_.size() == kMarksMax) thin();
    // Beyond half of the circle, what is older would look newer.
    if (!marks_.empty() && began - marks_.front().first > kHalf) {
      std::erase_if(marks_, [=](const Mark& mark) { return began - mark.first > kHalf / 2; });
    }
    marks_.push_back({.first = began, .tick = tick});
  }

  // Not later than it was. Precondition: it was noted.
  Tick tick_of(std::uint32_t began) const {
    const std::uint32_t newest = marks_.back().first;
    const auto after = std::ranges::partition_point(marks_, [=](const Mark& mark) {
      return static_cast<std::int32_t>(newest - mark.first) >=
             static_cast<std::int32_t>(newest - began);
    });
    return after == marks_.begin() ? marks_.front().tick : (after - 1)->tick;
  }

 private:
  static constexpr std::uint32_t kHalf = 1U << 31U;
  struct Mark {
    std::uint32_t first = 0;
    Tick tick = 0;
  };

  // A logarithm of the time bounds what is left; should it not do, every other mark goes as well.
  void thin() {
    constexpr Tick kExactness = 500;
    const Tick newest = marks_.back().tick;
    std::size_t kept = 1;
    for (std::size_t i = 1; i + 1 < marks_.size(); ++i) {
      const Tick next = marks_[i + 1].tick;
      if (next - marks_[kept - 1].tick > (newest - next) / kExactness) marks_[kept++] = marks_[i];
    }
    marks_[kept++] = marks_.back();
    if (kept > kMarksMax / 4 * 3) {
      kept = (kept + 1) / 2;
      for (std::size_t i = 0; i < kept; ++i) marks_[i] = marks_[2 * i];
    }
    marks_.resize(kept);
  }

  std::vector<Mark> marks_;  // both ascend
};

}  // namespace fanfare::server
