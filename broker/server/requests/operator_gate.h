// OperatorGate: whether a request on the admin listener may be answered. Without a token ([listen]
// admin_token_file) everything may on loopback; elsewhere everything but /api, which shows who is
// connected and closes connections. With one, everything but the probes needs it: as a bearer
// token, or as the password of HTTP's basic authentication, for which browsers have a window.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/server/base/settings.h"
#include "broker/wire/http/head.h"

namespace fanfare::server {

struct GateRefusal {
  int status = 401;
  std::string_view sentence;
};

std::optional<GateRefusal> refused_operator(const http::RequestHead& head,
                                            const Settings& settings);

// What stands behind the first colon of the credentials of `Basic BASE64` (RFC 7617); nothing if
// the field is about something else, or nonsense.
std::optional<std::string> basic_password(std::string_view field);

}  // namespace fanfare::server
