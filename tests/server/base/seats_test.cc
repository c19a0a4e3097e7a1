#include "broker/server/base/seats.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace fanfare::server {
namespace {

TEST(Seats, WereGivenBeyondTheLimitByEachShard) {
  for (const std::uint32_t most : {1U, 2U, 100U}) {
    std::atomic<std::uint64_t> of_all{0};
    std::vector<Seats> shards;
    for (int i = 0; i < 3; ++i) shards.emplace_back(of_all, most, most);
    std::uint32_t given = 0;
    for (std::uint32_t i = 0; i < 3 * most; ++i) given += shards[i % 3].take() ? 1 : 0;
    EXPECT_EQ(given, most);
    shards[0].give_back();
    EXPECT_TRUE(shards[2].take());
    EXPECT_FALSE(shards[1].take());
  }
}

TEST(Seats, AShardMayHaveFewer) {
  std::atomic<std::uint64_t> of_all{0};
  Seats seats(of_all, 100, 1);
  EXPECT_TRUE(seats.take());
  EXPECT_FALSE(seats.take());
  EXPECT_EQ(seats.taken_of_all(), 1U);
}

TEST(Seats, AreNotGivenWhileTheBrokerStops) {
  std::atomic<std::uint64_t> of_all{0};
  Seats seats(of_all, 100, 100);
  EXPECT_TRUE(seats.take());
  seats.close();
  EXPECT_FALSE(seats.take());
  seats.give_back();
  EXPECT_EQ(seats.taken_of_all(), 0U);
}

TEST(Seats, AreNeverTakenTwiceHoweverManyShardsAskAtOnce) {
  constexpr std::uint64_t kMost = 7;
  std::atomic<std::uint64_t> of_all{0};
  std::atomic<bool> exceeded{false};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        Seats seats(of_all, kMost, kMost);
        for (int i = 0; i < 20'000; ++i) {
          if (seats.take() && seats.taken() < 4) continue;
          if (of_all.load() > kMost) exceeded = true;
          while (seats.taken() > 0) seats.give_back();
        }
        while (seats.taken() > 0) seats.give_back();
      });
    }
  }
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(of_all, 0U);
}

}  // namespace
}  // namespace fanfare::server
