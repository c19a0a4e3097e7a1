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

constexpr Resources kTwoCores{.rings = {.cores = 2, .slots_max = 20'000, .slots_shared = false}};

Estimate estimated(const server::Options& options, const Resources& machine = kTwoCores) {
  const auto made = estimate(options, machine);
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error());
  return made.value_or(Estimate{});
}

TEST(Estimate, UsesThePlanWithWhichTheBrokerStarts) {
  for (const std::uint32_t connections : {0U, 10U, 100'000U, 1'000'000U}) {
    const auto plan = server::make_plan(options(connections), kTwoCores.rings);
    ASSERT_TRUE(plan.has_value());
    const Estimate e = estimated(options(connections));
    EXPECT_EQ(e.plan.shards, plan->shards);
    EXPECT_EQ(e.plan.connections_max, plan->connections_max);
    EXPECT_THAT(e.warnings, IsEmpty());
  }
}

TEST(Estimate, RefusesWhatTheBrokerWouldNotStartWith) {
  const auto none = estimate(options(100'000, 2), kTwoCores);
  ASSERT_FALSE(none.has_value());
  EXPECT_THAT(none.error(), HasSubstr("connections = 100000"));
}

TEST(Estimate, NeedsFewDescriptorsOfTheProcessWhereRingsHaveTheirOwnTables) {
  EXPECT_LT(estimated(options(1'000'000)).descriptors, 500U);
  Resources epoll = kTwoCores;
  epoll.rings.slots_shared = true;
  EXPECT_GT(estimated(options(10'000), epoll).descriptors, 10'000U);
}

TEST(Estimate, CountsAnIdleConnectionOnBothSidesOfTheKernel) {
  const Estimate few = estimated(options(1'000, 1));
  const Estimate more = estimated(options(2'000, 1));
  EXPECT_EQ(more.user_bytes(When::idle) - few.user_bytes(When::idle), 1'000U * 140);
  EXPECT_EQ(more.kernel_bytes(When::idle) - few.kernel_bytes(When::idle), 1'000U * 4'160);
}

TEST(Estimate, AddsAQuarterToTheHistoryForPagesInBetween) {
  server::Options small = options(10, 1);
  small.history.total_bytes = 100U << 20U;
  server::Options large = small;
  large.history.total_bytes = 200U << 20U;
  EXPECT_EQ(estimated(large).user_bytes(When::full) - estimated(small).user_bytes(When::full),
            125U << 20U);
  EXPECT_EQ(estimated(large).user_bytes(When::idle), estimated(small).user_bytes(When::idle));
}

TEST(Estimate, GrowsFromIdleToWorst) {
  const Estimate e = estimated(options(0));
  EXPECT_LT(e.user_bytes(When::idle), e.user_bytes(When::full));
  EXPECT_LT(e.user_bytes(When::full), e.user_bytes(When::worst));
  EXPECT_LT(e.kernel_bytes(When::full), e.kernel_bytes(When::worst));
}

TEST(Estimate, WarnsAboutLockedMemory) {
  Resources machine = kTwoCores;
  machine.locked_bytes_max = 1U << 20U;
  EXPECT_THAT(estimated(options(1'000'000), machine).warnings,
              ElementsAre(HasSubstr("LimitMEMLOCK=infinity")));
  machine.rings.slots_shared = true;
  EXPECT_THAT(estimated(options(10), machine).warnings, IsEmpty());
}

TEST(Estimate, WarnsAboutMemoryThatTheMachineDoesNotHave) {
  Resources machine = kTwoCores;
  machine.memory_bytes = 1U << 30U;
  EXPECT_THAT(estimated(options(1'000'000), machine).warnings,
              ElementsAre(HasSubstr("this machine has 1.0 GiB")));
}

TEST(Estimate, SaysItInATable) {
  const std::string text = estimated(options(10'000, 1)).text();
  EXPECT_THAT(text, HasSubstr("1 shard, up to 10000 connections"));
  EXPECT_THAT(text, HasSubstr("idle subscribers (10000 x 140 B)"));
  EXPECT_THAT(
      text,
      HasSubstr("320.0 MiB  the history, and segments being sent or reused (256.0 MiB and 25 %)"));
  EXPECT_EQ(text.back(), '\n');
}

}  // namespace
}  // namespace fanfare::config
