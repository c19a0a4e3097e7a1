#include "broker/policy/origin.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "common/letters.h"

namespace fanfare::policy {
namespace {

constexpr std::string_view kNull = "null";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// With its colon; empty for the scheme's own. Nothing if it is no port.
std::optional<std::string> port_of(std::string_view digits, std::string_view scheme) {
  if (digits.empty()) return "";
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if ((scheme == "https" && port == 443) || (scheme == "http" && port == 80)) return "";
  return fmt::format(":{}", port);
}

bool is_host(std::string_view host) {
  if (host.starts_with('[')) {
    if (host.size() < 4 || !host.ends_with(']')) return false;
    const std::string_view address = host.substr(1, host.size() - 2);
    return address.find_first_not_of("0123456789abcdef:.") == std::string_view::npos &&
           address.find(':') != std::string_view::npos;
  }
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '-' || c == '_';
  });
}

// What is written in addition to an origin, or differently from how a browser writes it.
std::string_view slip_of(std::string_view origin) {
  const std::string_view rest = origin.substr(origin.find("://") + 3);
  if (rest.find_first_of("/?#") != std::string_view::npos) {
    return " is more than an origin: browsers do not send a path";
  }
  if (rest.find('@') != std::string_view::npos) {
    return " is more than an origin: browsers do not send a user name";
  }
  if (std::ranges::any_of(origin, [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return ": browsers send origins in lower case";
  }
  return ": browsers leave out the default port";
}

// "https://*.example.com": the scheme, and the host from the dot on, with its port.
struct Wildcard {
  std::string_view scheme;  // with "://"
  std::string_view host;    // ".example.com:8443"
};

constexpr std::string_view kStar = "*.";

bool is_wildcard(std::string_view entry) {
  const std::size_t end = entry.find("://");
  return end != std::string_view::npos && entry.substr(end + 3).starts_with(kStar);
}

Wildcard wildcard_of(std::string_view entry) {
  const std::size_t host = entry.find("://") + 3;
  return {.scheme = entry.substr(0, host), .host = entry.substr(host + 1)};
}

// One or more labels, as a browser writes them.
bool are_labels(std::string_view text) {
  return !text.empty() && !text.starts_with('.') && !text.ends_with('.') &&
         text.find("..") == std::string_view::npos && std::ranges::all_of(text, [](char c) {
           return (is_alphanumeric(c) && c == lower(c)) || c == '.' || c == '-' || c == '_';
         });
}

// Names below which everybody can have one, as far as their form says so: com, co.uk.
bool is_public_suffix(std::string_view host) {
  constexpr auto kSecond =
      std::to_array<std::string_view>({"ac", "co", "com", "edu", "gov", "net", "or", "org"});
  const std::size_t dot = host.find('.');
  if (dot == std::string_view::npos) return host != "localhost";
  const std::string_view rest = host.substr(dot + 1);
  return rest.size() == 2 && std::ranges::find(kSecond, host.substr(0, dot)) != kSecond.end();
}

// What is wrong with the host of a wildcard, from behind its "*."; empty: nothing.
std::string_view wildcard_host_problem(std::string_view host) {
  if (host.find('*') != std::string_view::npos) {
    return "one \"*\" stands for any number of labels: write only the first";
  }
  if (host.starts_with('[')) return "an IP address has no names below it";
  if (host.ends_with('.')) return "leave out the dot at the end";
  if (!are_labels(host)) {
    return "what stands behind \"*.\" is not a name in ASCII (a browser sends a name of other "
           "letters as xn--...)";
  }
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (last.find_first_not_of("0123456789") == std::string_view::npos) {
    return "an IP address has no names below it";
  }
  if (is_public_suffix(host)) {
    return "below it anybody can have a name: write at least the name that is yours";
  }
  return {};
}

std::string wildcard_problem(std::string_view entry) {
  const Wildcard wildcard = wildcard_of(entry);
  const std::string without_star = fmt::format("{}{}", wildcard.scheme, wildcard.host.substr(1));
  const std::string shown = quotable_origin(entry);
  const std::optional<std::string> right = serialised_origin(without_star);
  const std::string base = right.value_or(without_star);
  const std::size_t begin = base.find("://") + 3;
  const std::string_view scheme = std::string_view(base).substr(0, begin);
  if (right && scheme != "https://" && scheme != "http://") {
    return fmt::format("\"{}\": wildcards are for http and https", shown);
  }
  std::string_view host = std::string_view(base).substr(begin);
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (!right && colon != std::string_view::npos && are_labels(host.substr(0, colon))) {
    return fmt::format(
        "\"{}\": pages on another port have another origin: write the port as a "
        "number, or an entry without one for the default",
        shown);
  }
  host = host.substr(0, colon);
  if (const std::string_view problem = wildcard_host_problem(host); !problem.empty()) {
    return fmt::format("\"{}\": {}", shown, problem);
  }
  if (right == without_star) return {};
  return fmt::format("\"{}\"{}, write \"{}*.{}\"", shown, slip_of(without_star), scheme,
                     std::string_view(base).substr(begin));
}

}  // namespace

bool origin_matches(std::string_view entry, std::string_view origin) {
  if (!is_wildcard(entry)) return entry == origin;
  const auto [scheme, host] = wildcard_of(entry);
  if (!origin.starts_with(scheme) || !origin.ends_with(host)) return false;
  if (origin.size() <= scheme.size() + host.size()) return false;
  return are_labels(origin.substr(scheme.size(), origin.size() - scheme.size() - host.size()));
}

std::optional<std::string> serialised_origin(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  const std::string scheme = lower(text.substr(0, scheme_end));
  const bool schematic = !scheme.empty() && std::ranges::all_of(scheme, [](char c) {
    return is_alphanumeric(c) || c == '+' || c == '-' || c == '.';
  });
  if (!schematic || scheme == "file") return std::nullopt;
  std::string_view authority = text.substr(scheme_end + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    authority.remove_prefix(at + 1);
  }
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string host = lower(authority.substr(0, colon));
  const auto port =
      port_of(colon == std::string_view::npos ? "" : authority.substr(colon + 1), scheme);
  if (!port || !is_host(host)) return std::nullopt;
  return fmt::format("{}://{}{}", scheme, host, *port);
}

std::string origin_problem(std::string_view entry) {
  if (entry == "*" || entry == kNull) return {};
  if (is_wildcard(entry)) return wildcard_problem(entry);
  const std::optional<std::string> right = serialised_origin(entry);
  if (right == entry) return {};
  const std::string shown = quotable_origin(entry);
  if (lower(entry) == kNull) {
    return fmt::format("\"{}\": browsers write it \"null\"; that is the origin of {}", shown,
                       kNullPages);
  }
  if (entry.find('*') != std::string_view::npos) {
    return fmt::format(
        "\"{}\": a wildcard stands for whole labels before a host, as in "
        "\"https://*.example.com\"; \"*\" alone means every origin",
        shown);
  }
  if (entry.find("://") == std::string_view::npos || entry.starts_with("://")) {
    const auto guess = serialised_origin(fmt::format("https://{}", entry));
    return fmt::format("\"{}\" is not an origin: write the scheme too, as in \"{}\"", shown,
                       guess.value_or("https://app.example.com"));
  }
  if (entry.starts_with("file:")) {
    return fmt::format(
        "\"{}\": pages opened as files have the origin \"null\", like {}; serve them over http",
        shown, kNullPages);
  }
  if (!right) {
    return fmt::format(
        "\"{}\" is not an origin: it is scheme://host or scheme://host:port, in ASCII (a browser "
        "sends a name of other letters as xn--...)",
        shown);
  }
  return fmt::format("\"{}\"{}, write \"{}\"", shown, slip_of(entry), *right);
}

std::string quotable_origin(std::string_view text) {
  constexpr std::size_t kShown = 200;
  std::string shown;
  for (const char c : text.substr(0, kShown)) {
    const bool plain = c > 0x20 && c < 0x7f && c != '"' && c != '\\';
    shown += plain ? c : '?';
  }
  return text.size() > kShown ? shown + "..." : shown;
}

}  // namespace fanfare::policy
