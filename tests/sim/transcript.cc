#include "tests/sim/transcript.h"

#include <algorithm>
#include <span>

namespace fanfare::sim {
namespace {

// Written for being obviously right, not fast; worlds use short names.
bool segment_matches(std::string_view pattern, std::string_view segment) {
  if (pattern.empty()) return segment.empty();
  if (pattern[0] != '*')
    return !segment.empty() && segment[0] == pattern[0] &&
           segment_matches(pattern.substr(1), segment.substr(1));
  for (std::size_t taken = 1; taken <= segment.size(); ++taken) {
    if (segment_matches(pattern.substr(1), segment.substr(taken))) return true;
  }
  return false;
}

std::vector<std::string_view> segments_of(std::string_view text) {
  std::vector<std::string_view> segments;
  for (std::size_t slash = 0; (slash = text.find('/')) != std::string_view::npos;
       text.remove_prefix(slash + 1)) {
    segments.push_back(text.substr(0, slash));
  }
  segments.push_back(text);
  return segments;
}

bool topic_matches(std::span<const std::string_view> pattern,
                   std::span<const std::string_view> name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] != "**")
    return !name.empty() && segment_matches(pattern[0], name[0]) &&
           topic_matches(pattern.subspan(1), name.subspan(1));
  for (std::size_t taken = 1; taken <= name.size(); ++taken) {
    if (topic_matches(pattern.subspan(1), name.subspan(taken))) return true;
  }
  return false;
}

}  // namespace

bool Transcript::matches(std::string_view channel) const {
  const std::vector<std::string_view> segments = segments_of(channel);
  return std::ranges::any_of(topics, [&](const std::string& topic) {
    return topic_matches(segments_of(topic), segments);
  });
}

}  // namespace fanfare::sim
