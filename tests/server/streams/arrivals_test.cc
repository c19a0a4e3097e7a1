// Since when streams are there, without a byte for any of them.
#include "broker/server/streams/arrivals.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace fanfare::server {
namespace {

TEST(Arrivals, KnowTheTickInWhichEachStreamBegan) {
  Arrivals arrivals;
  std::uint32_t began = 1;
  for (const Tick tick : {3U, 3U, 3U, 7U, 9U, 9U}) arrivals.note(began++, tick);
  EXPECT_EQ(arrivals.tick_of(1), 3U);
  EXPECT_EQ(arrivals.tick_of(3), 3U);
  EXPECT_EQ(arrivals.tick_of(4), 7U);
  EXPECT_EQ(arrivals.tick_of(6), 9U);
}

TEST(Arrivals, AreKnownLessExactlyTheOlderTheyAreAndNeverLater) {
  Arrivals arrivals;
  constexpr std::uint32_t kStreams = 1'000'000;
  for (std::uint32_t i = 1; i <= kStreams; ++i) arrivals.note(i, 10 * i);
  for (std::uint32_t i = 1; i <= kStreams; i += 997) {
    const Tick age = 10 * (kStreams - i);
    EXPECT_LE(arrivals.tick_of(i), 10 * i);
    EXPECT_GE(arrivals.tick_of(i) + age / 500 + 10, 10 * i) << i;
  }
}

TEST(Arrivals, GoOnWhenTheirNumbersBeginAnew) {
  Arrivals arrivals;
  arrivals.note(0U - 2, 1);
  arrivals.note(0U - 1, 2);
  arrivals.note(0, 3);
  arrivals.note(1, 4);
  EXPECT_EQ(arrivals.tick_of(0U - 2), 1U);
  EXPECT_EQ(arrivals.tick_of(0U - 1), 2U);
  EXPECT_EQ(arrivals.tick_of(0), 3U);
  EXPECT_EQ(arrivals.tick_of(1), 4U);
  // Streams that began half of all numbers ago are as old as the oldest that is known.
  arrivals.note(1U << 30U, 50);
  arrivals.note(3U << 30U, 60);
  EXPECT_EQ(arrivals.tick_of(3U << 30U), 60U);
}

}  // namespace
}  // namespace fanfare::server
