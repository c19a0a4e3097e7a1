#include "broker/server/base/tickets.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace fanfare::server {
namespace {

constexpr TimePoint kNow{};

policy::Grants grants_of(std::string subject) {
  return {.subject = std::move(subject), .channels = {"a"}};
}

TEST(Tickets, AreGoodOnceAndOnlyUntilTheirTimeIsUp) {
  Tickets tickets;
  const auto first = tickets.issue(grants_of("ann"), 10s, kNow, 10);
  const auto second = tickets.issue(grants_of("bob"), 10s, kNow, 10);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(tickets.take(*second, kNow + 10s - 1ms)->subject, "bob");
  EXPECT_FALSE(tickets.take(*second, kNow)) << "it was used";
  EXPECT_FALSE(tickets.take(*first, kNow + 10s)) << "its time is up";
  EXPECT_FALSE(tickets.take(*first, kNow)) << "and it is gone";
  EXPECT_FALSE(tickets.take("", kNow));
  EXPECT_EQ(tickets.size(), 0U);
}

TEST(Tickets, AreBoundedAndOldOnesMakeRoom) {
  Tickets tickets;
  ASSERT_TRUE(tickets.issue(grants_of("late"), 60s, kNow, 2));
  ASSERT_TRUE(tickets.issue(grants_of("soon"), 10s, kNow, 2));
  EXPECT_FALSE(tickets.issue(grants_of("more"), 10s, kNow + 9s, 2));
  EXPECT_TRUE(tickets.issue(grants_of("more"), 10s, kNow + 10s, 2));
  EXPECT_EQ(tickets.size(), 2U);
}

TEST(Tickets, NoTwoAreEqualAndNoneSaysAnything) {
  Tickets tickets;
  std::set<std::string> texts;
  for (int i = 0; i < 1000; ++i) {
    texts.insert(*tickets.issue(grants_of("ann"), 10s, kNow, 1000));
  }
  EXPECT_EQ(texts.size(), 1000U);
  EXPECT_EQ(texts.begin()->size(), 22U) << "128 bits";
}

// Several shards are asked for a stream with the same ticket at the same moment.
TEST(Tickets, OneOfManyThreadsGetsIt) {
  for (int round = 0; round < 20; ++round) {
    Tickets tickets;
    const std::string ticket = *tickets.issue(grants_of("ann"), 10s, kNow, 10);
    std::atomic<int> taken = 0;
    {
      std::vector<std::jthread> shards;
      for (int i = 0; i < 4; ++i) {
        shards.emplace_back([&] { taken += tickets.take(ticket, kNow) ? 1 : 0; });
      }
    }
    EXPECT_EQ(taken, 1);
  }
}

}  // namespace
}  // namespace fanfare::server
