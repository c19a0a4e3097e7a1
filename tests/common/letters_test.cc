#include "common/letters.h"

#include <gtest/gtest.h>

namespace fanfare {
namespace {

TEST(Letters, AreTheSameInBothCasesAndNothingElseIs) {
  EXPECT_TRUE(same_ignoring_case("PubLish", "PUBLISH"));
  EXPECT_TRUE(same_ignoring_case("sse.finish", "SSE.FINISH"));
  EXPECT_TRUE(same_ignoring_case("", ""));
  EXPECT_FALSE(same_ignoring_case("PUBLIS", "PUBLISH"));
  EXPECT_FALSE(same_ignoring_case("P[BLISH", "P{BLISH"));
  EXPECT_FALSE(same_ignoring_case("\xc4", "\xe4")) << "no letters of Latin-1";
}

TEST(Letters, HaveALowerCaseInAsciiOnly) {
  EXPECT_EQ(lower("AZaz@[09-\xc4"), "azaz@[09-\xc4");
}

}  // namespace
}  // namespace fanfare
