#include "broker/config/access.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "broker/server/base/rules.h"

namespace fanfare::config {
namespace {

using server::Options;
using server::RouteRule;
using server::TokenNeed;

std::string_view who(TokenNeed need, const Options& options) {
  switch (need) {
    case TokenNeed::required:
      return options.token.has_keys() ? "bearers of a token" : "nobody: [token] has no keys";
    case TokenNeed::optional:
      return "anyone; a token that is presented must be good";
    case TokenNeed::none:
    case TokenNeed::automatic:
      break;
  }
  return "anyone";
}

// Long lists are cut: this is for a person.
std::string shown(const std::vector<std::string>& channels) {
  constexpr std::size_t kShown = 5;
  const std::size_t count = std::min(channels.size(), kShown);
  std::string text = fmt::format(
      "{}",
      fmt::join(channels.begin(), channels.begin() + static_cast<std::ptrdiff_t>(count), ", "));
  if (channels.size() > count) text += fmt::format(" and {} more", channels.size() - count);
  return text;
}

std::string line(const Options& options, std::string_view path, const RouteRule* route) {
  const TokenNeed need = server::token_need(options, route);
  const bool fixed = route != nullptr && !route->channels.empty();
  const std::string channels = fixed
                                   ? shown(route->channels)
                                   : fmt::format("what {} covers", shown(options.subscribe.allow));
  return fmt::format("  {:<20}  {}: {}{}\n", path, who(need, options), channels,
                     need == TokenNeed::required ? ", as far as the token grants it" : "");
}

}  // namespace

std::string access_text(const Options& options) {
  std::string text;
  if (options.subscribe.events) text += line(options, "/events", nullptr);
  for (const RouteRule& route : options.routes) text += line(options, route.path, &route);
  return text;
}

}  // namespace fanfare::config
