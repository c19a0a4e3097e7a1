// The alphabets of HTTP, one table for all of them: which byte may stand in a token, a field value,
// a request target, a host name. Everything else in wire/ asks here, so that a byte is never
// allowed in one place and refused in another by accident.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fanfare::http {

// Bits of kCharacterClasses.
inline constexpr std::uint8_t kToken = 1;        // RFC 9110 §5.6.2: tchar
inline constexpr std::uint8_t kFieldText = 2;    // RFC 9110 §5.5: HTAB, SP, VCHAR, obs-text
inline constexpr std::uint8_t kTargetText = 4;   // see target.h
inline constexpr std::uint8_t kHostName = 8;     // RFC 3986 §3.2.2: reg-name
inline constexpr std::uint8_t kDigit = 16;       // 0-9
inline constexpr std::uint8_t kHexDigit = 32;    // 0-9 a-f A-F
inline constexpr std::uint8_t kWhitespace = 64;  // RFC 9110 §5.6.3: SP, HTAB

namespace internal {

constexpr std::array<std::uint8_t, 256> make_character_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&classes](std::string_view characters, std::uint8_t bits) {
    for (const char c : characters) classes[static_cast<unsigned char>(c)] |= bits;
  };
  for (unsigned c = 0x20; c < 0x7f; ++c) classes[c] |= kFieldText;
  for (unsigned c = 0x80; c < 0x100; ++c) classes[c] |= kFieldText;
  add("\t", kFieldText);
  add("\t ", kWhitespace);
  add("0123456789", kDigit | kHexDigit | kToken | kTargetText | kHostName);
  add("abcdefABCDEF", kHexDigit);
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", kToken | kTargetText | kHostName);
  add("!#$%&'*+-.^_`|~", kToken);
  add("-._~!$&'()*+,;=%", kTargetText | kHostName);
  // RFC 3986 adds `:@/?`. A browser also sends `[]{}|\^` and the backquote as they are (WHATWG
  // URL, the path and query percent-encode sets); to refuse those would kill an EventSource whose
  // page put JSON into its query.
  add(":@/?[]{}|\\^`", kTargetText);
  return classes;
}

}  // namespace internal

inline constexpr std::array<std::uint8_t, 256> kCharacterClasses =
    internal::make_character_classes();

// Whether `c` belongs to any of the classes in `bits`.
constexpr bool is(char c, std::uint8_t bits) {
  return (kCharacterClasses[static_cast<unsigned char>(c)] & bits) != 0;
}

// Whether every byte of `text` does; true for an empty text.
constexpr bool all(std::string_view text, std::uint8_t bits) {
  for (const char c : text) {
    if (!is(c, bits)) return false;
  }
  return true;
}

// `text` without the SP and HTAB at its ends.
constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is(text.front(), kWhitespace)) text.remove_prefix(1);
  while (!text.empty() && is(text.back(), kWhitespace)) text.remove_suffix(1);
  return text;
}

}  // namespace fanfare::http
