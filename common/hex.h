// Hexadecimal, one digit and one number at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fanfare {

inline constexpr std::string_view kHexDigits = "0123456789abcdef";

// 0-15, or -1 for what is no hexadecimal digit, in either case.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int letter = c | 0x20;
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// How many digits `value` has; at least one.
constexpr std::size_t hex_size(std::uint64_t value) {
  return value == 0 ? 1 : (static_cast<std::size_t>(std::bit_width(value)) + 3) / 4;
}

// Writes hex_size(value) digits, in lower case; returns where they ended.
constexpr char* write_hex(char* to, std::uint64_t value) {
  const std::size_t size = hex_size(value);
  for (std::size_t i = size; i-- > 0; value >>= 4U) to[i] = kHexDigits[value & 15U];
  return to + size;
}

}  // namespace fanfare
