#include "broker/server/base/loop_time.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/io/still_ring.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::SmallBroker;

// A ring of which only the clock is of interest.
class Clock final : public io::StillRing {
 public:
  TimePoint now() const override { return time; }

  TimePoint time{Duration(1'000s).count()};
};

class LoopTimeTest : public ::testing::Test {
 protected:
  void pass(Duration time) { clock_.time = clock_.time + time; }
  void turn(Duration took) {
    loop_.turn_begins(clock_.time);
    pass(took);
    loop_.step_ends(TurnStep::streams);
    loop_.turn_ends(0);
  }

  Clock clock_;
  LoopTime loop_{clock_};
};

TEST_F(LoopTimeTest, DistinguishesWaitingKernelTimeAndItsOwnWork) {
  pass(5s);
  loop_.turn_begins(clock_.time);
  pass(3ms);
  loop_.step_ends(TurnStep::completions);
  loop_.submit_begins();
  pass(4ms);
  loop_.submit_ends();
  pass(1ms);
  loop_.step_ends(TurnStep::streams);
  loop_.turn_ends(0);
  pass(2s);
  turn(1ms);
  EXPECT_EQ(loop_.times().waiting, 7s);
  EXPECT_EQ(loop_.times().submitting, 4ms);
  EXPECT_EQ(loop_.times().turns.count(), 2U);
  EXPECT_NEAR(loop_.times().turns.sum_seconds(), 0.009, 1e-9);
  EXPECT_EQ(loop_.times().long_turns_total, 0U);
}

TEST_F(LoopTimeTest, RemembersTheLongestTurnForHalfAMinuteToAMinute) {
  turn(200ms);
  turn(3ms);
  EXPECT_EQ(loop_.times().longest, 200ms);
  EXPECT_EQ(loop_.times().long_turns_total, 1U);
  pass(29s);
  turn(3ms);
  EXPECT_EQ(loop_.times().longest, 200ms);
  pass(31s);
  turn(3ms);
  pass(31s);
  turn(3ms);
  EXPECT_EQ(loop_.times().longest, 3ms);
  pass(5min);
  turn(2ms);
  EXPECT_EQ(loop_.times().longest, 2ms);
  EXPECT_EQ(loop_.times().long_turns_total, 1U);
}

TEST_F(LoopTimeTest, LogsTheLongestStepOfALongTurn) {
  loop_.turn_begins(clock_.time);
  pass(20ms);
  loop_.step_ends(TurnStep::mailbox);
  pass(150ms);
  loop_.step_ends(TurnStep::time);
  pass(30ms);
  loop_.step_ends(TurnStep::streams);
  ::testing::internal::CaptureStderr();
  loop_.turn_ends(3);
  const std::string line = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(line.find("shard 3: a turn of the event loop took 200 ms, 150 ms of it in \"time\""),
            std::string::npos)
      << line;
}

// Each turn looks at 1,024 of them at most.
TEST(Turn, ChannelsThatAgeTogetherAreTheWorkOfSeveralTurns) {
  Options options;
  options.history.age = 1s;
  SmallBroker broker(options);
  std::string batch;
  for (int i = 0; i < 3'000; ++i) batch += "PUBLISH c" + std::to_string(i) + " x\r\n";
  for (std::size_t at = 0; at < batch.size(); at += 30'000) {
    broker.command(batch.substr(at, 30'000).append(at + 30'000 < batch.size() ? "" : "PING\r\n"));
  }
  EXPECT_EQ(broker.command("XLEN c2999"), ":1\r\n");
  std::uint64_t most = 0;
  for (int i = 0; i < 400; ++i) {
    const std::uint64_t before = broker.counters().turns_total;
    broker.pass(10ms);
    most = std::max(most, broker.counters().turns_total - before);
  }
  EXPECT_EQ(broker.command("XLEN c2999"), ":0\r\n");
  EXPECT_GE(most, 3U) << "turns without a pause between them";
}

}  // namespace
}  // namespace fanfare::server
