#include "broker/server/roster.h"

#include <algorithm>

#include "common/check.h"
#include "common/pattern.h"

namespace fanfare::server {
namespace {

std::uint64_t at_least_zero(std::int64_t count) {
  return static_cast<std::uint64_t>(std::max(count, std::int64_t{0}));
}

}  // namespace

void Roster::change(std::string_view topic, std::int64_t delta) {
  if (is_pattern(topic)) {
    auto found = std::find_if(patterns_.begin(), patterns_.end(),
                              [&](const Pattern& pattern) { return pattern.text == topic; });
    if (found == patterns_.end()) found = patterns_.insert(found, {std::string(topic), 0});
    found->count += delta;
    if (found->count == 0) patterns_.erase(found);
    return;
  }
  auto found = names_.find(topic);
  if (found == names_.end()) found = names_.emplace(std::string(topic), 0).first;
  found->second += delta;
  if (found->second == 0) names_.erase(found);
}

std::uint64_t Roster::subscribers(std::string_view channel) const {
  if (names_.empty()) return 0;
  const auto found = names_.find(channel);
  return found == names_.end() ? 0 : at_least_zero(found->second);
}

std::uint64_t Roster::receivers(std::string_view channel) const {
  std::uint64_t count = subscribers(channel);
  for (const Pattern& pattern : patterns_) {
    if (pattern_matches(pattern.text, channel)) count += at_least_zero(pattern.count);
  }
  return count;
}

std::uint64_t Roster::pattern_subscribers() const {
  std::uint64_t count = 0;
  for (const Pattern& pattern : patterns_) count += at_least_zero(pattern.count);
  return count;
}

}  // namespace fanfare::server
