#include "broker/policy/cors.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/letters.h"

namespace fanfare::policy {
namespace {

constexpr std::string_view kMethods = "GET, POST, HEAD, OPTIONS";
// What fetch-based EventSource replacements send; EventSource itself needs none of them allowed.
constexpr std::string_view kHeaders =
    "authorization, cache-control, content-type, last-event-id, accept";
// Whether a shared cache may reuse the answer to one preflight for another.
constexpr std::string_view kAskedFields =
    "Access-Control-Request-Method, Access-Control-Request-Headers, "
    "Access-Control-Request-Private-Network";
constexpr std::string_view kOriginAndAskedFields =
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
    "Access-Control-Request-Private-Network";
constexpr std::string_view kMaxAge = "86400";  // seconds; browsers cap it at 2 h to 24 h
constexpr std::string_view kExposed = "Last-Event-ID";

constexpr std::string_view kNull = "null";
constexpr std::string_view kNullPages =
    "every sandboxed frame, data: URL and page opened as a file, which any site can make";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool lists(const CorsRules& rules, std::string_view origin) {
  return std::ranges::find(rules.origins, origin) != rules.origins.end();
}

// Whether the same URL is answered differently to different origins: then caches must know.
bool varies(const CorsRules& rules) {
  return std::ranges::any_of(rules.origins, [](const std::string& o) { return o != "*"; });
}

CorsVerdict decide(const CorsRules& rules, std::string_view origin, CorsFields& fields) {
  if (origin.empty()) return CorsVerdict::not_asked;
  if (origin != "*" && lists(rules, origin)) {
    fields.add("Access-Control-Allow-Origin", origin);
    if (rules.credentials && origin != kNull)
      fields.add("Access-Control-Allow-Credentials", "true");
    return CorsVerdict::allowed;
  }
  if (lists(rules, "*")) {
    fields.add("Access-Control-Allow-Origin", "*");
    return CorsVerdict::allowed;
  }
  return CorsVerdict::refused;
}

// A peer's text as it may stand in a log line and inside a TOML string.
std::string quotable(std::string_view text) {
  constexpr std::size_t kShown = 200;
  std::string shown;
  for (const char c : text.substr(0, kShown)) {
    const bool plain = c > 0x20 && c < 0x7f && c != '"' && c != '\\';
    shown += plain ? c : '?';
  }
  return text.size() > kShown ? shown + "..." : shown;
}

bool is_token(std::string_view text) {
  static constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";  // RFC 9110 §5.6.2
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) || kOthers.find(c) != std::string_view::npos;
  });
}

// Takes the next member off a list.
std::string_view take_member(std::string_view& list) {
  std::string_view member = list.substr(0, list.find(','));
  list.remove_prefix(std::min(list.size(), member.size() + 1));
  while (member.starts_with(' ') || member.starts_with('\t')) member.remove_prefix(1);
  while (member.ends_with(' ') || member.ends_with('\t')) member.remove_suffix(1);
  return member;
}

bool list_has(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    if (take_member(list) == word) return true;
  }
  return false;
}

// Only such lists are echoed into an answer. [limits] head_bytes bounds them. Members may be empty
// (RFC 9110 §5.6.1.2).
bool is_list_of_tokens(std::string_view list) {
  while (!list.empty()) {
    const std::string_view member = take_member(list);
    if (!member.empty() && !is_token(member)) return false;
  }
  return true;
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

// As a browser writes the origin that this means (RFC 6454 §6.2); nothing if it means none.
std::optional<std::string> serialised(std::string_view text) {
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

}  // namespace

CorsAnswer cors_answer(const CorsRules& rules, std::string_view origin) {
  CorsAnswer answer;
  if (varies(rules)) answer.fields.add("Vary", "Origin");
  answer.verdict = decide(rules, origin, answer.fields);
  if (answer.verdict == CorsVerdict::allowed) {
    answer.fields.add("Access-Control-Expose-Headers", kExposed);
  }
  return answer;
}

std::string granted_headers(std::string_view asked) {
  std::string granted(kHeaders);
  if (!is_list_of_tokens(asked)) return granted;
  while (!asked.empty()) {
    const std::string_view name = take_member(asked);
    if (name.empty() || list_has(kHeaders, lower(name))) continue;
    granted.append(", ").append(name);
  }
  return granted;
}

CorsAnswer cors_preflight(const CorsRules& rules, std::string_view origin, const Preflight& asked) {
  CorsAnswer answer;
  if (!rules.origins.empty()) {
    answer.fields.add("Vary", varies(rules) ? kOriginAndAskedFields : kAskedFields);
  }
  answer.verdict = decide(rules, origin, answer.fields);
  if (answer.verdict != CorsVerdict::allowed) return answer;
  const bool other_method = is_token(asked.method) && !list_has(kMethods, asked.method);
  const std::string_view methods = other_method ? asked.method : kMethods;
  answer.fields.add("Access-Control-Allow-Methods",
                    asked.methods.empty() ? methods : asked.methods);
  answer.fields.add("Access-Control-Allow-Headers",
                    asked.headers.empty() ? kHeaders : asked.headers);
  answer.fields.add("Access-Control-Max-Age", kMaxAge);
  if (asked.private_network && lists(rules, origin)) {
    answer.fields.add("Access-Control-Allow-Private-Network", "true");
  }
  return answer;
}

std::string cors_warning(const CorsRules& rules) {
  if (!lists(rules, kNull)) return {};
  return fmt::format(
      "[cors] origins lists \"null\", which is the origin of {}: it is as open as \"*\"",
      kNullPages);
}

std::string origin_problem(std::string_view origin) {
  if (origin == "*" || origin == kNull) return {};
  const std::optional<std::string> right = serialised(origin);
  if (right == origin) return {};
  const std::string shown = quotable(origin);
  if (lower(origin) == kNull) {
    return fmt::format("\"{}\": browsers write it \"null\"; that is the origin of {}", shown,
                       kNullPages);
  }
  if (origin.find("://") == std::string_view::npos || origin.starts_with("://")) {
    const auto guess = serialised(fmt::format("https://{}", origin));
    return fmt::format("\"{}\" is not an origin: write the scheme too, as in \"{}\"", shown,
                       guess.value_or("https://app.example.com"));
  }
  if (origin.starts_with("file:")) {
    return fmt::format(
        "\"{}\": pages opened as files have the origin \"null\", like {}; serve them over http",
        shown, kNullPages);
  }
  if (origin.find('*') != std::string_view::npos) {
    return fmt::format("\"{}\": origins have no wildcards; list each one, or \"*\" alone for all",
                       shown);
  }
  if (!right) {
    return fmt::format(
        "\"{}\" is not an origin: it is scheme://host or scheme://host:port, in ASCII", shown);
  }
  return fmt::format("\"{}\"{}, write \"{}\"", shown, slip_of(origin), *right);
}

std::string refused_origin_sentence(const CorsRules& rules, std::string_view origin) {
  const std::string shown = quotable(origin);
  std::string refused = fmt::format(
      "a page of origin \"{}\" was refused: its browser closes the EventSource for good; ", shown);
  if (origin == kNull) {
    return refused + fmt::format(
                         "that is the origin of {}: serve the page over http and list its "
                         "own origin under [cors] in broker.toml, since \"null\" there "
                         "would let in every site",
                         kNullPages);
  }
  if (serialised(origin) != origin) {
    return refused + "no browser sends that, and it cannot be allowed under [cors] in broker.toml";
  }
  std::string list;
  for (const std::string& allowed : rules.origins) list += fmt::format("\"{}\", ", allowed);
  return refused + fmt::format(
                       "to allow it, write  origins = [{}\"{}\"]  under [cors] in "
                       "broker.toml",
                       list, shown);
}

}  // namespace fanfare::policy
