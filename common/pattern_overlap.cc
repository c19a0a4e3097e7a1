// Whether two patterns have a name in common, for lists of what is of interest.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/pattern.h"

namespace fanfare {
namespace {

constexpr std::string_view kStars = "**";

using Segments = std::vector<std::string_view>;

Segments segments_of(std::string_view path) {
  Segments found;
  for (PathSegments segments(path); !segments.at_end(); segments.next())
    found.push_back(segments.front());
  return found;
}

// One begins as the other does, as far as both go.
bool agree(std::string_view a, std::string_view b) {
  const std::size_t size = std::min(a.size(), b.size());
  return a.substr(0, size) == b.substr(0, size);
}
bool agree_at_end(std::string_view a, std::string_view b) {
  const std::size_t size = std::min(a.size(), b.size());
  return a.substr(a.size() - size) == b.substr(b.size() - size);
}

// Between the first and the last star anything fits, so that the ends decide.
bool segments_overlap(std::string_view a, std::string_view b) {
  if (a == kStars || b == kStars) return true;
  if (!is_pattern(b)) return segment_matches(a, b);
  if (!is_pattern(a)) return segment_matches(b, a);
  return agree(a.substr(0, a.find('*')), b.substr(0, b.find('*'))) &&
         agree_at_end(a.substr(a.rfind('*') + 1), b.substr(b.rfind('*') + 1));
}

// Segments before the first ** of either, from the front; or behind the last, from the back.
template <class Iterator>
bool ends_overlap(Iterator a, Iterator a_end, Iterator b, Iterator b_end) {
  for (; a != a_end && b != b_end && *a != kStars && *b != kStars; ++a, ++b) {
    if (!segments_overlap(*a, *b)) return false;
  }
  return true;
}

// `fixed` has no **: the walk of pattern_matches, over it.
bool overlaps_fixed(const Segments& pattern, const Segments& fixed) {
  std::size_t p = 0;
  std::size_t f = 0;
  std::size_t after_stars = 0;  // 0: there were none yet
  std::size_t stars_end = 0;
  while (f < fixed.size()) {
    if (p < pattern.size() && pattern[p] == kStars) {
      after_stars = ++p;
      stars_end = ++f;
    } else if (p < pattern.size() && segments_overlap(pattern[p], fixed[f])) {
      ++p;
      ++f;
    } else if (after_stars > 0) {
      p = after_stars;
      f = ++stars_end;
    } else {
      return false;
    }
  }
  return p == pattern.size();
}

}  // namespace

bool patterns_overlap(std::string_view a, std::string_view b) {
  if (!is_pattern(b)) return is_pattern(a) ? pattern_matches(a, b) : a == b;
  if (!is_pattern(a)) return pattern_matches(b, a);
  if (is_hidden(a) != is_hidden(b)) return false;
  const Segments left = segments_of(a);
  const Segments right = segments_of(b);
  const bool left_stars = std::ranges::find(left, kStars) != left.end();
  const bool right_stars = std::ranges::find(right, kStars) != right.end();
  if (!left_stars) return overlaps_fixed(right, left);
  if (!right_stars) return overlaps_fixed(left, right);
  return ends_overlap(left.begin(), left.end(), right.begin(), right.end()) &&
         ends_overlap(left.rbegin(), left.rend(), right.rbegin(), right.rend());
}

}  // namespace fanfare
