// CORS: which response fields let a page of another origin read our streams (Fetch, "CORS
// protocol"). They belong on every answer, also on 4xx: without them a browser shows only "CORS
// error" and its EventSource is dead for good. Origins are compared byte by byte: browsers
// serialise them in one way only (lower case, no default port, no path).
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
  std::vector<std::string> origins;  // exact, or "*"
  bool credentials = false;          // for exact origins; never together with "*"
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
// For `OPTIONS`, whose status is 204 whatever the verdict.
CorsAnswer cors_preflight(const CorsRules& rules, std::string_view origin);

// Empty if `origin` can stand in [cors] origins; else what is wrong ("https://a.example/": an
// origin has no path, write "https://a.example").
std::string origin_problem(std::string_view origin);
// The operator's log line about a refused origin: names the line of broker.toml that would allow
// it.
std::string refused_origin_sentence(const CorsRules& rules, std::string_view origin);

}  // namespace fanfare::policy
