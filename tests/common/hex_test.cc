#include "common/hex.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace fanfare {
namespace {

std::string written(std::uint64_t value) {
  std::array<char, 16> digits{};
  char* const end = write_hex(digits.data(), value);
  EXPECT_EQ(static_cast<std::size_t>(end - digits.data()), hex_size(value));
  return {digits.data(), end};
}

TEST(Hex, WritesAsManyDigitsAsANumberHas) {
  EXPECT_EQ(written(0), "0");
  EXPECT_EQ(written(0xf), "f");
  EXPECT_EQ(written(0x10), "10");
  EXPECT_EQ(written(0xabcdef), "abcdef");
  EXPECT_EQ(written(~std::uint64_t{0}), "ffffffffffffffff");
}

TEST(Hex, ReadsDigitsOfEitherCaseAndNothingElse) {
  int digits = 0;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const std::size_t at = std::string_view("0123456789abcdef").find(c);
    const std::size_t at_upper = std::string_view("0123456789ABCDEF").find(c);
    const std::size_t expected = std::min(at, at_upper);
    EXPECT_EQ(hex_value(c), expected == std::string_view::npos ? -1 : static_cast<int>(expected));
    digits += hex_value(c) >= 0;
  }
  EXPECT_EQ(digits, 22);
}

}  // namespace
}  // namespace fanfare
