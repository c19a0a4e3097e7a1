#include "broker/client/endpoint.h"

#include <fmt/format.h>

#include <charconv>

namespace fanfare::client {
namespace {

std::unexpected<Error> not_an_address(std::string_view text, std::string_view why) {
  return std::unexpected(Error{
      Fault::address, fmt::format("\"{}\" is not an address: {}; write http://127.0.0.1:8080, or "
                                  "the path of a Unix socket",
                                  text, why)});
}

bool port_parsed(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

}  // namespace

std::expected<Endpoint, Error> Endpoint::parse(std::string_view text) {
  Endpoint endpoint;
  std::string_view rest = text;
  if (rest.starts_with("unix:")) rest.remove_prefix(5);
  if (rest.starts_with('/') || rest.starts_with("./")) {
    endpoint.unix_path = rest;
    return endpoint;
  }
  if (rest.starts_with("https:")) {
    return not_an_address(
        text,
        "this client does not support TLS; connect to a proxy that does, or to the broker itself");
  }
  if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (const auto colon = rest.find("://"); colon < rest.find_first_of("/?")) {
    return not_an_address(text, "only http:// is supported");
  }
  if (const auto slash = rest.find_first_of("/?"); slash != rest.npos) {
    endpoint.target = rest.substr(slash);
    if (endpoint.target[0] == '?') endpoint.target.insert(0, "/");
    rest = rest.substr(0, slash);
  }
  std::string_view port;
  if (rest.starts_with('[')) {
    const auto bracket = rest.find(']');
    if (bracket == rest.npos) return not_an_address(text, "the bracket is not closed");
    endpoint.host = rest.substr(1, bracket - 1);
    rest.remove_prefix(bracket + 1);
    if (!rest.empty() && rest[0] != ':') return not_an_address(text, "a port begins with ':'");
    if (!rest.empty()) port = rest.substr(1);
  } else {
    const auto colon = rest.find(':');
    if (rest.find('@') != rest.npos)
      return not_an_address(text, "there is no login; write only what follows the @");
    if (colon != rest.rfind(':')) {
      return not_an_address(text, "an IPv6 address needs brackets, like [::1]:8080");
    }
    endpoint.host = rest.substr(0, colon);
    if (colon != rest.npos) port = rest.substr(colon + 1);
    if (colon != rest.npos && port.empty()) return not_an_address(text, "the port is missing");
  }
  if (endpoint.host.empty()) return not_an_address(text, "there is no host");
  if (endpoint.host.find_first_of(" \t\r\n") != endpoint.host.npos) {
    return not_an_address(text, "a host has no spaces");
  }
  if (endpoint.host.find_first_not_of("0123456789") == endpoint.host.npos) {
    return not_an_address(text, "a number alone is not a host");
  }
  if (!port.empty() && !port_parsed(port, endpoint.port)) {
    return not_an_address(text, "a port is a number from 1 to 65535");
  }
  return endpoint;
}

std::string Endpoint::name() const {
  if (!unix_path.empty()) return unix_path;
  const bool is_ipv6 = host.find(':') != host.npos;
  return is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string Endpoint::described() const {
  return role.empty() ? name() : fmt::format("{} {}", role, name());
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kKept =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/:@*";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char byte : text) {
    if (kKept.find(byte) != kKept.npos) {
      encoded += byte;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(byte));
    }
  }
  return encoded;
}

}  // namespace fanfare::client
