#include "broker/wire/ingest/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/quotable.h"

namespace fanfare::ingest {
namespace {

// Whether `c` is in the class that opens `pattern` ("[^a-c]..."); sets `end` to after its `]`. A
// class that is not closed reaches to the end of the pattern.
bool class_matches(std::string_view pattern, char c, std::size_t& end) {
  std::size_t at = 1;
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  while (at < pattern.size() && pattern[at] != ']') {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
    const char low = pattern[at++];
    char high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      high = pattern[at + 1];
      at += 2;
    }
    found = found || (c >= low && c <= high);
  }
  end = at < pattern.size() ? at + 1 : at;
  return found != negated;
}

// Whether the pattern's first element, which is no star, matches `c`; `end` as above.
bool element_matches(std::string_view pattern, char c, std::size_t& end) {
  end = 1;
  if (pattern[0] == '?') return true;
  if (pattern[0] == '[') return class_matches(pattern, c, end);
  if (pattern[0] == '\\' && pattern.size() > 1) {
    end = 2;
    return pattern[1] == c;
  }
  return pattern[0] == c;
}

}  // namespace

std::optional<std::uint32_t> parse_retry(std::string_view text) {
  std::uint32_t value = 0;
  const auto [stop, error] = std::from_chars(text.begin(), text.end(), value);
  if (error != std::errc{} || stop != text.end()) return std::nullopt;
  return value;
}

std::string retry_text_problem(std::string_view text) {
  return fmt::format("retry is \"{}\": it must be a whole number of milliseconds, like 2000",
                     quotable(text));
}

bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0;
  std::size_t star = std::string_view::npos, star_text = 0;  // where to go on if it fails here
  while (t < text.size()) {
    std::size_t element_size = 0;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && element_matches(pattern.substr(p), text[t], element_size)) {
      p += element_size;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace fanfare::ingest
