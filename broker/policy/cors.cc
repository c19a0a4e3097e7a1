#include "broker/policy/cors.h"

#include <fmt/format.h>

#include <algorithm>

namespace fanfare::policy {
namespace {

constexpr std::string_view kMethods = "GET, POST, HEAD, OPTIONS";
// What fetch-based EventSource replacements send; EventSource itself needs none of them allowed.
constexpr std::string_view kHeaders =
    "authorization, cache-control, content-type, last-event-id, accept";
constexpr std::string_view kMaxAge = "86400";  // seconds; browsers cap it at 2 h to 24 h
constexpr std::string_view kExposed = "Last-Event-ID";

bool lists(const CorsRules& rules, std::string_view origin) {
  return std::ranges::find(rules.origins, origin) != rules.origins.end();
}

// Whether the same URL is answered differently to different origins: then caches must know.
bool varies(const CorsRules& rules) {
  return std::ranges::any_of(rules.origins, [](const std::string& o) { return o != "*"; });
}

CorsVerdict decide(const CorsRules& rules, std::string_view origin, CorsFields& fields) {
  if (varies(rules)) fields.add("Vary", "Origin");
  if (origin.empty()) return CorsVerdict::not_asked;
  if (origin != "*" && lists(rules, origin)) {
    fields.add("Access-Control-Allow-Origin", origin);
    if (rules.credentials) fields.add("Access-Control-Allow-Credentials", "true");
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

}  // namespace

CorsAnswer cors_answer(const CorsRules& rules, std::string_view origin) {
  CorsAnswer answer;
  answer.verdict = decide(rules, origin, answer.fields);
  if (answer.verdict == CorsVerdict::allowed) {
    answer.fields.add("Access-Control-Expose-Headers", kExposed);
  }
  return answer;
}

CorsAnswer cors_preflight(const CorsRules& rules, std::string_view origin) {
  CorsAnswer answer;
  answer.verdict = decide(rules, origin, answer.fields);
  if (answer.verdict == CorsVerdict::allowed) {
    answer.fields.add("Access-Control-Allow-Methods", kMethods);
    answer.fields.add("Access-Control-Allow-Headers", kHeaders);
    answer.fields.add("Access-Control-Max-Age", kMaxAge);
  }
  return answer;
}

std::string origin_problem(std::string_view origin) {
  if (origin == "*" || origin == "null") return {};
  const std::string shown = quotable(origin);
  const std::size_t scheme_end = origin.find("://");
  if (scheme_end == std::string_view::npos || scheme_end == 0) {
    return fmt::format(
        R"("{}" is not an origin: write the scheme too, as in "https://app.example.com")", shown);
  }
  const std::string_view host = origin.substr(scheme_end + 3);
  if (const std::size_t path = host.find_first_of("/?#"); path != std::string_view::npos) {
    return fmt::format(R"("{}" is more than an origin: browsers send no path, write "{}")", shown,
                       quotable(origin.substr(0, scheme_end + 3 + path)));
  }
  if (host.empty() || shown != origin || host.find('@') != std::string_view::npos) {
    return fmt::format(
        R"("{}" is not an origin: it is scheme://host or scheme://host:port, in ASCII)", shown);
  }
  if (host.find('*') != std::string_view::npos) {
    return fmt::format(R"("{}": origins have no wildcards; list each one, or "*" alone for all)",
                       shown);
  }
  if (std::ranges::any_of(origin, [](char c) { return c >= 'A' && c <= 'Z'; })) {
    std::string lower(origin);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    return fmt::format(R"("{}": browsers send origins in lower case, write "{}")", shown, lower);
  }
  const std::string_view scheme = origin.substr(0, scheme_end);
  const std::string_view default_port = scheme == "https" ? ":443" : scheme == "http" ? ":80" : "";
  if (!default_port.empty() && host.ends_with(default_port)) {
    return fmt::format(R"("{}": browsers leave out the default port, write "{}")", shown,
                       origin.substr(0, origin.size() - default_port.size()));
  }
  return {};
}

std::string refused_origin_sentence(const CorsRules& rules, std::string_view origin) {
  std::string list;
  for (const std::string& allowed : rules.origins) list += fmt::format(R"("{}", )", allowed);
  const std::string shown = quotable(origin);
  return fmt::format(
      R"(a page of origin "{}" was refused: its browser closes the EventSource for good; )"
      R"(to allow it, write  origins = [{}"{}"]  under [cors] in broker.toml)",
      shown, list, shown);
}

}  // namespace fanfare::policy
