#include "broker/config/syntax.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>

namespace fanfare::config {
namespace {

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

bool is_address(int family, const std::string& text) {
  in6_addr address{};
  return inet_pton(family, text.c_str(), &address) == 1;
}

bool is_lower_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Host and port of "host:port"; the port is empty where there is none.
struct Authority {
  std::string_view host;
  std::string_view port;
  bool has_port = false;
};

Authority split_authority(std::string_view text) {
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.rfind(':');
  const bool inside_brackets = bracket != std::string_view::npos && colon < bracket;
  if (colon == std::string_view::npos || inside_brackets) return {.host = text, .port = {}};
  return {.host = text.substr(0, colon), .port = text.substr(colon + 1), .has_port = true};
}

}  // namespace

std::string listen_address_problem(std::string_view text) {
  const Authority at = split_authority(text);
  if (!at.has_port) {
    return fmt::format("\"{}\" has no port; write an address like \"127.0.0.1:8080\"", text);
  }
  if (!is_port(at.port)) {
    return fmt::format("\"{}\" has no port from 0 to 65535 after its last colon", text);
  }
  if (at.host.empty() || at.host == "*") {
    return fmt::format(
        "\"{}\" does not say which address; for all of them write \"[::]:{}\" or "
        "\"0.0.0.0:{}\"",
        text, at.port, at.port);
  }
  if (at.host == "localhost") return {};
  if (at.host.starts_with('[') && at.host.ends_with(']')) {
    if (is_address(AF_INET6, std::string(at.host.substr(1, at.host.size() - 2)))) return {};
    return fmt::format("\"{}\" is not an IPv6 address in its brackets", text);
  }
  if (is_address(AF_INET, std::string(at.host))) return {};
  if (at.host.find(':') != std::string_view::npos) {
    return fmt::format("\"{}\" is an IPv6 address without brackets; write \"[::1]:8080\"", text);
  }
  return fmt::format("\"{}\" is not an IP address of this machine; names are not looked up", text);
}

std::string event_name_problem(std::string_view text, std::size_t size_max) {
  if (text.size() > size_max) {
    return fmt::format("\"{}\" is longer than limits.event_name_bytes ({})", text, size_max);
  }
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
    return "an event name of the broker's is made of visible ASCII characters";
  }
  if (text == "open" || text == "error" || text == "message") {
    return fmt::format("\"{}\" is an EventSource's own event; choose another name", text);
  }
  return {};
}

std::string route_path_problem(std::string_view text) {
  if (!text.starts_with('/')) return fmt::format("\"{}\" does not begin with '/'", text);
  if (text.size() > 1024) return "it is longer than 1024 bytes";
  if (text == "/events") return "\"/events\" is always there and cannot be changed";
  for (const char c : text) {
    const bool unreserved =
        is_lower_alphanumeric(c) || (c >= 'A' && c <= 'Z') ||
        std::string_view("-._~!$&'()*+,;=:@/").find(c) != std::string_view::npos;
    if (!unreserved) {
      return fmt::format("\"{}\" holds characters that a path has not got, or a query", text);
    }
  }
  return {};
}

std::string socket_path_problem(std::string_view text) {
  // sun_path holds the name and its terminating NUL.
  constexpr std::size_t kSizeMax = sizeof(sockaddr_un::sun_path) - 1;
  if (text.size() > kSizeMax) {
    return fmt::format("it is longer than the {} bytes that the name of a Unix socket may have",
                       kSizeMax);
  }
  if (text.find('\0') != std::string_view::npos) return "it contains a NUL byte";
  if (text.starts_with('@')) return "abstract sockets have no permissions; write a path";
  if (text.ends_with('/'))
    return fmt::format("\"{}\" is a folder; write the socket's own path", text);
  return {};
}

}  // namespace fanfare::config
