#include "common/utc_text.h"

#include <gtest/gtest.h>

#include <chrono>

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using Moment = std::chrono::sys_time<std::chrono::nanoseconds>;

TEST(UtcText, HasThreeDigitsOfASecondAlways) {
  EXPECT_EQ(utc_text(Moment{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc_text(Moment{1'795'771'800s + 7ms}), "2026-11-27T09:30:00.007Z");
}

TEST(UtcText, IsCutToTheMillisecond) {
  EXPECT_EQ(utc_text(Moment{59s + 999ms + 999us}), "1970-01-01T00:00:59.999Z");
}

TEST(UtcText, CountsBackBefore1970) {
  EXPECT_EQ(utc_text(Moment{-1ms}), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace fanfare
