#include "broker/config/spelling.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace fanfare::config {
namespace {

constexpr std::array<std::string_view, 4> kWords{"heartbeat", "retry", "events", "age"};

TEST(Spelling, CountsWhatAHandCanGetWrong) {
  EXPECT_EQ(edit_distance("retry", "retry"), 0U);
  EXPECT_EQ(edit_distance("rety", "retry"), 1U);    // left out
  EXPECT_EQ(edit_distance("rettry", "retry"), 1U);  // doubled
  EXPECT_EQ(edit_distance("retty", "retry"), 1U);   // replaced
  EXPECT_EQ(edit_distance("rerty", "retry"), 1U);   // swapped
  EXPECT_EQ(edit_distance("", "retry"), 5U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Spelling, IsTheSameInBothDirections) {
  EXPECT_EQ(edit_distance("heartbeat_min", "hartbeatmin"),
            edit_distance("hartbeatmin", "heartbeat_min"));
}

TEST(Spelling, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("hearbeat", kWords), "heartbeat");
  EXPECT_EQ(nearest("event", kWords), "events");
  EXPECT_EQ(nearest("aeg", kWords), "age");
}

TEST(Spelling, DoesNotGuessWildly) {
  EXPECT_EQ(nearest("bytes", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(nearest("x", kWords), "");
}

TEST(Spelling, DoesNotWorkHardOnNonsense) {
  EXPECT_EQ(nearest(std::string(100'000, 'e'), kWords), "");
}

}  // namespace
}  // namespace fanfare::config
