#include "common/packing.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace fanfare {
namespace {

TEST(Packing, IsReadAsItWasWritten) {
  std::string bytes;
  Packer(bytes).value(std::uint32_t{7}).text("seven").value(true).value(false);
  Unpacker from(bytes);
  EXPECT_EQ(from.value<std::uint32_t>(), 7U);
  EXPECT_EQ(from.text(), "seven");
  EXPECT_TRUE(from.value<bool>());
  EXPECT_FALSE(from.value<bool>());
  EXPECT_TRUE(from.whole());
  EXPECT_EQ(from.rest(), "");
}

TEST(Packing, SaysWhenSomethingIsMissing) {
  std::string bytes;
  Packer(bytes).text("seven");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Unpacker from(std::string_view(bytes).substr(0, size));
    EXPECT_EQ(from.text(), "") << size;
    EXPECT_FALSE(from.whole()) << size;
  }
}

TEST(Packing, TakesNoOtherByteForTrueOrFalse) {
  const std::string bytes(1, '\x42');
  Unpacker from(bytes);
  EXPECT_FALSE(from.value<bool>());
  EXPECT_FALSE(from.whole());
}

}  // namespace
}  // namespace fanfare
