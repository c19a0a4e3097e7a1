#include "broker/server/base/approvals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fanfare::server {
namespace {

using ::testing::ElementsAre;

constexpr std::size_t kPlenty = 1U << 20U;
constexpr TimePoint kNow{1'000'000'000};
constexpr TimePoint kLater = kNow + 1h;

Approval to(std::vector<std::string> channels) {
  Approval approval;
  approval.channels = std::move(channels);
  return approval;
}

TEST(Approvals, KnowARequestAgainAndNoOther) {
  Approvals approvals;
  approvals.remember("POST /ai token=t", to({"gen/1", "user/1"}), kLater, kPlenty);
  const auto found = approvals.find("POST /ai token=t", kNow);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->channels, ElementsAre("gen/1", "user/1"));
  EXPECT_FALSE(approvals.find("POST /ai token=u", kNow));
  EXPECT_FALSE(approvals.find("POST /ai token=", kNow));
}

TEST(Approvals, HoldForATimeAndNotBeyondWhatTheApplicationSaid) {
  Approvals approvals;
  approvals.remember("a", to({"x"}), kNow + 10s, kPlenty);
  Approval short_one = to({"x"});
  short_one.ends = kNow + 5s;
  approvals.remember("b", short_one, kNow + 10s, kPlenty);
  EXPECT_TRUE(approvals.find("a", kNow + 9s));
  EXPECT_TRUE(approvals.find("b", kNow + 4s));
  EXPECT_FALSE(approvals.find("b", kNow + 5s));
  EXPECT_FALSE(approvals.find("a", kNow + 10s));
  EXPECT_EQ(approvals.bytes(), 0U) << "what is over is forgotten";
}

TEST(Approvals, ARequestThatLedToTwoPlacesIsAskedAboutFromThenOn) {
  Approvals approvals;
  approvals.remember("a", to({"x"}), kLater, kPlenty);
  approvals.remember("a", to({"x"}), kLater, kPlenty);
  EXPECT_TRUE(approvals.find("a", kNow));
  approvals.remember("a", to({"y"}), kLater, kPlenty);
  EXPECT_FALSE(approvals.find("a", kNow));
  approvals.remember("a", to({"y"}), kLater, kPlenty);
  EXPECT_FALSE(approvals.find("a", kNow)) << "the stream on x may come back yet";
}

TEST(Approvals, StayWithinTheirBytesByForgettingTheOldest) {
  Approvals approvals;
  constexpr std::size_t kSome = 10'000;
  for (int i = 0; i < 100; ++i) {
    approvals.remember("request " + std::to_string(i), to({"x"}), kLater, kSome);
    ASSERT_LE(approvals.bytes(), kSome);
  }
  EXPECT_FALSE(approvals.find("request 0", kNow));
  EXPECT_TRUE(approvals.find("request 99", kNow));
  approvals.remember(std::string(20'000, 'l'), to({"x"}), kLater, kSome);
  EXPECT_TRUE(approvals.find("request 99", kNow)) << "one that is too large costs nobody anything";
  approvals.remember("none", to({"x"}), kLater, 0);
  EXPECT_FALSE(approvals.find("none", kNow));
}

}  // namespace
}  // namespace fanfare::server
