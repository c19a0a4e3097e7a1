// The real broker under the simulated kernel: a few hundred days of every kind. More of them:
//   test_sim --seeds 1-20000
#include "tests/sim/broker_day.h"

#include <gtest/gtest.h>

#include "tests/sim/seeds.h"

namespace fanfare::sim {
namespace {

TEST(BrokerDay, IsTheSameForTheSameSeed) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const DayVerdict once = live_through({.seed = seed});
    const DayVerdict again = live_through({.seed = seed, .trace_lines = 10});
    EXPECT_EQ(once.digest, again.digest) << "seed " << seed;
    EXPECT_EQ(once.events, again.events) << "seed " << seed;
  }
}

TEST(BrokerDay, EndsWellForAFewHundredSeeds) {
  const SeedsOutcome outcome = run_seeds({.first = 1, .last = 400});
  EXPECT_EQ(outcome.failed, 0U) << outcome.first_problem;
}

// A mistake in what the broker stands on is seen in what its clients receive.
class BrokerDayOnABadKernel : public testing::TestWithParam<PlantedBug> {};

TEST_P(BrokerDayOnABadKernel, EndsBadly) {
  const SeedsOutcome outcome =
      run_seeds({.first = 1, .last = 50, .trace_lines = 0, .bug = GetParam()});
  EXPECT_GT(outcome.failed, 0U);
}

INSTANTIATE_TEST_SUITE_P(Planted, BrokerDayOnABadKernel,
                         testing::Values(PlantedBug::short_send_is_silent,
                                         PlantedBug::send_drops_tail, PlantedBug::send_twice,
                                         PlantedBug::recycle_forgotten));

}  // namespace
}  // namespace fanfare::sim
