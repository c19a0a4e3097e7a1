#include "broker/io/buffers.h"

#include <gtest/gtest.h>

#include <bit>

namespace fanfare::io {
namespace {

TEST(Buffers, LieApartAndBehindThePagesOfTheHead) {
  const Buffers buffers({.size = 100, .count = 4}, 1);
  ASSERT_TRUE(buffers.valid());
  EXPECT_EQ(std::bit_cast<std::uintptr_t>(buffers.head()) % 4096, 0U);
  EXPECT_EQ(buffers.at(0).data(), buffers.head() + 4096);
  EXPECT_EQ(buffers.at(3).data() - buffers.at(2).data(), 100);
  EXPECT_EQ(buffers.at(3).size(), 100U);
  buffers.at(3)[99] = std::byte{1};
}

TEST(BuffersDeath, ComeInPowersOfTwo) {
  EXPECT_DEATH(Buffers({.size = 100, .count = 3}), "power of two");
  EXPECT_DEATH(Buffers({.size = 100, .count = 65536}), "at most 32768");
}

}  // namespace
}  // namespace fanfare::io
