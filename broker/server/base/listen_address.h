// An entry of [listen] http: a TCP address ("127.0.0.1:8080"), or a Unix socket
// ("unix:/run/fanfare/http.sock"), as nginx and others write them.
#pragma once

#include <optional>
#include <string_view>

namespace fanfare::server {

inline constexpr std::string_view kUnixPrefix = "unix:";

// The path of a Unix socket; nothing: it is a TCP address.
constexpr std::optional<std::string_view> socket_path(std::string_view entry) {
  if (!entry.starts_with(kUnixPrefix)) return std::nullopt;
  return entry.substr(kUnixPrefix.size());
}

}  // namespace fanfare::server
