#include "broker/policy/grants.h"

#include <algorithm>

#include "broker/policy/digest.h"

#include "common/pattern.h"

namespace fanfare::policy {

std::string grant_problem(std::string_view channel) {
  if (std::string problem = channel_pattern_problem(channel); !problem.empty()) return problem;
  if (is_hidden(channel)) return "names that begin with ~ are the broker's own";
  return {};
}

std::optional<Bearer> bearer_of(std::string_view issuer, std::string_view subject,
                                std::string_view token) {
  if (subject.empty() && token.empty()) return std::nullopt;
  std::string who(subject.empty() ? token : issuer);
  who += '\0';  // in no issuer
  who += subject;
  const Digest digest = sha256(who);
  Bearer bearer{};
  std::copy_n(digest.begin(), bearer.size(), bearer.begin());
  return bearer;
}

bool covers(const Grants& grants, std::string_view topic) {
  return std::ranges::any_of(grants.channels, [topic](const std::string& granted) {
    return granted == topic || (is_pattern(granted) && pattern_covers(granted, topic));
  });
}

}  // namespace fanfare::policy
