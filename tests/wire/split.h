// The promise of every parser of wire/, as a test: any split of the input gives the same result.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/wire/pieces.h"

#include "common/random.h"

namespace fanfare::wire_test {

struct Split {
  std::string name;
  Cuts cuts;
};

inline std::vector<Split> splits_of(std::string_view input, std::uint64_t seed) {
  constexpr std::uint64_t kRandomSplits = 8;
  // Longer inputs are not cut once at each place: that is quadratic.
  constexpr std::size_t kEachPlaceSizeMax = 512;
  std::vector<Split> splits = {{"byte by byte", cut_byte_by_byte(input.size())}};
  for (std::size_t i = 1; i < input.size() && input.size() <= kEachPlaceSizeMax; ++i) {
    splits.push_back({"at " + std::to_string(i), {i}});
  }
  for (std::uint64_t n = 0; n < kRandomSplits; ++n) {
    Random random(seed + n);
    const std::uint64_t piece_bytes_max = n % 2 == 0 ? 8 : input.size() + 1;
    splits.push_back({"at random, seed " + std::to_string(seed + n),
                      cut_at_random(input.size(), piece_bytes_max, random)});
  }
  return splits;
}

// outcome(cuts) -> something comparable and printable: the same for every split. Gives the outcome.
template <class Outcome>
auto expect_same_for_every_split(std::string_view input, Outcome outcome, std::uint64_t seed = 1) {
  const auto whole = outcome(Cuts{});
  for (const Split& split : splits_of(input, seed)) {
    const auto in_pieces = outcome(split.cuts);
    EXPECT_EQ(in_pieces, whole) << "cut " << split.name;
    if (in_pieces != whole) break;
  }
  return whole;
}

}  // namespace fanfare::wire_test
