// The whole pillar against a naive model: random publishers, several shards that apply the log at
// their own pace, subscribers that join, take spans whole or cut, fall behind, are cut off and
// resume on another shard. Two judges: each round and each read must be exactly what the naive log
// says; and each subscriber must have got, by the ids it saw, every event or a gap that covers it.
#include <gtest/gtest.h>

#include <cstdint>

#include "tests/fanout/model_world.h"

namespace fanfare::fanout {
namespace {

using ::testing::Test;
using testing::World;

TEST(Model, EverySubscriberGetsEveryEventOrAGapThatCoversIt) {
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    World world(seed);
    for (int step = 0; step < 400 && !Test::HasFailure(); ++step) world.step();
    if (!Test::HasFailure()) world.settle();
    ASSERT_FALSE(Test::HasFailure()) << "seed " << seed;
  }
}

TEST(Model, ALogMadeFromItsImageGoesOnAsIfNothingHadHappened) {
  for (std::uint64_t seed = 0; seed < 250; ++seed) {
    World world(seed);
    for (int step = 0; step < 500 && !Test::HasFailure(); ++step) {
      world.step();
      if (step % 125 == 100) world.hand_over();
    }
    if (!Test::HasFailure()) world.settle();
    ASSERT_FALSE(Test::HasFailure()) << "seed " << seed;
  }
}

TEST(Model, ALogRebuiltFromItsCommandsGoesOnAsIfNothingHadHappened) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    World world(seed);
    for (int step = 0; step < 500 && !Test::HasFailure(); ++step) {
      world.step();
      if (step % 125 == 100) world.restart();
    }
    if (!Test::HasFailure()) world.settle();
    ASSERT_FALSE(Test::HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fanfare::fanout
