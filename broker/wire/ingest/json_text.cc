#include "broker/wire/ingest/json_text.h"

#include "broker/wire/http/characters.h"

#include "common/hex.h"

namespace fanfare::ingest {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

// Takes the digits in front off `text`; false if there are none.
bool take_digits(std::string_view& text) {
  const std::size_t before = text.size();
  while (!text.empty() && http::is(text[0], http::kDigit)) text.remove_prefix(1);
  return text.size() != before;
}

// The four hexadecimal digits at `at`, or -1.
int code_unit(std::string_view text, std::size_t at) {
  if (text.size() < at + 4) return -1;
  int value = 0;
  for (const char c : text.substr(at, 4)) {
    const int digit = hex_value(c);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// Bytes of the escape at `at`, a backslash; 0 if it is none. Surrogates count as one in pairs only.
std::size_t escape_size(std::string_view text, std::size_t at) {
  if (at + 1 == text.size()) return 0;
  if (text[at + 1] != 'u') {
    return std::string_view(R"("\/bfnrt)").find(text[at + 1]) == kNone ? 0 : 2;
  }
  const int unit = code_unit(text, at + 2);
  if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return 0;
  if (unit < 0xd800 || unit > 0xdbff) return 6;
  if (text.substr(at + 6, 2) != "\\u") return 0;
  const int low = code_unit(text, at + 8);
  return low >= 0xdc00 && low <= 0xdfff ? 12 : 0;
}

}  // namespace

bool is_json_number(std::string_view token) {
  if (token.starts_with('-')) token.remove_prefix(1);
  const bool leading_zero = token.starts_with('0');
  const std::size_t before = token.size();
  if (!take_digits(token)) return false;
  if (leading_zero && before - token.size() > 1) return false;
  if (token.starts_with('.')) {
    token.remove_prefix(1);
    if (!take_digits(token)) return false;
  }
  if (token.starts_with('e') || token.starts_with('E')) {
    token.remove_prefix(1);
    if (token.starts_with('+') || token.starts_with('-')) token.remove_prefix(1);
    if (!take_digits(token)) return false;
  }
  return token.empty();
}

bool is_json_literal(std::string_view token) {
  return token == "true" || token == "false" || token == "null";
}

std::size_t bad_escape(std::string_view inside) {
  for (std::size_t at = inside.find('\\'); at != kNone; at = inside.find('\\', at)) {
    const std::size_t size = escape_size(inside, at);
    if (size == 0) return at;
    at += size;
  }
  return kNone;
}

std::size_t broken_string(std::string_view text) {
  std::size_t opening = kNone;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (opening == kNone) {
      if (c == '"') opening = at;
    } else if (c == '"') {
      opening = kNone;
    } else if (c == '\\') {
      ++at;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      return at;
    }
  }
  return opening;
}

std::size_t object_size(std::string_view text) {
  std::size_t depth = 0;
  bool inside_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (inside_string) {
      if (c == '"') inside_string = false;
      if (c == '\\') ++at;
    } else if (c == '"') {
      inside_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return at + 1;
    }
  }
  return text.size();
}

}  // namespace fanfare::ingest
