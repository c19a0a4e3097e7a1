// UpstreamAddress: where an application answers, as a route of broker.toml says it. Only addresses:
// a name would have to be looked up while the broker serves. Pure functions over text.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace fanfare::server {

struct UpstreamAddress {
  enum class Kind : unsigned char { path, tcp };
  Kind kind = Kind::path;
  std::string place;  // "/run/app.sock"; "127.0.0.1:3000", "[::1]:3000"
};

// "unix:/run/app.sock", "http://127.0.0.1:3000", "http://localhost:3000" (which is 127.0.0.1),
// "http://[::1]" (port 80). The error is a sentence that says what would be right.
std::expected<UpstreamAddress, std::string> parse_upstream(std::string_view text);

// Where a hook is posted to: an upstream, and a path there.
struct HookUrl {
  std::string upstream;  // as parse_upstream() understands it
  std::string host;      // for the Host field
  std::string path;      // with its query
};

// "http://127.0.0.1:3000/hooks", "unix:/run/app.sock:/hooks"; without a path it is "/".
std::expected<HookUrl, std::string> parse_hook_url(std::string_view text);

}  // namespace fanfare::server
