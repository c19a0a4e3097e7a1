#include "broker/io/mailbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "broker/io/backend.h"
#include "tests/io/still_ring.h"

namespace fanfare::io {
namespace {

// A ring that only counts its bell.
class Bell final : public StillRing {
 public:
  int rung = 0;
  void wake() override { ++rung; }
};

TEST(Mailbox, HandsOverInTheOrderOfPosting) {
  Bell bell;
  Mailbox<int> mailbox(bell);
  for (int i = 0; i < 5; ++i) mailbox.post(i);
  std::vector<int> taken;
  EXPECT_EQ(mailbox.take([&](int message) { taken.push_back(message); }), 5U);
  EXPECT_EQ(taken, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_EQ(mailbox.take([](int) { FAIL(); }), 0U);
}

TEST(Mailbox, RingsOnlyWhenItWasEmpty) {
  Bell bell;
  Mailbox<int> mailbox(bell);
  mailbox.post(1);
  mailbox.post(2);
  EXPECT_EQ(bell.rung, 1);
  EXPECT_EQ(mailbox.take([](int) {}), 2U);
  mailbox.post(3);
  EXPECT_EQ(bell.rung, 2);
}

TEST(Mailbox, LeavesWhatIsPostedDuringATakeForTheNext) {
  Bell bell;
  Mailbox<int> mailbox(bell);
  mailbox.post(1);
  EXPECT_EQ(mailbox.take([&](int message) { mailbox.post(message + 1); }), 1U);
  std::vector<int> taken;
  EXPECT_EQ(mailbox.take([&](int message) { taken.push_back(message); }), 1U);
  EXPECT_EQ(taken, std::vector{2});
  EXPECT_EQ(bell.rung, 2);
}

TEST(Mailbox, CarriesWhatCanOnlyBeMovedAndFreesWhatNobodyTook) {
  Bell bell;
  const auto watched = std::make_shared<int>(7);
  {
    Mailbox<std::unique_ptr<std::shared_ptr<int>>> mailbox(bell);
    mailbox.post(std::make_unique<std::shared_ptr<int>>(watched));
    mailbox.take([&](auto message) { EXPECT_EQ(**message, 7); });
    mailbox.post(std::make_unique<std::shared_ptr<int>>(watched));
    EXPECT_EQ(watched.use_count(), 2);
  }
  EXPECT_EQ(watched.use_count(), 1);
}

// Every message of every poster arrives, in its poster's order, and the shard never sleeps over
// one: a lost bell would cost a wait its thirty seconds.
TEST(Mailbox, LosesNothingBetweenManyPostersAndASleepingShard) {
  struct Message {
    std::uint32_t poster, number;
  };
  constexpr std::uint32_t kPosters = 4, kMessages = 20'000;
  for (const Backend backend : {Backend::io_uring, Backend::epoll}) {
    const auto ring = make_ring(backend, {});
    ASSERT_TRUE(ring.has_value());
    Mailbox<Message> mailbox(**ring);
    std::vector<std::thread> posters;
    for (std::uint32_t poster = 0; poster < kPosters; ++poster) {
      posters.emplace_back([&mailbox, poster] {
        for (std::uint32_t number = 0; number < kMessages; ++number) {
          mailbox.post({.poster = poster, .number = number});
          if (number % 64 == poster) std::this_thread::yield();
        }
      });
    }
    std::vector<std::uint32_t> next(kPosters, 0);
    std::size_t taken = 0;
    std::vector<Completion> out;
    const TimePoint begun = (*ring)->now();
    while (taken < std::size_t{kPosters} * kMessages && (*ring)->now() - begun < 25s) {
      (*ring)->wait((*ring)->now() + 30s, out);
      taken += mailbox.take([&](const Message& message) {
        EXPECT_EQ(message.number, next[message.poster]);
        next[message.poster] = message.number + 1;
      });
    }
    EXPECT_EQ(taken, std::size_t{kPosters} * kMessages) << (*ring)->name();
    EXPECT_LT((*ring)->now() - begun, 20s) << "every letter was there in time";
    for (std::thread& poster : posters) poster.join();
  }
}

}  // namespace
}  // namespace fanfare::io
