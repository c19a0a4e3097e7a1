// CORS: which response fields let a page of another origin read our streams (Fetch, "CORS
// protocol"). They belong on every answer, also on 4xx: without them a browser shows only "CORS
// error" and its EventSource is dead for good. Which origin an entry means: origin.h.
//
// Pure functions over values; nothing is allocated but the sentences.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::policy {

struct CorsRules {
  std::vector<std::string> origins;  // exact, with a wildcard, or "*" (origin.h)
  bool credentials = false;          // never for "*" or "null"
};

// Response fields in order. The views point to constants and to the request's Origin.
class CorsFields {
 public:
  struct Field {
    std::string_view name, value;
  };
  void add(std::string_view name, std::string_view value) { fields_[count_++] = {name, value}; }
  std::span<const Field> all() const { return {fields_.data(), count_}; }

 private:
  std::array<Field, 8> fields_{};
  std::size_t count_ = 0;
};

enum class CorsVerdict : std::uint8_t {
  not_asked,  // no Origin: not a browser, or a same-origin GET
  allowed,
  refused,  // the browser will hide the answer from the page; worth a log line
};

struct CorsAnswer {
  CorsVerdict verdict = CorsVerdict::not_asked;
  CorsFields fields;
};

// For every answer that is not a preflight. `origin` is the request's Origin field, empty if
// absent.
CorsAnswer cors_answer(const CorsRules& rules, std::string_view origin);
// What a preflight asks for. Views into the request.
struct Preflight {
  std::string_view method;        // Access-Control-Request-Method
  std::string_view headers;       // granted_headers() of Access-Control-Request-Headers
  bool private_network = false;   // Access-Control-Request-Private-Network: true
  std::string_view methods = {};  // the only ones that the path has; empty: whichever is asked for
};
// What an allowed origin may send: the fields that all our clients send, and those it asks for if
// they are a list of tokens.
std::string granted_headers(std::string_view asked);
// For `OPTIONS`, whose status is 204 whatever the verdict. An allowed origin is granted the method
// and the headers it asks for: a page that may send requests may also choose their headers, and
// tracing libraries add one to every fetch. A page that the browser considers outside this network
// is allowed if its origin is listed, but not by "*".
CorsAnswer cors_preflight(const CorsRules& rules, std::string_view origin,
                          const Preflight& asked = {});

// Empty if all is well; otherwise what an operator should know about these rules.
std::string cors_warning(const CorsRules& rules);

// The operator's log line about a refused origin: names the line of broker.toml that would allow
// it.
std::string refused_origin_sentence(const CorsRules& rules, std::string_view origin);

}  // namespace fanfare::policy
