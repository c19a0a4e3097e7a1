// Whether one pattern covers another, for lists of what is allowed.
#include <algorithm>
#include <compare>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/pattern.h"

namespace fanfare {
namespace {

// What a star of the inner pattern stands for: a character that no pattern contains. If the outer
// pattern accepts it, one of its own stars did, and that star accepts anything else in its place as
// well.
constexpr char kAnything = '\x01';

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> found;
  for (PathSegments segments(path); !segments.at_end(); segments.next()) {
    found.emplace_back(segments.front());
  }
  return found;
}

// The places in the outer pattern that the segments read so far may have led to: an automaton over
// segments. `true` at its size means that all of it has been matched.
class Places {
 public:
  explicit Places(const std::vector<std::string>& outer)
      : outer_(&outer), at_(outer.size() + 1, false) {
    at_[0] = true;
  }

  Places after(std::string_view segment) const {
    Places next = *this;
    next.at_.assign(at_.size(), false);
    for (std::size_t i = 0; i < outer_->size(); ++i) {
      if (!at_[i]) continue;
      const bool stars = (*outer_)[i] == "**";
      if (!stars && !segment_matches((*outer_)[i], segment)) continue;
      next.at_[i + 1] = true;
      if (stars) next.at_[i] = true;
    }
    return next;
  }
  bool complete() const { return at_.back(); }
  friend auto operator<=>(const Places& a, const Places& b) { return a.at_ <=> b.at_; }

 private:
  const std::vector<std::string>* outer_;
  std::vector<bool> at_;
};

}  // namespace

// Every way through the inner pattern, with each `**` as any number of segments, empty ones too.
bool pattern_covers(std::string_view outer, std::string_view inner) {
  if (is_hidden(inner) && !is_hidden(outer)) return false;
  if (!is_pattern(inner)) return pattern_matches(outer, inner);
  // Patterns that people write need a few dozen states; one that is built to take long counts as
  // not covered.
  constexpr std::size_t kStatesMax = 1024;
  const std::vector<std::string> outside = segments_of(outer);
  std::vector<std::string> inside = segments_of(inner);
  for (std::string& segment : inside) {
    if (segment != "**") std::ranges::replace(segment, '*', kAnything);
  }
  const std::string anything(1, kAnything);
  using State = std::pair<std::size_t, Places>;  // segments of the inner one that are read
  std::set<State> seen;
  std::vector<State> todo = {{0, Places(outside)}};
  while (!todo.empty()) {
    const auto [read, places] = todo.back();
    todo.pop_back();
    if (read == inside.size()) {
      if (!places.complete()) return false;
      continue;
    }
    if (!seen.insert({read, places}).second) continue;
    if (seen.size() > kStatesMax) return false;
    if (inside[read] != "**") {
      todo.emplace_back(read + 1, places.after(inside[read]));
      continue;
    }
    for (const std::string_view segment : {std::string_view(anything), std::string_view()}) {
      todo.emplace_back(read, places.after(segment));
      todo.emplace_back(read + 1, places.after(segment));
    }
  }
  return true;
}

}  // namespace fanfare
