#include "common/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace fanfare {
namespace {

// RFC 3720, B.4.
TEST(Crc32c, IsThatOfTheRfc) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
}

TEST(Crc32c, GoesOnAndIsTheSameByTable) {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(crc32c(text), crc32c_by_table(text)) << i;
    const std::size_t cut = text.size() / 3;
    EXPECT_EQ(crc32c(std::string_view(text).substr(cut), crc32c(text.substr(0, cut))),
              crc32c(text));
    text += static_cast<char>(i * 7);
  }
}

}  // namespace
}  // namespace fanfare
