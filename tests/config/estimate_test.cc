#include "broker/config/estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using When = Estimate::When;

server::Options options(std::uint32_t connections, std::uint32_t shards = 0) {
  server::Options options;
  options.limits.connections = connections;
  options.shards = shards;
  return options;
}

constexpr Machine kTwoCores{.cores = 2, .slots_max = 20'000};

TEST(Estimate, HoldsWhatOneRingACoreHoldsWhenNothingIsAsked) {
  const Estimate e = estimate(options(0), kTwoCores);
  EXPECT_EQ(e.shards, 2U);
  EXPECT_EQ(e.connections, 40'000U);
  EXPECT_THAT(e.warnings, IsEmpty());
}

TEST(Estimate, TakesAsManyShardsAsTheConnectionsNeedRings) {
  EXPECT_EQ(estimate(options(100'000), kTwoCores).shards, 5U);
  EXPECT_EQ(estimate(options(100'001), kTwoCores).shards, 6U);
  EXPECT_EQ(estimate(options(1'000'000), kTwoCores).shards, 50U);
  EXPECT_EQ(estimate(options(10), kTwoCores).shards, 2U);
  EXPECT_EQ(estimate(options(10), kTwoCores).connections, 10U);
}

TEST(Estimate, WarnsWhereTheShardsCannotHoldTheConnections) {
  const Estimate e = estimate(options(100'000, 2), kTwoCores);
  EXPECT_EQ(e.connections, 40'000U);
  EXPECT_THAT(e.warnings, ElementsAre(HasSubstr("2 shards hold 40000")));
}

TEST(Estimate, KnowsThatEpollSharesOneTable) {
  const Machine machine{.cores = 4, .table_per_ring = false, .slots_max = 1'000};
  const Estimate e = estimate(options(5'000), machine);
  EXPECT_EQ(e.shards, 4U);
  EXPECT_EQ(e.connections, 1'000U);
  EXPECT_THAT(e.warnings, ElementsAre(HasSubstr("LimitNOFILE")));
  EXPECT_GE(e.descriptors, 1'000U + 256U);
}

TEST(Estimate, NeedsFewDescriptorsOfTheProcessOnItsOwnTables) {
  EXPECT_LT(estimate(options(1'000'000), kTwoCores).descriptors, 400U);
}

TEST(Estimate, CountsAnIdleConnectionOnBothSidesOfTheKernel) {
  const Estimate few = estimate(options(1'000, 1), kTwoCores);
  const Estimate more = estimate(options(2'000, 1), kTwoCores);
  EXPECT_EQ(more.user_bytes(When::idle) - few.user_bytes(When::idle), 1'000U * 128);
  EXPECT_EQ(more.kernel_bytes(When::idle) - few.kernel_bytes(When::idle), 1'000U * 4'160);
}

TEST(Estimate, AddsAQuarterToTheHistoryForItsIndex) {
  server::Options small = options(10, 1);
  small.history.total_bytes = 100U << 20U;
  server::Options large = small;
  large.history.total_bytes = 200U << 20U;
  EXPECT_EQ(estimate(large, kTwoCores).user_bytes(When::full) -
                estimate(small, kTwoCores).user_bytes(When::full),
            125U << 20U);
  EXPECT_EQ(estimate(large, kTwoCores).user_bytes(When::idle),
            estimate(small, kTwoCores).user_bytes(When::idle));
}

TEST(Estimate, GrowsFromIdleToWorst) {
  const Estimate e = estimate(options(0), kTwoCores);
  EXPECT_LT(e.user_bytes(When::idle), e.user_bytes(When::full));
  EXPECT_LT(e.user_bytes(When::full), e.user_bytes(When::worst));
  EXPECT_LT(e.kernel_bytes(When::full), e.kernel_bytes(When::worst));
}

TEST(Estimate, WarnsOfLockedMemory) {
  Machine machine = kTwoCores;
  machine.locked_bytes_max = 1U << 20U;
  EXPECT_THAT(estimate(options(1'000'000), machine).warnings,
              ElementsAre(HasSubstr("LimitMEMLOCK=infinity")));
  machine.table_per_ring = false;
  EXPECT_THAT(estimate(options(10), machine).warnings, IsEmpty());
}

TEST(Estimate, WarnsOfMemoryTheMachineHasNot) {
  Machine machine = kTwoCores;
  machine.memory_bytes = 1U << 30U;
  EXPECT_THAT(estimate(options(1'000'000), machine).warnings,
              ElementsAre(HasSubstr("this machine has 1.0 GiB")));
}

TEST(Estimate, SaysItInATable) {
  const std::string text = estimate(options(20'000, 1), kTwoCores).text();
  EXPECT_THAT(text, HasSubstr("1 shards, 20000 connections at most"));
  EXPECT_THAT(text, HasSubstr("idle subscribers (20000 x 128 B)"));
  EXPECT_THAT(text, HasSubstr("history.total_bytes and its index (1 x 320.0 MiB)"));
  EXPECT_EQ(text.back(), '\n');
}

}  // namespace
}  // namespace fanfare::config
