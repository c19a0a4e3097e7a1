#include "common/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fanfare::log {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr TimePoint at(Duration since_start) {
  return TimePoint{} + since_start;
}

TEST(Limit, LetsTheFirstLineThrough) {
  Limit limit;
  EXPECT_EQ(limit.admit(at(0ms)), 0);
}

TEST(Limit, LeavesOutWhatComesWithinASecondAndThenSaysHowMuch) {
  Limit limit;
  EXPECT_EQ(limit.admit(at(5s)), 0);
  EXPECT_EQ(limit.admit(at(5s)), -1);
  EXPECT_EQ(limit.admit(at(5500ms)), -1);
  EXPECT_EQ(limit.admit(at(5999ms)), -1);
  EXPECT_EQ(limit.admit(at(6s)), 3);
  EXPECT_EQ(limit.admit(at(6001ms)), -1);
  EXPECT_EQ(limit.admit(at(60s)), 1);
}

TEST(Limit, CountsNothingTwice) {
  Limit limit;
  EXPECT_EQ(limit.admit(at(0s)), 0);
  EXPECT_EQ(limit.admit(at(1s)), 0);
  EXPECT_EQ(limit.admit(at(3s)), 0);
}

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { set_level(before_); }

  const Level before_ = level();
};

TEST_F(LogTest, SaysWhatItsLevelAllows) {
  set_level(Level::warn);
  testing::internal::CaptureStderr();
  debug("one {}", 1);
  info("two {}", 2);
  warn("three {}", 3);
  error("four {}", 4);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, AllOf(HasSubstr("three 3"), HasSubstr("four 4")));
  EXPECT_THAT(said, AllOf(Not(HasSubstr("one")), Not(HasSubstr("two"))));
}

TEST_F(LogTest, WritesAFactOnOneLineWithItsTimeAndLevel) {
  set_level(Level::debug);
  testing::internal::CaptureStderr();
  debug("a fact");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::MatchesRegex("....-..-..T..:..:...*debug.* a fact\n"));
}

TEST_F(LogTest, MentionsSuppressedLinesOnlyIfThereWereSome) {
  Limit limit;
  const TimePoint start = TimePoint{} + 5s;
  EXPECT_EQ(left_out_note(limit.admit(start)), "");
  EXPECT_EQ(limit.admit(start), -1);
  EXPECT_EQ(left_out_note(limit.admit(start + 1s)), " (1 more line like it left out)");
  EXPECT_EQ(left_out_note(2), " (2 more lines like it left out)");
}

}  // namespace
}  // namespace fanfare::log
