// Quotas: exact whoever counts, bounded, and nobody is turned away for what others hold.
#include "broker/server/base/quotas.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>
#include <vector>

#include "common/random.h"

namespace fanfare::server {
namespace {

using Kind = Quotas::Kind;
using Share = Quotas::Share;

constexpr TimePoint kStart{Duration(1h).count()};

QuotaKey key(std::uint32_t number) {
  QuotaKey key{};
  for (std::size_t i = 0; i < 4; ++i) key[12 + i] = static_cast<std::uint8_t>(number >> (8 * i));
  return key;
}

TEST(Quotas, EachClientHasItsOwnAndGetsItBack) {
  Quotas quotas;
  const auto first = quotas.take(key(1), Kind::stream, 1, 100);
  ASSERT_TRUE(first);
  EXPECT_EQ(quotas.take(key(1), Kind::stream, 1, 100), std::nullopt);
  const auto of_other = quotas.take(key(2), Kind::stream, 1, 100);
  EXPECT_TRUE(of_other);
  const auto connection = quotas.take(key(1), Kind::connection, 1, 100);
  EXPECT_TRUE(connection) << "another kind";
  quotas.give_back(*first, Kind::stream);
  EXPECT_TRUE(quotas.take(key(1), Kind::stream, 1, 100)) << "it has room again";
  EXPECT_EQ(quotas.held(Kind::stream), 2U);
  EXPECT_EQ(quotas.held(Kind::connection), 1U);
  EXPECT_EQ(quotas.clients(), 2U);
}

TEST(Quotas, ALimitThatIsLoweredTurnsNewcomersAwayAndNobodyElse) {
  Quotas quotas;
  std::vector<Share> shares;
  for (int i = 0; i < 3; ++i) shares.push_back(*quotas.take(key(1), Kind::stream, 3, 100));
  EXPECT_EQ(quotas.take(key(1), Kind::stream, 1, 100), std::nullopt);
  for (int i = 0; i < 2; ++i) quotas.give_back(shares[static_cast<std::size_t>(i)], Kind::stream);
  EXPECT_EQ(quotas.take(key(1), Kind::stream, 1, 100), std::nullopt);
  quotas.give_back(shares[2], Kind::stream);
  EXPECT_TRUE(quotas.take(key(1), Kind::stream, 1, 100));
}

// A full table would otherwise be a way to lock others out.
TEST(Quotas, WhereAllHoldSomethingOneMoreIsLetInUncounted) {
  Quotas quotas;
  std::vector<Share> shares;
  for (std::uint32_t i = 0; i < 10; ++i) {
    shares.push_back(*quotas.take(key(i), Kind::connection, 1, 10));
  }
  EXPECT_EQ(quotas.clients(), 10U);
  EXPECT_EQ(quotas.take(key(99), Kind::connection, 1, 10), Quotas::kUncounted);
  EXPECT_EQ(quotas.wait_for(key(99), *parse_rate("1/h"), 10, kStart), std::nullopt);
  EXPECT_EQ(quotas.take(key(3), Kind::connection, 1, 10), std::nullopt) << "it is counted";
  quotas.give_back(Quotas::kUncounted, Kind::connection);
  for (const Share share : shares) quotas.give_back(share, Kind::connection);
  EXPECT_EQ(quotas.clients(), 0U);
}

TEST(Quotas, AClientThatHoldsNothingIsForgottenOnceItsRateIsFull) {
  Quotas quotas;
  const Rate rate = *parse_rate("2/s");
  EXPECT_EQ(quotas.wait_for(key(16), rate, 100, kStart), std::nullopt);
  EXPECT_EQ(quotas.wait_for(key(16), rate, 100, kStart), std::nullopt);
  EXPECT_EQ(quotas.wait_for(key(16), rate, 100, kStart), Duration(500ms));
  EXPECT_EQ(quotas.clients(), 1U);
  // The same part of the table (16 of them).
  EXPECT_EQ(quotas.wait_for(key(32), rate, 100, kStart + 2s), std::nullopt);
  EXPECT_EQ(quotas.clients(), 1U) << "the first is forgotten";
}

// What it holds does not make its rate full, nor does the end of that.
TEST(Quotas, ARateOutlivesWhatItsClientHolds) {
  Quotas quotas;
  const Rate rate = *parse_rate("1/min");
  const auto share = quotas.take(key(1), Kind::connection, 9, 100);
  EXPECT_EQ(quotas.wait_for(key(1), rate, 100, kStart), std::nullopt);
  quotas.give_back(*share, Kind::connection);
  EXPECT_NE(quotas.wait_for(key(1), rate, 100, kStart + 1s), std::nullopt);
  quotas.give_back(*quotas.take(key(1), Kind::connection, 9, 100), Kind::connection);
  EXPECT_NE(quotas.wait_for(key(1), rate, 100, kStart + 2s), std::nullopt);
}

TEST(Quotas, ToMakeRoomTheOneThatLosesLeastIsForgotten) {
  Quotas quotas;
  const Rate rate = *parse_rate("1/s burst 3");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(quotas.wait_for(key(16), rate, 2, kStart), std::nullopt);
  EXPECT_EQ(quotas.wait_for(key(32), rate, 2, kStart), std::nullopt);
  EXPECT_EQ(quotas.wait_for(key(48), rate, 2, kStart), std::nullopt);
  EXPECT_EQ(quotas.clients(), 2U);
  EXPECT_NE(quotas.wait_for(key(16), rate, 2, kStart), std::nullopt) << "it is still known";
}

// Whatever happens in whatever order, the counts are those of a plain map.
TEST(Quotas, CountAsAPlainMapDoes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    Quotas quotas;
    struct Held {
      std::uint32_t client;
      Kind kind;
      Share share;
    };
    std::vector<Held> held;
    std::map<std::pair<std::uint32_t, Kind>, std::uint32_t> counts;
    const std::uint32_t clients = 1 + static_cast<std::uint32_t>(random.below(40));
    for (int step = 0; step < 3000; ++step) {
      const auto client = static_cast<std::uint32_t>(random.below(clients));
      const Kind kind = random.chance(0.5) ? Kind::connection : Kind::stream;
      const auto most = static_cast<std::uint32_t>(1 + random.below(4));
      if (random.chance(0.2)) {
        quotas.wait_for(key(client), Rate{.count = 5, .period = 1s, .burst = 2}, 1000,
                        kStart + 10ms * step);
      } else if (!held.empty() && random.chance(0.45)) {
        std::swap(held[random.below(held.size())], held.back());
        quotas.give_back(held.back().share, held.back().kind);
        --counts[{held.back().client, held.back().kind}];
        held.pop_back();
      } else {
        std::uint32_t& count = counts[{client, kind}];
        const auto share = quotas.take(key(client), kind, most, 1000);
        ASSERT_EQ(share.has_value(), count < most) << "seed " << seed << ", step " << step;
        if (!share) continue;
        ++count;
        held.push_back({client, kind, *share});
      }
    }
    std::uint64_t sums[2] = {};
    for (const auto& [what, count] : counts) sums[what.second == Kind::stream] += count;
    EXPECT_EQ(quotas.held(Kind::connection), sums[0]);
    EXPECT_EQ(quotas.held(Kind::stream), sums[1]);
    for (const Held& one : held) quotas.give_back(one.share, one.kind);
    EXPECT_EQ(quotas.held(Kind::connection) + quotas.held(Kind::stream), 0U);
  }
}

// Shards are threads: the limit is that of all of them.
TEST(Quotas, AreExactOverAllThreads) {
  Quotas quotas;
  constexpr std::uint32_t kMost = 7;
  std::atomic<std::uint32_t> most_at_once{0};
  std::atomic<std::uint32_t> at_once{0};
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    threads.emplace_back([&, seed] {
      Random random(seed);
      std::vector<Share> held;
      for (int i = 0; i < 20'000; ++i) {
        if (!held.empty() && random.chance(0.5)) {
          at_once.fetch_sub(1);
          quotas.give_back(held.back(), Kind::connection);
          held.pop_back();
        } else if (const auto share = quotas.take(key(1), Kind::connection, kMost, 10)) {
          held.push_back(*share);
          const std::uint32_t now = at_once.fetch_add(1) + 1;
          std::uint32_t seen = most_at_once.load();
          while (now > seen && !most_at_once.compare_exchange_weak(seen, now)) {
          }
        }
      }
      for (const Share share : held) {
        at_once.fetch_sub(1);
        quotas.give_back(share, Kind::connection);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most_at_once.load(), kMost);
  EXPECT_GT(most_at_once.load(), 0U);
  EXPECT_EQ(quotas.held(Kind::connection), 0U);
  EXPECT_EQ(quotas.clients(), 0U);
}

}  // namespace
}  // namespace fanfare::server
