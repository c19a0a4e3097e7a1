#include "broker/fanout/log_clock.h"

#include <gtest/gtest.h>

#include <memory>

#include "broker/fanout/sequencer.h"
#include "tests/fanout/log_record.h"

namespace fanfare::fanout {
namespace {

using testing::LogRecord;

const WallTime kDay = WallTime{} + 24h * 20'000;
constexpr Duration kYears = 24h * 365 * 10;

TimePoint up(Duration time) {
  return TimePoint{} + time;
}
LogTime log_time(WallTime wall) {
  return {wall.time_since_epoch().count()};
}

TEST(LogClock, BeginsAtTheWallClockAndRunsWithTheMonotonicOne) {
  const LogClock clock(up(7s), kDay);
  EXPECT_EQ(clock.at(up(7s)), log_time(kDay));
  EXPECT_EQ(clock.at(up(8s)), log_time(kDay + 1s));
}

TEST(LogClock, MakesUpForTheTimeAwayAtTwiceTheSpeed) {
  const LogClock clock({.log = log_time(kDay), .wall = kDay}, up(0s), kDay + 5min);
  EXPECT_EQ(clock.at(up(0s)), log_time(kDay)) << "nothing leaves at once";
  EXPECT_EQ(clock.at(up(3min)), log_time(kDay + 6min));
  EXPECT_EQ(clock.at(up(5min)), log_time(kDay + 10min));
  EXPECT_EQ(clock.at(up(1h)), log_time(kDay + 65min));
}

TEST(LogClock, DoesNotGoBackWithTheWallClock) {
  const LogClock clock({.log = log_time(kDay), .wall = kDay}, up(0s), kDay - kYears);
  EXPECT_EQ(clock.at(up(1h)), log_time(kDay + 1h));
}

TEST(LogClock, BelievesAWallClockThatIsYearsAheadForADay) {
  const LogClock clock({.log = log_time(kDay), .wall = kDay}, up(0s), kDay + kYears);
  EXPECT_EQ(clock.at(up(24h)), log_time(kDay + 48h));
  EXPECT_EQ(clock.at(up(25h)), log_time(kDay + 49h));
}

TEST(LogClock, ForgetsNoneOfTheTimeAwayWhenItIsStoppedAgain) {
  const LogClock once({.log = log_time(kDay), .wall = kDay}, up(0s), kDay + 1h);
  const LogClock::Mark mark = once.mark(up(10min), kDay + 70min);
  const LogClock again(mark, up(0s), kDay + 70min);
  EXPECT_EQ(again.at(up(50min)), log_time(kDay + 2h));
  EXPECT_EQ(again.at(up(60min)), log_time(kDay + 130min));
}

// An event with an hour to live has had 40 minutes of it when the broker is killed. After how many
// minutes of another life does it leave, if the wall clock then shows so much more?
int minutes_left(Duration wall_later) {
  LogRecord record;
  SequencerOptions options;
  options.epoch = *Epoch::parse("0123abc");
  options.history = [](std::string_view) { return HistoryLimits{.age = 1h}; };
  options.clock = LogClock(up(99h), kDay);
  options.recorder = [&](const Command& command) { record.add(command); };
  LogClock::Mark mark;
  {
    Sequencer sequencer(options);
    EXPECT_TRUE(sequencer.publish("a", {.type = {}, .data = "x", .retry_ms = {}}, "", up(99h)));
    mark = options.clock.mark(up(99h + 40min), kDay + 40min);
  }
  options.recorder = {};
  auto log = std::make_unique<Log>(options.log());
  for (std::size_t i = 0; i < record.size(); ++i) log->apply(record[i]);
  options.clock = LogClock(mark, up(0s), mark.wall + wall_later);
  Sequencer sequencer(options, std::move(log));
  for (int minutes = 0;; ++minutes) {
    sequencer.expire(up(1min * minutes));
    const auto state = sequencer.find("a");
    if (!state || state->events == 0) return minutes - 1;  // a second late
  }
}

TEST(LogClock, AnAgeSurvivesAReboot) {
  EXPECT_EQ(minutes_left(0s), 20);
  EXPECT_EQ(minutes_left(5min), 15);
}

TEST(LogClock, AWallClockThatStepsNeitherThrowsAHistoryAwayNorKeepsItForEver) {
  EXPECT_EQ(minutes_left(kYears), 10);
  EXPECT_EQ(minutes_left(-kYears), 20);
}

}  // namespace
}  // namespace fanfare::fanout
