// What the variables of a route's channels stand for in one request. Whatever a request says, a
// value is one segment of a channel's name or part of one: it holds no slash and no star, so it
// never makes a channel a pattern, or a pattern wider, and it names no channel of the broker's own.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/policy/grants.h"
#include "broker/server/base/route_table.h"
#include "broker/wire/http/head.h"

namespace fanfare::server {

struct ValueRefusal {
  int status = 400;      // 403 where the value is a token's
  std::string sentence;  // names the variable; without a full stop
};

// The channels of a route that has them, or which value is missing or wrong. `path_values` as the
// path was sent; `grants` may be null; `connection` names the request.
std::expected<std::vector<std::string>, ValueRefusal> channels_of(
    const Route& route, std::span<const std::string_view> path_values,
    const http::RequestHead& head, const policy::Grants* grants, std::string_view connection);

}  // namespace fanfare::server
