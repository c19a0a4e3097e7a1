#include "broker/wire/ingest/resp_script.h"

#include <algorithm>
#include <array>

#include "broker/wire/ingest/text.h"

#include "common/letters.h"

namespace fanfare::ingest {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

void skip_blanks_and_comments(std::string_view& text) {
  while (true) {
    while (!text.empty() && is_blank(text[0])) text.remove_prefix(1);
    if (!text.starts_with("--")) return;
    if (text.starts_with("--[")) return;  // perhaps a long one; not of this loop
    text.remove_prefix(std::min(text.find('\n'), text.size()));
  }
}

// A name, a number, a string with its quotes, or one character; empty at the end.
std::string_view take_word(std::string_view& text) {
  skip_blanks_and_comments(text);
  if (text.empty()) return {};
  std::size_t size = 1;
  if (is_letter(text[0]) || is_digit(text[0])) {
    while (size < text.size() && (is_letter(text[size]) || is_digit(text[size]))) ++size;
  } else if (text[0] == '\'' || text[0] == '"') {
    const std::size_t end = text.find(text[0], 1);
    size = end == std::string_view::npos ? text.size() : end + 1;
  }
  const std::string_view word = text.substr(0, size);
  text.remove_prefix(size);
  return word;
}

bool takes(std::string_view& text, std::string_view expected) {
  return take_word(text) == expected;
}

template <std::size_t kCount>
bool takes_all(std::string_view& text, const std::array<std::string_view, kCount>& expected) {
  return std::ranges::all_of(expected, [&](std::string_view word) { return takes(text, word); });
}

constexpr auto kKeywords = std::to_array<std::string_view>(
    {"ARGV", "KEYS",  "redis",  "and",      "break", "do",   "else",  "elseif",
     "end",  "false", "for",    "function", "if",    "in",   "local", "nil",
     "not",  "or",    "repeat", "return",   "then",  "true", "until", "while"});

bool is_variable(std::string_view word) {
  return !word.empty() && is_letter(word[0]) && std::ranges::count(kKeywords, word) == 0;
}

bool is_publish(std::string_view quoted) {
  return quoted.size() == 9 && (quoted[0] == '\'' || quoted[0] == '"') &&
         quoted.back() == quoted[0] && same_ignoring_case(quoted.substr(1, 7), "PUBLISH");
}

}  // namespace

bool is_publish_loop(std::string_view script) {
  using W = std::string_view;
  if (!takes(script, "for")) return false;
  const std::string_view variable = take_word(script);
  if (!is_variable(variable)) return false;
  if (!takes_all(script, std::to_array<W>({"=", "2", ",", "#", "ARGV", "do"}))) return false;
  if (!takes_all(script, std::to_array<W>({"redis", ".", "call", "("}))) return false;
  if (!is_publish(take_word(script))) return false;
  if (!takes_all(script, std::to_array<W>({",", "ARGV", "[", variable, "]"}))) return false;
  if (!takes_all(script, std::to_array<W>({",", "ARGV", "[", "1", "]", ")"}))) return false;
  std::string_view word = take_word(script);
  if (word == ";") word = take_word(script);
  if (word != "end") return false;
  word = take_word(script);
  if (word == ";") word = take_word(script);
  return word.empty();
}

}  // namespace fanfare::ingest
