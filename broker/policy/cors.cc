#include "broker/policy/cors.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/policy/origin.h"

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

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool lists(const CorsRules& rules, std::string_view origin) {
  return std::ranges::find(rules.origins, origin) != rules.origins.end();
}

// By an entry that is for it, not by "*".
bool matches(const CorsRules& rules, std::string_view origin) {
  return std::ranges::any_of(rules.origins, [origin](const std::string& entry) {
    return entry != "*" && origin_matches(entry, origin);
  });
}

// Whether the same URL is answered differently to different origins: then caches must know.
bool varies(const CorsRules& rules) {
  return std::ranges::any_of(rules.origins, [](const std::string& o) { return o != "*"; });
}

CorsVerdict decide(const CorsRules& rules, std::string_view origin, CorsFields& fields) {
  if (origin.empty()) return CorsVerdict::not_asked;
  if (matches(rules, origin)) {
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
  if (asked.private_network && matches(rules, origin)) {
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

std::string refused_origin_sentence(const CorsRules& rules, std::string_view origin) {
  const std::string shown = quotable_origin(origin);
  std::string refused = fmt::format(
      "a page of origin \"{}\" was refused: its browser closes the EventSource for good; ", shown);
  if (origin == kNull) {
    return refused + fmt::format(
                         "that is the origin of {}: serve the page over http and list its "
                         "own origin under [cors] in broker.toml, since \"null\" there "
                         "would let in every site",
                         kNullPages);
  }
  if (serialised_origin(origin) != origin) {
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
