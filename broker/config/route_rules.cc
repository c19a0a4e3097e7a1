#include "broker/config/route_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/config/syntax.h"
#include "broker/server/base/route_table.h"
#include "broker/server/base/rules.h"
#include "broker/server/base/upstream_address.h"

#include "common/pattern.h"

namespace fanfare::config {
namespace {

using server::ChannelVariable;
using server::Options;
using server::PathTemplate;
using server::Relation;
using server::RouteRule;
using server::TokenNeed;

// Where a value of one [[route]] is set: "route[3].path".
struct Place {
  std::string route;
  std::string operator()(std::string_view key) const { return fmt::format("{}.{}", route, key); }
  std::string operator()(std::string_view key, std::size_t entry) const {
    return fmt::format("{}.{}[{}]", route, key, entry);
  }
};

void check_upstream(const RouteRule& route, const Place& place, Report& report) {
  if (route.upstream.empty()) {
    if (route.ask == server::Ask::always) return;
    report.add_at(place("ask"), "[[route]] ask says when to ask, and there is nobody to be asked",
                  "name the application: upstream = \"unix:/run/app.sock\"", place.route);
    return;
  }
  if (const auto address = server::parse_upstream(route.upstream); !address) {
    report.add_at(place("upstream"), fmt::format("{}: {}", place("upstream"), address.error()), {},
                  place.route);
  }
  if (route.channels.empty()) return;
  report.add_at(place("channels"), "[[route]] has channels and an upstream",
                "the application names the channels (Fanfare-Channels): remove one of the two",
                place("upstream"));
}

void check_methods(const RouteRule& route, const Place& place, Report& report) {
  for (std::size_t i = 0; i < route.methods.size(); ++i) {
    const std::string& method = route.methods[i];
    if (method == "GET" || method == "POST") continue;
    report.add_at(place("methods", i), fmt::format("[[route]] methods has \"{}\"", method),
                  method == "HEAD" ? "HEAD goes with GET: leave it out"
                                   : "a stream is opened with \"GET\" or \"POST\"",
                  place("methods"));
  }
}

void check_parameters(const RouteRule& route, const Place& place, Report& report) {
  if (!route.parameters) return;
  bool topic = false;
  for (std::size_t i = 0; i < route.parameters->size(); ++i) {
    const std::string& name = (*route.parameters)[i];
    const auto parameter = sse::parameter_named(name);
    topic |= parameter == sse::Parameter::topic;
    if (parameter) continue;
    report.add_at(place("parameters", i),
                  fmt::format("\"{}\" is no parameter of the broker's", name),
                  fmt::format("they are {}; all others are the page's own without being listed",
                              sse::parameter_names()),
                  place("parameters"));
  }
  if (topic || !route.channels.empty() || !route.upstream.empty()) return;
  report.add_at(place("parameters"), "nobody can say which channels this [[route]] is for",
                "give it channels, or list \"channel\" among its parameters", place.route);
}

// Why this variable can never have a value here, and what would be right.
std::optional<std::pair<std::string, std::string>> never_has_a_value(
    const ChannelVariable& variable, const RouteRule& route, const Options& options) {
  if (variable.source == ChannelVariable::Source::query &&
      (variable.name == options.token.query || variable.name == "ticket")) {
    return std::pair(fmt::format("{} is a secret, and channels are shown", variable.shown()),
                     std::string("take the value from another parameter, or from the token: "
                                 "{token.sub}"));
  }
  if (variable.source != ChannelVariable::Source::token) return std::nullopt;
  if (server::token_need(options, &route) != TokenNeed::required) {
    return std::pair(
        fmt::format("{} needs a token, and this path is open without one", variable.shown()),
        std::string("write token = \"required\" in this [[route]], and the keys under "
                    "[token]"));
  }
  if (options.token.has_keys() || variable.name == "sub") return std::nullopt;
  return std::pair(fmt::format("{} needs a token, and [token] has no keys: there are tickets only, "
                               "which have nothing but \"sub\"",
                               variable.shown()),
                   std::string("write the keys under [token], or {token.sub}"));
}

void check_channels(const Options& options, const RouteRule& route, const PathTemplate& path,
                    const Place& place, Report& report) {
  for (std::size_t i = 0; i < route.channels.size(); ++i) {
    const std::string key = place("channels", i);
    const auto channel = server::parse_channel_template(route.channels[i], path.variables);
    if (!channel) {
      report.add_at(key, fmt::format("{} \"{}\": {}", key, route.channels[i], channel.error()), {},
                    place("channels"));
      continue;
    }
    for (const ChannelVariable& variable : channel->variables) {
      if (const auto never = never_has_a_value(variable, route, options)) {
        report.add_at(key, never->first, never->second, place("channels"));
      }
    }
  }
  if (route.channels.size() <= options.limits.channels_per_subscription) return;
  report.add_at(place("channels"),
                fmt::format("[[route]] channels has {} entries", route.channels.size()),
                fmt::format("limits.channels_per_subscription allows {}",
                            options.limits.channels_per_subscription));
}

bool share_a_method(const RouteRule& a, const RouteRule& b) {
  return std::ranges::any_of(a.methods, [&b](const std::string& method) {
    return std::ranges::find(b.methods, method) != b.methods.end();
  });
}

// Whether some request would be that of both.
void check_pair(const RouteRule& earlier, const PathTemplate& earlier_path, const RouteRule& route,
                const PathTemplate& path, const Place& place, Report& report) {
  switch (server::relation(earlier_path, path)) {
    case Relation::apart:
      return;
    case Relation::same:
      if (!share_a_method(earlier, route)) return;
      if (path.fixed()) {
        report.add_at(place("path"),
                      fmt::format("[[route]] path \"{}\" is repeated here", route.path),
                      "a path can be served once, or once by GET and once by POST (methods)");
        return;
      }
      report.add_at(place("path"),
                    fmt::format("[[route]] path \"{}\" matches the same paths as \"{}\"",
                                route.path, earlier.path),
                    "remove one of them, or give them different methods");
      return;
    case Relation::unclear:
      report.add_at(place("path"),
                    fmt::format("[[route]] path \"{}\" and \"{}\" both match \"{}\", and neither "
                                "says more of it",
                                route.path, earlier.path, common_path(earlier_path, path)),
                    "make them differ in more text, or in a segment before");
      return;
  }
}

}  // namespace

void check_routes(const Options& options, Report& report) {
  const auto& routes = options.routes;
  std::vector<std::optional<PathTemplate>> paths(routes.size());
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const RouteRule& route = routes[i];
    const Place place{fmt::format("route[{}]", i)};
    const std::string key = place("path");
    if (!report.noted(key)) {
      report.add_at(place.route, "[[route]] has no path",
                    "say where it is served: path = \"/prices\"");
      continue;
    }
    check_upstream(route, place, report);
    check_methods(route, place, report);
    check_parameters(route, place, report);
    if (const std::string problem = route_path_problem(route.path); !problem.empty()) {
      report.add_at(key, fmt::format("{}: {}", key, problem), {}, place.route);
      continue;
    }
    paths[i] = *server::parse_path_template(route.path);
    check_channels(options, route, *paths[i], place, report);
    for (std::size_t j = 0; j < i; ++j) {
      if (!paths[j]) continue;
      check_pair(routes[j], *paths[j], route, *paths[i], place, report);
    }
  }
}

}  // namespace fanfare::config
