// TicketKeys, as several shards use them.
#include "broker/wire/tls/ticket_keys.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>
#include <vector>

namespace fanfare::tls {
namespace {

TEST(TicketKeys, AreReplacedOnceHoweverManyShardsNoticeThatItIsTime) {
  for (int round = 0; round < 50; ++round) {
    TicketKeys keys(TimePoint{});
    const TicketKeys::Name first = keys.newest().name;
    constexpr int kShards = 6;
    std::latch all(kShards);
    std::vector<std::jthread> shards;
    shards.reserve(kShards);
    for (int i = 0; i < kShards; ++i) {
      shards.emplace_back([&] {
        all.arrive_and_wait();
        keys.time_passes(TimePoint{} + kTicketKeyLife);
      });
    }
    shards.clear();
    const auto found = keys.find(first);
    ASSERT_TRUE(found.has_value()) << "round " << round;
    EXPECT_FALSE(found->newest);
  }
}

TEST(TicketKeys, KeepTheTwoBeforeTheNewest) {
  TimePoint now{};
  TicketKeys keys(now);
  const TicketKeys::Name first = keys.newest().name;
  for (int i = 0; i < 2; ++i) {
    now = now + kTicketKeyLife;
    keys.time_passes(now);
  }
  EXPECT_TRUE(keys.find(first).has_value());
  keys.time_passes(now + kTicketKeyLife / 2);
  EXPECT_TRUE(keys.find(first).has_value());
  keys.time_passes(now + kTicketKeyLife);
  EXPECT_FALSE(keys.find(first).has_value());
}

}  // namespace
}  // namespace fanfare::tls
