// Bearer tokens in HTTP (RFC 6750): where one stands in a request, and how an answer asks for one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/wire/http/head.h"

namespace fanfare::server {

// The token of `Authorization: Bearer TOKEN`; nothing if the field is about something else (a
// proxy's Basic). An empty one is a token, and a bad one.
std::optional<std::string_view> bearer_of(std::string_view field);
// That of a request. If two differ, neither counts: the result is an empty one, and a bad one.
std::optional<std::string_view> bearer_token(const http::RequestHead& head);

// The challenge of an answer: Bearer realm="fanfare", error="invalid_token", …
// (RFC 6750 §3). `error` is empty if no token was presented.
std::string bearer_challenge(std::string_view error, std::string_view description = {});

}  // namespace fanfare::server
