// PathTemplate: the path of a [[route]], in which {name} stands for text of one segment:
//
//   /ai/chat/{room}      /files/{name}.json      /{tenant}/from-{a}-to-{b}
//
// A variable stands for one character or more and never for a slash. All else is compared byte by
// byte with the path as it was sent: case counts, a slash at the end counts, an escape is not what
// it stands for. If a segment has several variables, the earlier take as little as they can.
//
// Pure functions over text. What a value may be is not said here (server/requests/route_values.h).
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::server {

// In one path. More is no path that somebody keeps.
inline constexpr std::size_t kPathVariablesMax = 16;
inline constexpr std::size_t kPathBytesMax = 1024;

// One segment: n variables, and the n + 1 texts around them, of which only the first and the last
// may be empty.
struct PathSegment {
  std::vector<std::string> texts;

  std::size_t variables() const { return texts.size() - 1; }
  bool fixed() const { return texts.size() == 1; }
  // How much of what it matches is said: the more, the earlier it is tried. A text goes before a
  // part, a part with more text before one with less, and all of them before a whole variable.
  std::size_t weight() const;
  // Whether it matches `text`, and what its variables stand for then, from values[0] on.
  bool match(std::string_view text, std::span<std::string_view> values) const;

  friend bool operator==(const PathSegment&, const PathSegment&) = default;
};

// Whether some text is matched by both.
bool overlap(const PathSegment& a, const PathSegment& b);

struct PathTemplate {
  std::vector<PathSegment> segments;   // what stands after each slash; the last may be empty
  std::vector<std::string> variables;  // their names, from the left

  bool fixed() const { return variables.empty(); }
};

// The error is a sentence that says what would be right, without a full stop.
std::expected<PathTemplate, std::string> parse_path_template(std::string_view text);

// What two templates are to each other, whatever their variables are called.
enum class Relation : unsigned char {
  apart,   // no path is matched by both, or the first segment in which they differ says which of
           // them goes first
  same,    // they match the same paths
  unclear  // some path is matched by both, and neither goes first
};
Relation relation(const PathTemplate& a, const PathTemplate& b);

// A path that both match; they are not apart.
std::string common_path(const PathTemplate& a, const PathTemplate& b);

// A name for a variable: a-z, 0-9 and _, not a digit first.
bool is_variable_name(std::string_view text);

}  // namespace fanfare::server
