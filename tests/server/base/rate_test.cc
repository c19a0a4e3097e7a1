#include "broker/server/base/rate.h"

#include <gtest/gtest.h>

namespace fanfare::server {
namespace {

constexpr TimePoint kStart{Duration(1h).count()};

TEST(Rate, IsWrittenAsPeopleSayIt) {
  EXPECT_EQ(parse_rate("20/s"), (Rate{.count = 20, .period = 1s, .burst = 20}));
  EXPECT_EQ(parse_rate("600/min"), (Rate{.count = 600, .period = 1min, .burst = 600}));
  EXPECT_EQ(parse_rate("1/h burst 5"), (Rate{.count = 1, .period = 1h, .burst = 5}));
  EXPECT_FALSE(parse_rate("unlimited")->limited());
  for (const std::string_view text :
       {"", "20", "20/", "0/s", "-1/s", "20/m", "20 /s", "20/s burst", "20/s burst 0", "20/s 5",
        "20/s burst 5x", "20/second", "1000001/s", "s/20", "20/s burst 99999999999"}) {
    EXPECT_FALSE(parse_rate(text)) << text;
  }
  EXPECT_EQ(
      parse_rate("often").error(),
      "\"often\" is not a rate; write \"20/s\", \"600/min\" or \"1000/h\" (at most 1000000 in "
      "the time), with \"20/s burst 50\" for more at once, or \"unlimited\"");
}

TEST(Rate, ABurstMayComeAtOnceAndThenOneAfterAnother) {
  const Rate rate = *parse_rate("10/s burst 3");
  TimePoint full_at{};
  TimePoint now = kStart;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(wait_for(rate, full_at, now), std::nullopt) << i;
  EXPECT_EQ(wait_for(rate, full_at, now), Duration(100ms));
  now = now + 99ms;
  EXPECT_EQ(wait_for(rate, full_at, now), Duration(1ms)) << "a refusal has cost nothing";
  now = now + 1ms;
  EXPECT_EQ(wait_for(rate, full_at, now), std::nullopt);
  EXPECT_EQ(wait_for(rate, full_at, now), Duration(100ms));
  now = now + 1h;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(wait_for(rate, full_at, now), std::nullopt) << i;
  EXPECT_NE(wait_for(rate, full_at, now), std::nullopt) << "no more than a burst has filled up";
}

TEST(Rate, OverALongTimeNoMoreThanTheRateIsLetThrough) {
  const Rate rate = *parse_rate("50/s burst 10");
  TimePoint full_at{};
  int through = 0;
  for (int ms = 0; ms < 10'000; ++ms) {
    if (!wait_for(rate, full_at, kStart + 1ms * ms)) ++through;
  }
  EXPECT_GE(through, 500);
  EXPECT_LE(through, 510);
}

}  // namespace
}  // namespace fanfare::server
