#include "broker/server/base/route_table.h"

#include <algorithm>
#include <functional>

#include "common/check.h"

namespace fanfare::server {
namespace {

sse::Scope scope_of(const RouteRule& rule) {
  sse::Scope scope;
  const bool page = !rule.channels.empty() || !rule.upstream.empty();
  scope.body = page ? sse::BodyOf::page : sse::BodyOf::request;
  scope.strict = !page;
  if (rule.parameters) {
    scope.parameters = {};
    for (const std::string& name : *rule.parameters) {
      if (const auto parameter = sse::parameter_named(name)) scope.parameters.add(*parameter);
    }
  }
  scope.format = rule.format.value_or(sse::Format::event_stream);
  return scope;
}

Route work_out(const RouteRule& rule, const PathTemplate& path) {
  Route route{.rule = &rule, .channels = {}, .scope = scope_of(rule)};
  for (const std::string& text : rule.channels) {
    auto channel = parse_channel_template(text, path.variables);
    CHECK(channel.has_value(), "the configuration has been checked");
    for (const ChannelVariable& variable : channel->variables) {
      route.names_connection |= variable.source == ChannelVariable::Source::connection;
    }
    route.channels.push_back(*std::move(channel));
  }
  return route;
}

}  // namespace

const Route* RoutePath::with(http::Method method) const {
  switch (method) {
    case http::Method::get:
    case http::Method::head:
      return get;
    case http::Method::post:
      return post;
    default:
      return nullptr;
  }
}

RouteTable::RouteTable(std::span<const RouteRule> rules) {
  for (const std::string_view path : kOwnPaths) fixed_.emplace(path, nullptr);
  nodes_.emplace_back();
  for (const RouteRule& rule : rules) add(rule);
  for (Node& node : nodes_) {
    // No path is that of two with the same weight.
    std::ranges::sort(node.parts, std::greater<>{},
                      [](const Part& part) { return part.segment.weight(); });
  }
  for (RoutePath& path : paths_) {
    if (path.get != nullptr) path.allow += "GET, HEAD, ";
    if (path.post != nullptr) path.allow += "POST, ";
    path.allow += "OPTIONS";
  }
}

void RouteTable::add(const RouteRule& rule) {
  const auto parsed = parse_path_template(rule.path);
  CHECK(parsed.has_value(), "the configuration has been checked");
  const Route& route = routes_.emplace_back(work_out(rule, *parsed));
  for (const ChannelTemplate& channel : route.channels) {
    for (const ChannelVariable& variable : channel.variables) {
      if (variable.source != ChannelVariable::Source::token || variable.name == "sub") continue;
      if (std::ranges::find(claims_, variable.name) == claims_.end()) {
        claims_.push_back(variable.name);
      }
    }
  }
  RoutePath& path = path_of(*parsed);
  for (const std::string& method : rule.methods) {
    const Route*& place = method == "POST" ? path.post : path.get;
    if (place == nullptr) place = &route;
  }
}

RoutePath& RouteTable::path_of(const PathTemplate& path) {
  RoutePath** place = nullptr;
  if (path.fixed()) {
    std::string text;
    for (const PathSegment& segment : path.segments) text += '/' + segment.texts.front();
    place = &fixed_[text];
  } else {
    std::uint32_t node = 0;
    for (const PathSegment& segment : path.segments) node = node_after(node, segment);
    place = &nodes_[node].path;
  }
  if (*place == nullptr) *place = &paths_.emplace_back();
  return **place;
}

std::uint32_t RouteTable::node_after(std::uint32_t node, const PathSegment& segment) {
  const auto fresh = static_cast<std::uint32_t>(nodes_.size());
  std::uint32_t next = fresh;
  if (segment.fixed()) {
    next = nodes_[node].texts.try_emplace(segment.texts.front(), fresh).first->second;
  } else {
    std::vector<Part>& parts = nodes_[node].parts;
    const auto known = std::ranges::find(parts, segment, &Part::segment);
    if (known != parts.end()) {
      next = known->node;
    } else {
      parts.push_back({segment, fresh});
    }
  }
  if (next == fresh) nodes_.emplace_back();
  return next;
}

RouteTable::Found RouteTable::find(std::string_view path) const {
  Found found;
  if (const auto fixed = fixed_.find(path); fixed != fixed_.end()) {
    found.path = fixed->second;
  } else if (path.starts_with('/')) {
    found.path = descend(nodes_.front(), path.substr(1), found.values);
  }
  return found;
}

// Each node is looked at once at most: it belongs to one number of segments. `rest` begins after a
// slash.
const RoutePath* RouteTable::descend(const Node& node, std::string_view rest,
                                     std::span<std::string_view> values) const {
  const std::size_t slash = rest.find('/');
  const std::string_view segment = rest.substr(0, slash);
  const auto go_on = [&](std::uint32_t next, std::size_t used) -> const RoutePath* {
    const Node& below = nodes_[next];
    if (slash == std::string_view::npos) return below.path;
    return descend(below, rest.substr(slash + 1), values.subspan(used));
  };
  if (const auto text = node.texts.find(segment); text != node.texts.end()) {
    if (const RoutePath* const path = go_on(text->second, 0)) return path;
  }
  for (const Part& part : node.parts) {
    if (!part.segment.match(segment, values)) continue;
    if (const RoutePath* const path = go_on(part.node, part.segment.variables())) return path;
  }
  return nullptr;
}

}  // namespace fanfare::server
