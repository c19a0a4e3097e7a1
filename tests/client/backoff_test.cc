#include "broker/client/backoff.h"

#include <gtest/gtest.h>

#include <set>

namespace fanfare::client {
namespace {

TEST(Backoff, NeverComesBackEarlierThanAsked) {
  Backoff backoff(2s, 30s, 1);
  for (int i = 0; i < 100; ++i) EXPECT_GE(backoff.next(), 2s);
}

TEST(Backoff, DoublesWithEachFailureUpToItsBound) {
  Backoff backoff(1s, 10s, 1);
  for (const Duration at_least : {1s, 2s, 4s, 8s, 10s, 10s, 10s}) {
    const Duration wait = backoff.next();
    EXPECT_GE(wait, at_least);
    EXPECT_LT(wait, at_least * 3 / 2);
  }
}

TEST(Backoff, StartsAgainAfterASuccess) {
  Backoff backoff(1s, 10s, 1);
  for (int i = 0; i < 5; ++i) backoff.next();
  backoff.succeeded();
  EXPECT_LT(backoff.next(), 1500ms);
}

TEST(Backoff, ObeysTheServerEvenPastItsOwnBound) {
  Backoff backoff(1s, 10s, 1);
  backoff.ask(60s);
  EXPECT_GE(backoff.next(), 60s);
}

TEST(Backoff, SpreadsClientsThatWereLostTogether) {
  std::set<Duration> waits;
  for (std::uint64_t seed = 0; seed < 100; ++seed) waits.insert(Backoff(2s, 30s, seed).next());
  EXPECT_GT(waits.size(), 95U);
}

TEST(Backoff, AcceptsARetryOfZero) {
  Backoff backoff(Duration(0), 1s, 1);
  EXPECT_EQ(backoff.next(), Duration(0));
}

}  // namespace
}  // namespace fanfare::client
