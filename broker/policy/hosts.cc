#include "broker/policy/hosts.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/letters.h"
#include "common/quotable.h"

namespace fanfare::policy {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Without its port, in lower case, without the dot that may end a name.
std::string host_of(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string host = lower(authority.substr(0, colon));
  if (host.ends_with('.')) host.pop_back();
  return host;
}

// To every browser, a name whose last label is a number is an IPv4 address (WHATWG URL, "ends in a
// number"), and it is never looked up in the DNS.
bool is_ip_address(std::string_view host) {
  if (host.starts_with('[')) return true;
  std::string_view label = host.substr(host.rfind('.') + 1);
  if (label.starts_with("0x")) {
    return label.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
  }
  return !label.empty() && std::ranges::all_of(label, is_digit);
}

bool is_name(std::string_view text) {
  return !text.empty() && !text.starts_with('.') && !text.ends_with('.') &&
         text.find("..") == std::string_view::npos && std::ranges::all_of(text, [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '-' || c == '_';
         });
}

}  // namespace

bool host_allowed(std::string_view authority, std::span<const std::string> names) {
  if (authority.empty()) return true;
  const std::string host = host_of(authority);
  if (is_ip_address(host) || host == "localhost" || host.ends_with(".localhost")) return true;
  return std::ranges::any_of(names, [&host](std::string_view name) {
    if (name == "*") return true;
    if (name.starts_with("*.")) return host.ends_with(name.substr(1)) && host.size() >= name.size();
    return host == name;
  });
}

bool is_loopback(std::string_view address) {
  const std::string host = host_of(address);
  return host == "localhost" || host == "[::1]" || host.starts_with("127.") ||
         host.starts_with("[::ffff:127.");
}

std::string host_name_problem(std::string_view name) {
  if (name == "*") return {};
  std::string_view bare = name.starts_with("*.") ? name.substr(2) : name;
  if (is_name(bare)) return {};
  std::string_view rest = name;
  if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
    rest.remove_prefix(scheme + 3);
  }
  const std::string guess = host_of(rest.substr(0, rest.find_first_of("/?#")));
  return fmt::format("\"{}\" is not a host name{}", quotable(name),
                     is_name(guess) && guess != name
                         ? fmt::format("; write it alone and in lower case: \"{}\"", guess)
                         : std::string("; write one like \"app.example.com\", or \"*.example.com\" "
                                       "for all below it"));
}

std::string refused_host_sentence(std::string_view authority, std::string_view key) {
  return fmt::format(
      "this listener does not answer to the host \"{}\": use its IP address or localhost, or add "
      "the name to [listen] {} in broker.toml",
      quotable(authority), key);
}

}  // namespace fanfare::policy
