#include "broker/policy/grants.h"

#include <algorithm>

#include "common/pattern.h"

namespace fanfare::policy {

std::string grant_problem(std::string_view channel) {
  if (std::string problem = channel_pattern_problem(channel); !problem.empty()) return problem;
  if (is_hidden(channel)) return "names that begin with ~ are the broker's own";
  return {};
}

bool covers(const Grants& grants, std::string_view topic) {
  return std::ranges::any_of(grants.channels, [topic](const std::string& granted) {
    return granted == topic || (is_pattern(granted) && pattern_covers(granted, topic));
  });
}

}  // namespace fanfare::policy
