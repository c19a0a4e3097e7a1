// Whether many values that are drawn at random are spread evenly over the expected range.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace fanfare::server::testing {

// All values lie in [min, max], and each quarter of it has at least half of what falls to it on
// average. With 200 values, chance alone fails this once in ten million times.
inline void expect_spread(const std::vector<std::int64_t>& values, std::int64_t min,
                          std::int64_t max) {
  std::array<std::size_t, 4> quarters{};
  for (const std::int64_t value : values) {
    EXPECT_GE(value, min);
    EXPECT_LE(value, max);
    const std::int64_t quarter = (value - min) * 4 / (max - min + 1);
    ++quarters[static_cast<std::size_t>(std::clamp<std::int64_t>(quarter, 0, 3))];
  }
  for (const std::size_t quarter : quarters) {
    EXPECT_GE(quarter, values.size() / 8) << ::testing::PrintToString(quarters);
  }
}

}  // namespace fanfare::server::testing
