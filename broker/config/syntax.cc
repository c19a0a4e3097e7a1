#include "broker/config/syntax.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>

#include "broker/server/base/listen_address.h"
#include "broker/server/base/route_table.h"
#include "broker/wire/sse/position.h"
#include "broker/wire/sse/subscribe_wishes.h"

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

constexpr std::string_view kAddressExample = "127.0.0.1:8080";
constexpr std::string_view kSocketExample = "/run/fanfare/ingest.sock";

// The address that a URL, a port alone or an address without one means; the example if it means
// none.
std::string address_in(std::string_view text) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    text.remove_prefix(scheme + 3);
  }
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t")));
  text = text.substr(0, text.find_first_of("/?# \t"));
  std::string address(text);
  if (is_port(text)) {
    address = fmt::format("127.0.0.1:{}", text);
  } else if (!split_authority(text).has_port) {
    address += ":8080";
  }
  return listen_address_problem(address).empty() ? address : std::string(kAddressExample);
}

// "127.0.0.1:9999", "localhost:9999", "http://…", "9999".
bool is_address_of_tcp(std::string_view text) {
  if (text.find("://") != std::string_view::npos || is_port(text)) return true;
  return text.find('/') == std::string_view::npos && split_authority(text).has_port;
}

}  // namespace

std::string listen_address_problem(std::string_view text) {
  if (text.starts_with('/') || text.starts_with('@') || text.starts_with("unix:")) {
    return fmt::format(
        "\"{}\" is not an address with a port, like \"127.0.0.1:8080\"; Unix sockets are possible "
        "in "
        "listen.http, for subscribers, and listen.ingest, for applications that publish",
        text);
  }
  if (text.find("://") != std::string_view::npos) {
    return fmt::format("\"{}\" is a URL; write the address alone, \"{}\"", text, address_in(text));
  }
  if (text.find_first_of("/?# \t") != std::string_view::npos) {
    return fmt::format("\"{}\" is more than an address; write \"{}\"", text, address_in(text));
  }
  const Authority at = split_authority(text);
  // "::1:8080" is also an address; but a last group that looks like a port is meant as one.
  const bool host_is_ipv6 = is_address(AF_INET6, std::string(at.host));
  if (!host_is_ipv6 && is_address(AF_INET6, std::string(text))) {
    return fmt::format("\"{}\" is an IPv6 address without brackets; write \"[{}]:8080\"", text,
                       text);
  }
  if (!at.has_port) {
    return fmt::format("\"{}\" has no port; write an address like \"{}\"", text, address_in(text));
  }
  if (!is_port(at.port)) {
    return fmt::format("\"{}\" must end with a port, from 0 to 65535, after its last colon", text);
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
  if (host_is_ipv6) {
    return fmt::format("\"{}\" is an IPv6 address without brackets; write \"[{}]:{}\"", text,
                       at.host, at.port);
  }
  return fmt::format("\"{}\" is not an IP address of this machine; names are not looked up", text);
}

std::string subscriber_address_problem(std::string_view text) {
  const auto path = server::socket_path(text);
  if (path) {
    if (path->starts_with('/') && !path->starts_with("//")) return socket_path_problem(*path);
    const std::size_t name = path->find_first_not_of('/');
    const std::string right =
        path->starts_with('/') && name != std::string_view::npos
            ? std::string(path->substr(name - 1))
            : fmt::format("/run/fanfare/{}", path->empty() || path->ends_with('/')
                                                 ? "http.sock"
                                                 : path->substr(path->rfind('/') + 1));
    return fmt::format("\"{}\" does not name the full path of a socket; write \"unix:{}\"", text,
                       right);
  }
  if (text.starts_with('/')) {
    return fmt::format("\"{}\" is a path; for a Unix socket there write \"unix:{}\"", text, text);
  }
  return listen_address_problem(text);
}

std::string event_name_problem(std::string_view text, std::size_t size_max) {
  if (text.size() > size_max) {
    return fmt::format("\"{}\" is longer than limits.event_name_bytes ({})", text, size_max);
  }
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
    return "the broker's event names consist of visible ASCII characters";
  }
  if (text == "open" || text == "error" || text == "message") {
    return fmt::format("\"{}\" is an EventSource's own event; choose another name", text);
  }
  if (text == sse::kPositionEvent) {
    return fmt::format("\"{}\" is the event that tells a client its position; choose another name",
                       text);
  }
  return {};
}

std::string route_path_problem(std::string_view text) {
  if (!text.starts_with('/')) {
    std::string_view path = text;
    if (const std::size_t scheme = path.find("://"); scheme != std::string_view::npos) {
      path.remove_prefix(scheme + 3);
      path.remove_prefix(std::min(path.size(), path.find('/')));
      path = path.substr(std::min(path.size(), std::size_t{1}));
    }
    const std::string right = fmt::format("/{}", path);
    const bool sound = path.size() > 0 && route_path_problem(right).empty();
    return fmt::format("\"{}\" does not begin with '/'; write one like \"{}\"", text,
                       sound ? right : "/prices");
  }
  if (text == server::kModulePath) {
    return fmt::format("\"{}\" is the browser module ([subscribe] module), never a stream", text);
  }
  if (std::ranges::find(server::kOwnPaths, text) != server::kOwnPaths.end()) {
    return fmt::format("\"{}\" is the broker's own, always there, and cannot be changed", text);
  }
  const auto path = server::parse_path_template(text);
  return path ? std::string() : fmt::format("\"{}\": {}", text, path.error());
}

std::string socket_path_problem(std::string_view text) {
  // sun_path holds the name and its terminating NUL.
  constexpr std::size_t kSizeMax = sizeof(sockaddr_un::sun_path) - 1;
  if (text.empty()) return {};
  if (text.size() > kSizeMax) {
    return fmt::format("it is longer than the {} bytes that the name of a Unix socket may have",
                       kSizeMax);
  }
  if (text.find('\0') != std::string_view::npos) return "it contains a NUL byte";
  if (text.starts_with('@')) return "abstract sockets have no permissions; write a path";
  if (text.starts_with("unix:")) {
    std::string_view path = text.substr(5);
    while (path.starts_with("//")) path.remove_prefix(1);
    return fmt::format(
        "\"{}\" is a URL; write the path alone, \"{}\"", text,
        path.starts_with('/') && socket_path_problem(path).empty() ? path : kSocketExample);
  }
  if (is_address_of_tcp(text)) {
    return fmt::format(
        "\"{}\" is an address; applications publish on a Unix socket: write its path, like \"{}\"",
        text, kSocketExample);
  }
  if (text.ends_with('/')) {
    return fmt::format("\"{}\" is a directory; write the path of the socket", text);
  }
  if (!text.starts_with('/')) {
    return fmt::format(
        "\"{}\" depends on the directory in which the broker is started; write the full path, like "
        "\"/run/fanfare/{}\"",
        text, text.substr(text.rfind('/') + 1));
  }
  return {};
}

std::string cookie_name_problem(std::string_view text) {
  const bool plain = std::ranges::all_of(text, [](char c) {
    return is_lower_alphanumeric(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
  });
  return plain ? std::string() : fmt::format("\"{}\" is not made of A-Z a-z 0-9 . _ -", text);
}

std::string parameter_name_problem(std::string_view text) {
  if (sse::is_parameter(text)) {
    return fmt::format("\"{}\" is a parameter of the broker's own; choose another name", text);
  }
  return cookie_name_problem(text);
}

std::string file_path_problem(std::string_view text) {
  if (text.starts_with('/')) return {};
  return fmt::format(
      "\"{}\" depends on the directory in which the broker is started; write the full path, like "
      "\"/etc/fanfare/{}\"",
      text, text.substr(text.rfind('/') + 1));
}

}  // namespace fanfare::config
