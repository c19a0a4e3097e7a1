#include "broker/wire/ingest/sniff.h"

#include <algorithm>
#include <array>

#include "common/utf8.h"

namespace fanfare::ingest {
namespace {

// PRI opens an HTTP/2 connection with prior knowledge (RFC 9113 §3.4).
constexpr std::array<std::string_view, 11> kHttpMethods = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "CONNECT", "TRACE", "PRI"};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
// What a command's name is made of: SSE.FINISH.
bool is_word(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

Dialect sniff(std::string_view first_bytes) {
  const std::string_view seen = first_bytes.substr(0, kSniffBytesMax);
  const auto undecided = seen.size() == kSniffBytesMax ? Dialect::unknown : Dialect::undecided;

  if (is_part_of_mark(seen)) return Dialect::undecided;
  const std::string_view text = without_utf8_mark(seen);
  const auto start = std::find_if_not(text.begin(), text.end(), is_blank);
  if (start == text.end()) return undecided;
  if (*start == '*') return Dialect::resp;
  if (*start == '{' || *start == '[') return Dialect::ndjson;
  if (!is_letter(*start)) return Dialect::unknown;

  const auto end = std::find_if_not(start, text.end(), is_word);
  const std::string_view word(start, end);
  if (end == text.end()) return undecided;
  if (*end == ' ' && std::ranges::find(kHttpMethods, word) != kHttpMethods.end()) {
    return Dialect::http;
  }
  return is_blank(*end) ? Dialect::resp : Dialect::unknown;
}

std::string_view unknown_dialect_answer(std::string_view first_bytes) {
  if (has_utf16_mark(first_bytes)) {
    return "-ERR this is UTF-16, as its byte order mark says: save or send it as UTF-8\r\n";
  }
  return "-ERR unknown protocol: this socket speaks HTTP/1.1 (POST /publish/<channel>), RESP "
         "(PUBLISH channel data) and NDJSON ({\"channel\":\"c\",\"data\":\"...\"}), recognised by "
         "the first bytes\r\n";
}

}  // namespace fanfare::ingest
