// Endpoint: where a server is, as people write it: http://host:port/path, host:port, or a Unix
// socket as a path or unix:/path. TLS is not supported: a proxy terminates it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "broker/client/error.h"

namespace fanfare::client {

struct Endpoint {
  std::string host;         // name or address, without brackets; empty for a Unix socket
  std::uint16_t port = 80;  // of `host`
  std::string unix_path;    // empty unless it is a Unix socket
  std::string target;       // path and query as written; empty if none was given
  std::string role;         // what messages call it: "the ingest socket"; may be empty

  // The error (Fault::address) says what would be right.
  static std::expected<Endpoint, Error> parse(std::string_view text);
  // For messages and for the Host field: "127.0.0.1:8080", "[::1]:8080", "/run/x.sock".
  std::string name() const;
  // The same with its role: "the ingest socket /run/x.sock".
  std::string described() const;
};

// Percent-encodes everything but what RFC 3986 calls unreserved, plus '/', ':', '@' and '*', which
// are harmless in a query and pleasant to read in channel names and patterns.
std::string percent_encode(std::string_view text);

}  // namespace fanfare::client
