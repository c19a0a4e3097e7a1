#include "broker/server/base/upstream_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fanfare::server {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kHttp = "http://";
// What fits into sockaddr_un::sun_path, before its NUL.
constexpr std::size_t kPathMax = 107;

bool is_address(const std::string& host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    in6_addr v6{};
    return ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6) == 1;
  }
  in_addr v4{};
  return ::inet_pton(AF_INET, host.c_str(), &v4) == 1;
}

bool is_port(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0 && number <= 65535;
}

}  // namespace

std::expected<UpstreamAddress, std::string> parse_upstream(std::string_view text) {
  if (text.starts_with(kUnix)) {
    const std::string path(text.substr(kUnix.size()));
    if (!path.starts_with('/')) {
      return std::unexpected(
          fmt::format("\"{}\" is no absolute path; write where the application's socket is, like "
                      "\"unix:/run/app.sock\"",
                      text));
    }
    if (path.size() > kPathMax) {
      return std::unexpected(fmt::format(
          "the path of a socket has at most {} bytes, and this one has {}", kPathMax, path.size()));
    }
    return UpstreamAddress{.kind = UpstreamAddress::Kind::path, .place = path};
  }
  if (!text.starts_with(kHttp)) {
    return std::unexpected(
        fmt::format("\"{}\" begins with neither unix: nor http://; write \"unix:/run/app.sock\" or "
                    "\"http://127.0.0.1:3000\"",
                    text));
  }
  std::string_view rest = text.substr(kHttp.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@") != std::string_view::npos) {
    return std::unexpected(
        fmt::format("\"{}\" says more than an address and a port; the application is asked for the "
                    "path of the request",
                    text));
  }
  const std::size_t bracket = rest.find(']');
  const std::size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string host(rest.substr(0, colon));
  const std::string_view port =
      colon == std::string_view::npos ? std::string_view("80") : rest.substr(colon + 1);
  if (host == "localhost") host = "127.0.0.1";
  if (!is_address(host)) {
    return std::unexpected(
        fmt::format("\"{}\" in \"{}\" is no address: names are not looked up while the broker "
                    "serves; write \"http://127.0.0.1:3000\"",
                    host, text));
  }
  if (!is_port(port)) {
    return std::unexpected(fmt::format("\"{}\" in \"{}\" is no port: 1 to 65535", port, text));
  }
  return UpstreamAddress{.kind = UpstreamAddress::Kind::tcp,
                         .place = fmt::format("{}:{}", host, port)};
}

std::expected<HookUrl, std::string> parse_hook_url(std::string_view text) {
  std::size_t slash = std::string_view::npos;
  if (text.starts_with(kUnix)) {
    const std::size_t colon = text.find(":/", kUnix.size());
    slash = colon == std::string_view::npos ? colon : colon + 1;
  } else if (text.starts_with(kHttp)) {
    slash = text.find('/', kHttp.size());
  }
  HookUrl url{.upstream = std::string(text.substr(0, slash)), .host = "localhost", .path = "/"};
  if (slash != std::string_view::npos) {
    url.path = text.substr(slash);
    if (url.upstream.ends_with(':')) url.upstream.pop_back();
  }
  const auto address = parse_upstream(url.upstream);
  if (!address) return std::unexpected(address.error());
  if (address->kind == UpstreamAddress::Kind::tcp) url.host = url.upstream.substr(kHttp.size());
  const auto invisible = [](char c) { return c <= ' ' || c > '~' || c == '#'; };
  if (std::ranges::any_of(url.path, invisible)) {
    return std::unexpected(fmt::format(
        "\"{}\" is no path: it may hold visible ASCII characters without #; escape others as in "
        "%20",
        url.path));
  }
  return url;
}

}  // namespace fanfare::server
