// RouteTable: which [[route]] a path and a method lead to. Made once for the settings in force;
// what it costs to look a path up does not grow with the number of routes, as long as their
// segments differ in more than variables.
//
// A path that a route names without variables goes before every template. Templates are compared
// segment by segment, from the left: a text goes before a part with a variable in it, a part with
// more text before one with less, and all of them before a whole variable. So at most one path of
// the table is that of a request, and its routes' methods are the only ones it has: a request with
// another method is not passed on to a template that would match as well.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/server/base/channel_template.h"
#include "broker/server/base/options.h"
#include "broker/server/base/path_template.h"
#include "broker/wire/http/head.h"
#include "broker/wire/sse/parameters.h"

namespace fanfare::server {

// Paths that are the broker's own on the subscribers' side; no route can have them, and no template
// matches them.
inline constexpr std::string_view kEventsPath = "/events";
inline constexpr std::string_view kPositionPath = "/position";
inline constexpr std::array<std::string_view, 3> kOwnPaths{kEventsPath, kPositionPath,
                                                           "/fanfare.js"};

// A [[route]], worked out.
struct Route {
  const RouteRule* rule = nullptr;
  std::vector<ChannelTemplate> channels;
  sse::Scope scope;               // what of a request is the broker's to read
  bool names_connection = false;  // a channel has {connection} in it

  // Otherwise the client names the channels.
  bool has_channels() const { return !rule->channels.empty(); }
  // An application is asked, and names them.
  bool asks() const { return !rule->upstream.empty(); }
};

// A path of the table, and what each method does there.
struct RoutePath {
  const Route* get = nullptr;  // and HEAD
  const Route* post = nullptr;
  std::string allow;  // "GET, HEAD, OPTIONS"

  const Route* with(http::Method method) const;
};

class RouteTable {
 public:
  struct Found {
    const RoutePath* path = nullptr;                           // null: no route has this path
    std::array<std::string_view, kPathVariablesMax> values{};  // of the path's variables, as sent
  };

  // The rules have been checked (config/rules.h), and outlive the table.
  explicit RouteTable(std::span<const RouteRule> rules);
  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;

  Found find(std::string_view path) const;
  // The claims of tokens that channels are made of, but for "sub".
  const std::vector<std::string>& claims() const { return claims_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  template <class Value>
  using ByText = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;
  struct Part {
    PathSegment segment;
    std::uint32_t node = 0;
  };
  // What templates say alike up to some segment.
  struct Node {
    ByText<std::uint32_t> texts;  // the next segment, where it is fixed
    std::vector<Part> parts;      // where it is not, in the order in which they are tried
    RoutePath* path = nullptr;    // of the templates that end here
  };

  void add(const RouteRule& rule);
  RoutePath& path_of(const PathTemplate& path);
  std::uint32_t node_after(std::uint32_t node, const PathSegment& segment);
  const RoutePath* descend(const Node& node, std::string_view rest,
                           std::span<std::string_view> values) const;

  std::deque<Route> routes_;
  std::deque<RoutePath> paths_;
  ByText<RoutePath*> fixed_;  // paths without variables; null: the broker's own
  std::deque<Node> nodes_;
  std::vector<std::string> claims_;
};

}  // namespace fanfare::server
