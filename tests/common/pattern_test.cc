#include "common/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace fanfare {
namespace {

TEST(Pattern, StarStandsForOneOrMoreCharactersWithinASegment) {
  EXPECT_TRUE(pattern_matches("metrics/*", "metrics/cpu"));
  EXPECT_FALSE(pattern_matches("metrics/*", "metrics/cpu/0"));
  EXPECT_FALSE(pattern_matches("metrics/*", "metrics/"));
  EXPECT_FALSE(pattern_matches("metrics/*", "metrics"));
  EXPECT_TRUE(pattern_matches("*", "news"));
  EXPECT_TRUE(pattern_matches("a*c", "abc"));
  EXPECT_FALSE(pattern_matches("a*c", "ac"));
  EXPECT_TRUE(pattern_matches("*:*:*", "a:b:c"));
  EXPECT_TRUE(pattern_matches("*ab", "aab"));
  EXPECT_TRUE(pattern_matches("*ab", "abab"));
  EXPECT_FALSE(pattern_matches("*ab", "ab"));
  EXPECT_FALSE(pattern_matches("*ab", "abb"));
}

}  // namespace
}  // namespace fanfare
