#include "common/random.h"

#include <gtest/gtest.h>

#include <set>

namespace fanfare {
namespace {

TEST(Random, IsSplitMix64) {
  // The algorithm's published first values: simulations are the same on every platform.
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317U);
  EXPECT_EQ(random.next(), 3203168211198807973U);
  EXPECT_EQ(random.next(), 9817491932198370423U);
}

TEST(Random, RepeatsItselfFromTheSameSeed) {
  Random a(42);
  Random b(42);
  Random c(43);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
}

TEST(Random, GivesEveryNumberBelowABoundAboutAsOften) {
  Random random(7);
  int counts[6] = {};
  for (int i = 0; i < 6000; ++i) {
    const std::uint64_t number = random.below(6);
    ASSERT_LT(number, 6U);
    ++counts[number];
  }
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, TakesAChanceAsOftenAsItSays) {
  Random random(7);
  int taken = 0;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_FALSE(random.chance(0));
    ASSERT_TRUE(random.chance(1));
    taken += random.chance(0.25) ? 1 : 0;
  }
  EXPECT_NEAR(taken, 2500, 200);
}

TEST(Random, SeedsFromTheKernelDiffer) {
  std::set<std::uint64_t> seeds;
  for (int i = 0; i < 16; ++i) seeds.insert(random_seed());
  EXPECT_EQ(seeds.size(), 16U);
}

}  // namespace
}  // namespace fanfare
