#include "common/pattern.h"

#include <fmt/format.h>

#include <array>

namespace fanfare {
namespace {

// One look for each character: every publish has its channel's name checked.
constexpr std::array<bool, 256> kOfNames = [] {
  std::array<bool, 256> of_names{};
  for (const char c :
       std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~:@/-")) {
    of_names[static_cast<unsigned char>(c)] = true;
  }
  return of_names;
}();

bool of_names(char c) {
  return kOfNames[static_cast<unsigned char>(c)];
}

std::size_t first_not_of_names(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && of_names(text[at])) ++at;
  return at == text.size() ? std::string_view::npos : at;
}

std::string shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f ? fmt::format("'{}'", c) : fmt::format("0x{:02x}", byte);
}

std::string size_problem(std::string_view text, std::string_view what) {
  if (text.empty()) return fmt::format("a {} must not be empty", what);
  if (text.size() <= kChannelNameSizeMax) return {};
  return fmt::format("a {} has at most {} bytes; this one has {}", what, kChannelNameSizeMax,
                     text.size());
}

}  // namespace

std::string channel_name_problem(std::string_view name) {
  if (std::string problem = size_problem(name, "channel name"); !problem.empty()) return problem;
  const std::size_t at = first_not_of_names(name);
  if (at == std::string_view::npos) return {};
  return fmt::format("a channel name may contain only A-Z a-z 0-9 . _ ~ : @ / -, not {} (byte {})",
                     shown(name[at]), at);
}

std::string channel_pattern_problem(std::string_view pattern) {
  if (std::string problem = size_problem(pattern, "channel or pattern"); !problem.empty())
    return problem;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '*' || of_names(pattern[at])) continue;
    return fmt::format(
        "a channel or pattern may contain only A-Z a-z 0-9 . _ ~ : @ / - and *, not {} (byte {})",
        shown(pattern[at]), at);
  }
  for (PathSegments segments(pattern); !segments.at_end(); segments.next()) {
    const std::string_view segment = segments.front();
    const std::size_t stars = segment.find("**");
    if (stars == std::string_view::npos || segment == "**") continue;
    return fmt::format("** must be a whole segment, between slashes, not part of \"{}\" (byte {})",
                       segment, static_cast<std::size_t>(segment.data() - pattern.data()) + stars);
  }
  return {};
}

// `*` stands for one character or more: it takes one at once, and one more each time the rest does
// not fit. Only the last `*` need ever take more.
bool segment_matches(std::string_view pattern, std::string_view segment) {
  std::size_t p = 0;
  std::size_t s = 0;
  std::size_t after_star = std::string_view::npos;
  std::size_t star_end = 0;
  while (s < segment.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      star_end = ++s;
    } else if (p < pattern.size() && pattern[p] == segment[s]) {
      ++p;
      ++s;
    } else if (after_star != std::string_view::npos) {
      p = after_star;
      s = ++star_end;
    } else {
      return false;
    }
  }
  return p == pattern.size();
}

bool is_pattern(std::string_view text) {
  return text.find('*') != std::string_view::npos;
}

// The same walk as in segment_matches, over segments, with `**` for `*`.
bool pattern_matches(std::string_view pattern, std::string_view name) {
  if (is_hidden(name) && !is_hidden(pattern)) return false;
  PathSegments p(pattern);
  PathSegments n(name);
  bool starred = false;
  PathSegments after_stars = p;
  PathSegments stars_end = n;
  while (!n.at_end()) {
    if (!p.at_end() && p.front() == "**") {
      p.next();
      n.next();
      starred = true;
      after_stars = p;
      stars_end = n;
    } else if (!p.at_end() && segment_matches(p.front(), n.front())) {
      p.next();
      n.next();
    } else if (starred) {
      stars_end.next();
      p = after_stars;
      n = stars_end;
    } else {
      return false;
    }
  }
  return p.at_end();
}

}  // namespace fanfare
