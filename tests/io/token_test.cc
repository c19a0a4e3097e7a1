#include <gtest/gtest.h>

#include "broker/io/ring.h"

namespace fanfare::io {
namespace {

TEST(Token, CarriesEveryKindGenerationAndIndex) {
  for (const std::uint8_t kind : {0, 1, 127, 254}) {
    for (const std::uint32_t generation : {0U, 1U, 0xffffU, 0x10000U, 0x800000U, 0xffffffU}) {
      for (const std::uint32_t index : {0U, 1U, 0x7fffU, 0x8000U, 0x10000U, 0xffffffffU}) {
        const Token token{.kind = kind, .generation = generation, .index = index};
        EXPECT_EQ(Token::unpack(token.pack()), token);
      }
    }
  }
}

TEST(Token, DiffersInItsBitsWhereverItDiffers) {
  const Token token{.kind = 1, .generation = 0xffffff, .index = 0xffffffff};
  EXPECT_NE(token.pack(), (Token{2, 0xffffff, 0xffffffff}.pack()));
  EXPECT_NE(token.pack(), (Token{1, 0x7fffff, 0xffffffff}.pack()));
  EXPECT_NE(token.pack(), (Token{1, 0xffffff, 0x7fffffff}.pack()));
}

}  // namespace
}  // namespace fanfare::io
