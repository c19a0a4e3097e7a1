#include "broker/config/spelling.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace fanfare::config {
namespace {

// Longer words are not misspellings of a key, and the table below should stay small.
constexpr std::size_t kWordSizeMax = 64;

}  // namespace

std::size_t edit_distance(std::string_view from, std::string_view to) {
  // Three rows of the table: row i holds the distance of from[0, i) to every prefix of `to`.
  std::vector<std::size_t> before(to.size() + 1), above(to.size() + 1), row(to.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= from.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[to.size()];
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> words) {
  if (word.size() > kWordSizeMax) return {};
  std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string_view found;
  for (const std::string_view candidate : words) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

}  // namespace fanfare::config
