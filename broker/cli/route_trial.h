// RouteTrial: what a request would get by a configuration, without a broker: which [[route]] it
// leads to, and which channels, or why it would be refused. For `fanfare check --route`.
#pragma once

#include <string>
#include <string_view>

#include "broker/server/base/options.h"

namespace fanfare::cli {

// `request` is a method and a target, "GET /ai/chat/7?q=x", or a target alone. One line. What only
// a real request can bring (a token's claims, the name of its connection) stands in capitals.
std::string route_trial(const server::Options& options, std::string_view request);

}  // namespace fanfare::cli
