// What one hook is told, and when: without a socket.
#include "broker/server/lead/hook.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fanfare::server {
namespace {

constexpr std::size_t kMany = 1'000;

// An application that keeps the set of channels that are occupied, as it is told.
class Receiver {
 public:
  void take(std::string_view events) {
    for (std::size_t at = 0; (at = events.find("{\"name\":\"", at)) != std::string_view::npos;) {
      at += 9;
      const std::string_view name = events.substr(at, events.find('"', at) - at);
      const std::size_t key = events.find("\"channel\":\"", at);
      std::string channel;
      if (name != "reset" && key != std::string_view::npos) {
        channel = events.substr(key + 11, events.find('"', key + 11) - key - 11);
      }
      heard_.push_back(std::string(name) + (channel.empty() ? "" : " " + channel));
      if (name == "reset") occupied_.clear();
      if (name == "channel_occupied") occupied_.insert(channel);
      if (name == "channel_vacant") occupied_.erase(channel);
    }
  }
  std::vector<std::string> take_heard() { return std::exchange(heard_, {}); }
  const std::set<std::string>& occupied() const { return occupied_; }

 private:
  std::set<std::string> occupied_;
  std::vector<std::string> heard_;
};

struct HookTest : ::testing::Test {
  HookTest() { start(); }

  static HookRule quick() {
    HookRule rule;
    rule.url = "unix:/app.sock";
    rule.retries = 3;
    return rule;
  }
  // In step: its reset is taken.
  void start(HookRule rule = quick()) {
    hook.reset();
    hook.emplace(std::move(rule), counters, random);
    hook->begin_anew();
    EXPECT_EQ(post(), std::vector<std::string>{"reset"});
  }
  void change(std::string_view channel, bool occupied) {
    EXPECT_TRUE(hook->changed(channel, occupied, now, kMany));
  }
  // What is posted now, and taken.
  std::vector<std::string> post() {
    const Hook::Post* const due = hook->next_post(now, 0);
    if (due == nullptr) return {};
    receiver.take(due->events);
    EXPECT_EQ(hook->answered(true, now), Hook::Then::done);
    return receiver.take_heard();
  }
  using Heard = std::vector<std::string>;

  TimePoint now = TimePoint{} + 1h;
  Counters counters;
  Random random{1};
  Receiver receiver;
  std::optional<Hook> hook;
};

TEST_F(HookTest, IsToldAtOnceThatAChannelIsOccupiedAndLaterThatItIsVacant) {
  change("room/7", true);
  EXPECT_EQ(post(), Heard{"channel_occupied room/7"});
  change("room/7", false);
  EXPECT_EQ(post(), Heard{});
  now = now + 1999ms;
  EXPECT_EQ(post(), Heard{});
  now = now + 1ms;
  EXPECT_EQ(post(), Heard{"channel_vacant room/7"});
  EXPECT_EQ(post(), Heard{});
  EXPECT_EQ(counters.hook_channels_waiting, 0U);
}

TEST_F(HookTest, IsNotToldOfAPageThatIsLoadedAnew) {
  change("a", true);
  post();
  change("a", false);
  now = now + 1s;
  change("a", true);
  EXPECT_EQ(counters.hook_channels_waiting, 0U);
  now = now + 10s;
  EXPECT_EQ(post(), Heard{});
  change("a", false);
  now = now + 2s;
  EXPECT_EQ(post(), Heard{"channel_vacant a"}) << "it settles from its last change on";
}

TEST_F(HookTest, IsToldTheNewestStateWhenItIsSlow) {
  change("a", true);
  ASSERT_NE(hook->next_post(now, 0), nullptr);
  EXPECT_EQ(hook->next_post(now, 0), nullptr) << "one post at a time";
  for (int i = 0; i < 5; ++i) {
    change("a", false);
    change("b", true);
    now = now + 3s;
    change("a", true);
    change("b", false);
  }
  change("c", true);
  hook->answered(true, now);
  EXPECT_EQ(post(), Heard{"channel_occupied c"}) << "a is as it was told, b as it was before";
}

TEST_F(HookTest, IsToldOfAChangeThatCameWhileTheOneBeforeWasPosted) {
  change("a", true);
  ASSERT_NE(hook->next_post(now, 0), nullptr);
  change("a", false);
  now = now + 5s;
  hook->answered(true, now);
  EXPECT_EQ(post(), Heard{"channel_vacant a"});
}

TEST_F(HookTest, RepeatsAPostThatFailedAsItWasWithLongerAndLongerWaits) {
  change("a", true);
  const Hook::Post* first = hook->next_post(now, 5);
  ASSERT_NE(first, nullptr);
  const std::uint64_t number = first->number;
  const std::string events = first->events;
  Duration longest = 1s;
  for (int retry = 0; retry < 3; ++retry, longest *= 2) {
    EXPECT_EQ(hook->answered(false, now), Hook::Then::again);
    change("b", retry % 2 == 0);
    EXPECT_EQ(hook->next_post(now, 9), nullptr);
    EXPECT_EQ(hook->next_post(now + longest / 2 - 1ms, 9), nullptr);
    now = now + longest;
    const Hook::Post* const again = hook->next_post(now, 9);
    ASSERT_NE(again, nullptr) << retry;
    EXPECT_EQ(again->number, number);
    EXPECT_EQ(again->events, events);
    EXPECT_EQ(again->first_ms, 5);
  }
  EXPECT_EQ(counters.hook_retries_total, 3U);
  hook->answered(true, now);
  EXPECT_EQ(post(), Heard{"channel_occupied b"});
}

TEST_F(HookTest, BeginsAnewAMinuteAfterAPostWasGivenUp) {
  change("a", true);
  for (int attempt = 0; attempt < 4; ++attempt) {
    now = now + 1min;
    ASSERT_NE(hook->next_post(now, 0), nullptr) << attempt;
    EXPECT_EQ(hook->answered(false, now), attempt < 3 ? Hook::Then::again : Hook::Then::given_up);
  }
  EXPECT_EQ(counters.hook_events_given_up_total, 1U);
  change("b", true);
  EXPECT_EQ(counters.hook_channels_waiting, 0U) << "all is told anew";
  EXPECT_FALSE(hook->wants_to_begin(now + 59s));
  now = now + 1min;
  ASSERT_TRUE(hook->wants_to_begin(now));
  hook->begin_anew();
  change("b", true);
  EXPECT_EQ(post(), (Heard{"reset", "channel_occupied b"}));
}

TEST_F(HookTest, IsNotToldWhatItDoesNotWantToKnow) {
  HookRule rule = quick();
  rule.events = {"vacant"};
  start(rule);
  change("a", true);
  EXPECT_EQ(post(), Heard{});
  change("a", false);
  now = now + 2s;
  EXPECT_EQ(post(), Heard{"channel_vacant a"});
  EXPECT_EQ(counters.hook_channels_waiting, 0U);
}

TEST_F(HookTest, BeginsAnewWhenTooManyChannelsWait) {
  EXPECT_TRUE(hook->changed("a", true, now, 2));
  EXPECT_TRUE(hook->changed("b", true, now, 2));
  EXPECT_FALSE(hook->changed("c", true, now, 2));
  EXPECT_EQ(counters.hook_overflows_total, 1U);
  EXPECT_EQ(counters.hook_channels_waiting, 0U);
  EXPECT_EQ(post(), Heard{});
  now = now + 1min;
  EXPECT_TRUE(hook->wants_to_begin(now));
}

TEST_F(HookTest, LeavesNothingBehindOfChannelsThatChangeBack) {
  ASSERT_EQ(hook->next_post(now, 0), nullptr);
  for (int i = 0; i < 100'000; ++i) {
    change("a", true);
    change("a", false);
  }
  EXPECT_EQ(counters.hook_channels_waiting, 0U);
  EXPECT_LT(hook->queued(), 1'000U) << "what is waited with";
}

TEST_F(HookTest, DividesManyEventsAmongPosts) {
  for (int i = 0; i < 500; ++i) change(fmt::format("c/{}", i), true);
  EXPECT_EQ(post().size(), Hook::kEventsMax);
  EXPECT_EQ(post().size(), Hook::kEventsMax);
  EXPECT_EQ(post().size(), 100U);
  EXPECT_EQ(receiver.occupied().size(), 500U);
}

TEST_F(HookTest, SpeaksJson) {
  hook->changed("a/\"b", true, now, kMany);
  const Hook::Post* const post = hook->next_post(now, 0);
  ASSERT_NE(post, nullptr);
  EXPECT_EQ(post->events, R"({"name":"channel_occupied","channel":"a/\"b"})");
}

// Posts fail, before or after they were taken, and channels change all the while. Once nothing
// changes any more, what the receiver has kept is the truth.
TEST_F(HookTest, KeepsItsReceiverInStepWhateverFails) {
  std::size_t given_up = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random draw(seed);
    receiver = {};
    start();
    std::set<std::string> truth;
    const std::size_t most = draw.chance(0.3) ? 3 : kMany;
    const auto flip = [&] {
      const std::string channel = fmt::format("c{}", draw.below(6));
      const bool occupied = !truth.contains(channel);
      if (occupied) {
        truth.insert(channel);
      } else {
        truth.erase(channel);
      }
      hook->changed(channel, occupied, now, most);
    };
    bool down = false;
    const auto turn = [&](double fails, std::size_t waiting_max) {
      if (hook->wants_to_begin(now)) {
        hook->begin_anew();
        for (const std::string& channel : truth) hook->changed(channel, true, now, waiting_max);
      }
      const Hook::Post* const post = hook->next_post(now, 0);
      if (post == nullptr) return;
      const std::string events = post->events;
      for (std::uint64_t meanwhile = draw.below(3); meanwhile > 0; --meanwhile) flip();
      const bool arrives = !down && !draw.chance(fails);
      if (arrives) receiver.take(events);
      const bool answered = arrives && !draw.chance(fails);
      given_up += hook->answered(answered, now) == Hook::Then::given_up ? 1 : 0;
    };
    for (int i = 0; i < 400; ++i) {
      if (draw.chance(0.02)) down = !down;
      if (draw.chance(0.5)) flip();
      turn(0.3, most);
      now = now + Duration(draw.below(2'000) * 1'000'000);
    }
    down = false;
    // Quiet: no flip() any more.
    for (int i = 0; i < 400; ++i) {
      if (hook->wants_to_begin(now)) {
        hook->begin_anew();
        for (const std::string& channel : truth) hook->changed(channel, true, now, kMany);
      }
      if (const Hook::Post* const post = hook->next_post(now, 0)) {
        receiver.take(post->events);
        hook->answered(true, now);
      }
      now = now + 1s;
    }
    ASSERT_EQ(receiver.occupied(), truth) << "seed " << seed;
  }
  EXPECT_GT(given_up, 10U);
}

}  // namespace
}  // namespace fanfare::server
