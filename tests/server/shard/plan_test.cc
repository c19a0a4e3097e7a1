#include "broker/server/shard/plan.h"

#include <gtest/gtest.h>

namespace fanfare::server {
namespace {

Options wanting(std::uint32_t connections, std::uint32_t shards = 0) {
  Options options;
  options.limits.connections = connections;
  options.shards = shards;
  return options;
}

constexpr Machine kTwoCores{.cores = 2, .slots_max = 20'000};

TEST(Plan, MakesOneShardPerCoreWhenNothingIsAsked) {
  const auto plan = make_plan(wanting(0), kTwoCores);
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_EQ(plan->shards, 2U);
  EXPECT_EQ(plan->slots, 20'000U);
  EXPECT_GT(plan->connections_max, 39'000U);
  EXPECT_LT(plan->subscribers_max, plan->slots);
}

TEST(Plan, MakesMoreShardsThanCoresWhereOneRingsTableIsTooSmall) {
  const auto plan = make_plan(wanting(100'000), kTwoCores);
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_EQ(plan->connections_max, 100'000U);
  EXPECT_GE(std::uint64_t{plan->subscribers_max} * plan->shards, 110'000U)
      << "each shard holds its share and what the hash adds to it";
  EXPECT_LE(plan->slots, 20'000U);
}

TEST(Plan, KeepsRoomForConnectionsToApplicationsWhereARouteAsksOne) {
  Options options = wanting(1'000, 2);
  const auto without = make_plan(options, kTwoCores);
  options.routes.emplace_back().upstream = "unix:/run/app.sock";
  const auto with = make_plan(options, kTwoCores);
  ASSERT_TRUE(without && with);
  EXPECT_EQ(with->slots, without->slots + options.limits.upstream_connections);
  EXPECT_EQ(with->subscribers_max, without->subscribers_max);
}

TEST(Plan, HoldsAMillion) {
  const auto plan = make_plan(wanting(1'000'000), kTwoCores);
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_LT(plan->shards, 64U);
  EXPECT_GE(std::uint64_t{plan->subscribers_max} * plan->shards, 1'100'000U);
}

// Chance may send all of a few to one shard, and none of them may be sent away for it.
TEST(Plan, GivesEachShardRoomForWhatChanceMaySendIt) {
  for (const std::uint32_t wanted : {1U, 2U, 16U}) {
    for (const std::uint32_t shards : {1U, 2U, 4U}) {
      const auto plan = make_plan(wanting(wanted, shards), kTwoCores);
      ASSERT_TRUE(plan) << plan.error();
      EXPECT_EQ(plan->connections_max, wanted);
      EXPECT_EQ(plan->subscribers_max, wanted) << wanted << " on " << shards;
    }
  }
  const auto plan = make_plan(wanting(1000, 4), kTwoCores);
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_GE(plan->subscribers_max, 250U + 8 * 15U) << "eight standard deviations";
}

TEST(Plan, SaysWhichKeyAsksForTooMuch) {
  const auto plan = make_plan(wanting(100'000, 2), kTwoCores);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().find("[limits] connections = 100000"), std::string::npos) << plan.error();
  EXPECT_NE(plan.error().find("RLIMIT_NOFILE"), std::string::npos) << plan.error();
}

TEST(Plan, SharesOneTableOnEpoll) {
  const auto plan = make_plan(wanting(0), {.cores = 2, .slots_max = 20'000, .slots_shared = true});
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_LE(plan->descriptors, 20'000U);
  EXPECT_GT(plan->connections_max, 19'000U) << "publishers are the lead's alone";
}

TEST(Plan, RefusesToStartWithRoomForNobodyAndSaysWhatIsNeeded) {
  const auto plan =
      make_plan(wanting(0, 32), {.cores = 8, .slots_max = 2048, .slots_shared = true});
  ASSERT_FALSE(plan);
  // 64 + 256 + 64 + 16, and for each shard 3 + 1 listener + 64 + 1 subscriber.
  const std::uint32_t needed = 64 + 256 + 64 + 16 + 32 * (3 + 1 + 64 + 1);
  EXPECT_NE(plan.error().find("may open 2048 descriptors"), std::string::npos) << plan.error();
  EXPECT_NE(plan.error().find(std::to_string(needed)), std::string::npos) << plan.error();
  EXPECT_NE(plan.error().find("shards lower"), std::string::npos) << plan.error();
  const auto enough =
      make_plan(wanting(0, 32), {.cores = 8, .slots_max = needed, .slots_shared = true});
  ASSERT_TRUE(enough) << enough.error();
  EXPECT_EQ(enough->connections_max, 32U);
}

TEST(Plan, MakesFewerShardsWhereDescriptorsAreFew) {
  for (const std::uint32_t cores : {1U, 8U, 32U, 64U}) {
    for (const std::uint32_t descriptors : {1024U, 2048U, 12'000U, 65'536U}) {
      const auto plan =
          make_plan(wanting(0), {.cores = cores, .slots_max = descriptors, .slots_shared = true});
      ASSERT_TRUE(plan) << plan.error();
      EXPECT_TRUE(plan->shards == 1 || plan->subscribers_max >= 256) << plan->sentence;
      EXPECT_LE(plan->shards, cores);
      EXPECT_GE(plan->connections_max, 256U) << plan->sentence;
      EXPECT_LE(plan->descriptors, descriptors);
    }
  }
}

TEST(Plan, NamesThePublishersWhereTheyTakeAllDescriptors) {
  for (const bool shared : {false, true}) {
    Options options = wanting(0);
    options.limits.ingest_connections = 2'000;
    const Machine machine{.cores = 2, .slots_max = 1024, .slots_shared = shared};
    const auto plan = make_plan(options, machine);
    ASSERT_FALSE(plan);
    const auto at = plan.error().find("lower ingest_connections to ");
    ASSERT_NE(at, std::string::npos) << plan.error();
    options.limits.ingest_connections =
        static_cast<std::uint32_t>(std::stoul(plan.error().substr(at + 28)));
    EXPECT_TRUE(make_plan(options, machine)) << "with what it was told, it starts";
    options.limits.ingest_connections += 1;
    EXPECT_FALSE(make_plan(options, machine)) << "and not with one more";
  }
}

TEST(Plan, RefusesAMachineThatAllowsNextToNothing) {
  const auto plan = make_plan(wanting(0), {.cores = 2, .slots_max = 256});
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().find("ulimit -n"), std::string::npos) << plan.error();
}

}  // namespace
}  // namespace fanfare::server
