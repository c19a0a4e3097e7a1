#include "broker/cli/route_trial.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "broker/policy/grants.h"
#include "broker/server/base/route_table.h"
#include "broker/server/requests/route_values.h"
#include "broker/wire/http/target.h"

namespace fanfare::cli {
namespace {

std::string in_capitals(std::string_view claim) {
  std::string text(claim);
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

std::string channels_text(const server::RouteTable& table, const server::Route& route,
                          const server::RouteTable::Found& found, const http::RequestHead& head) {
  policy::Grants grants{.subject = in_capitals("sub"), .channels = {}};
  for (const std::string& claim : table.claims()) {
    grants.claims.emplace_back(claim, in_capitals(claim));
  }
  const auto channels = server::channels_of(route, found.values, head, &grants, "CONNECTION");
  if (!channels) return fmt::format("{}, {}", channels.error().status, channels.error().sentence);
  return fmt::format("{}", fmt::join(*channels, ", "));
}

}  // namespace

std::string route_trial(const server::Options& options, std::string_view request) {
  const std::size_t space = request.find(' ');
  const bool named = space != std::string_view::npos;
  const std::string_view method = named ? request.substr(0, space) : "GET";
  const auto target = http::parse_target(named ? request.substr(space + 1) : request);
  if (!target) {
    return fmt::format("{}: this is no request; write one like \"GET /ai/chat/7?q=x\"\n", request);
  }
  const server::RouteTable table(options.routes);
  const server::RouteTable::Found found = table.find(target->path);
  if (found.path == nullptr) {
    const bool own = std::ranges::find(server::kOwnPaths, target->path) != server::kOwnPaths.end();
    return fmt::format("{}: {}\n", request,
                       own ? "a path of the broker's own" : "404, no [[route]] has this path");
  }
  http::RequestHead head;
  head.method = http::method_of(method);
  head.path = target->path;
  head.query = target->query;
  const server::Route* const route = found.path->with(head.method);
  if (route == nullptr) return fmt::format("{}: 405, it has {}\n", request, found.path->allow);
  const std::string channels =
      route->asks() ? fmt::format("those that the application at {} names", route->rule->upstream)
      : route->has_channels() ? channels_text(table, *route, found, head)
                              : "those that the client names";
  return fmt::format("{}: [[route]] {}: {}\n", request, route->rule->path, channels);
}

}  // namespace fanfare::cli
