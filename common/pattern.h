// Channel names and the patterns that match them. A name is made of [A-Za-z0-9._~:@/-], 1 to 255
// bytes; '/' separates segments. In a pattern, `*` stands for one or more characters within one
// segment and `**` as a whole segment for one or more segments: `metrics/*` matches metrics/cpu and
// not metrics/cpu/0; `orders/**` matches both orders/1 and orders/1/items.
//
// Names that begin with '~' are hidden, as dot files are from a shell: no star stands for that '~',
// only a pattern that begins with '~' itself matches them. So only clients that are allowed to
// spell the broker's own names can find them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fanfare {

inline constexpr std::size_t kChannelNameSizeMax = 255;

// Empty if `name` is a valid channel name; else a sentence that says what is wrong and where.
std::string channel_name_problem(std::string_view name);
// The same for a pattern: a name in which `*` and `**` may stand. A plain name is a pattern too.
std::string channel_pattern_problem(std::string_view pattern);

constexpr bool is_hidden(std::string_view name) {
  return name.starts_with('~');
}
// Whether it contains a `*`.
bool is_pattern(std::string_view text);

// Both valid. Linear in the sizes for one `*` per segment; no allocation, no backtracking past a
// segment for `*`.
bool pattern_matches(std::string_view pattern, std::string_view name);

// Both valid. Whether every name that `inner` matches, `outer` matches too: `metrics/**` covers
// metrics/cpu, metrics/* and metrics/*/load, and not **. Never wrongly true; wrongly false for an
// `inner` with dozens of stars, so that no peer can make this take long.
bool pattern_covers(std::string_view outer, std::string_view inner);

// Both valid. Whether there is a name that both match, whatever its size.
bool patterns_overlap(std::string_view a, std::string_view b);

// The same as pattern_matches for one segment, none of them `**`.
bool segment_matches(std::string_view pattern, std::string_view segment);

// Goes through the segments of a name or a pattern.
class PathSegments {
 public:
  explicit PathSegments(std::string_view path) : rest_(path) {}
  bool at_end() const { return done_; }
  std::string_view front() const { return rest_.substr(0, rest_.find('/')); }
  void next() {
    const std::size_t slash = rest_.find('/');
    done_ = slash == std::string_view::npos;
    if (!done_) rest_.remove_prefix(slash + 1);
  }

 private:
  std::string_view rest_;
  bool done_ = false;
};

}  // namespace fanfare
