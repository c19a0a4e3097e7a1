// The ways to cut an input that every parser of wire/ must be indifferent to: whole, byte by byte,
// once at each place, and at seeded random places. Each piece lies in memory of its own exact size,
// so that a parser which looks beyond it, or back at an earlier one, is seen by the sanitizer.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"

namespace fanfare::wire_test {

// Offsets at which to cut, ascending; 0 and the end are not among them, repetitions are allowed
// and give an empty piece.
using Cuts = std::vector<std::size_t>;

struct Split {
  std::string name;
  Cuts cuts;
};

inline constexpr int kRandomSplits = 8;
// Longer inputs are not cut once at each place: that is quadratic.
inline constexpr std::size_t kEachPlaceSizeMax = 512;

inline std::vector<Split> splits_of(std::string_view input, std::uint64_t seed = 1) {
  std::vector<Split> splits = {{"whole", {}}};
  Split bytes{"byte by byte", {}};
  for (std::size_t i = 1; i < input.size(); ++i) bytes.cuts.push_back(i);
  splits.push_back(bytes);
  if (input.size() <= kEachPlaceSizeMax) {
    for (std::size_t i = 1; i < input.size(); ++i) {
      splits.push_back({"at " + std::to_string(i), {i}});
    }
  }
  Random random(seed);
  for (int n = 0; n < kRandomSplits && input.size() > 1; ++n) {
    Split split{"random " + std::to_string(n) + " of seed " + std::to_string(seed), {}};
    const std::uint64_t stride = 1 + random.below(n % 2 == 0 ? 8 : input.size());
    for (std::size_t at = random.below(stride + 1); at < input.size();
         at += random.below(stride + 1)) {
      if (at > 0) split.cuts.push_back(at);
      if (split.cuts.size() > 2 * input.size()) break;
    }
    splits.push_back(split);
  }
  return splits;
}

// feed(piece): each piece, in order, from memory that is gone when the call returns.
template <class Feed>
void feed_in_pieces(std::string_view input, const Cuts& cuts, Feed feed) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : input.size();
    const std::string_view piece = input.substr(begin, end - begin);
    const auto memory = std::make_unique_for_overwrite<char[]>(piece.size());
    if (!piece.empty()) std::memcpy(memory.get(), piece.data(), piece.size());
    feed(std::string_view(memory.get(), piece.size()));
    begin = end;
  }
}

// outcome(cuts) -> something comparable and printable: the same for every split. Gives the outcome.
template <class Outcome>
auto expect_same_for_every_split(std::string_view input, Outcome outcome, std::uint64_t seed = 1) {
  const auto whole = outcome(Cuts{});
  for (const Split& split : splits_of(input, seed)) {
    EXPECT_EQ(outcome(split.cuts), whole) << "cut " << split.name;
    if (testing::Test::HasFailure()) break;
  }
  return whole;
}

}  // namespace fanfare::wire_test
