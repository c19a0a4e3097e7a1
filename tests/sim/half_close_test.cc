// A peer that has said all it has to say, and then reads slowly, or not at all.
#include <gtest/gtest.h>

#include <string>

#include "tests/sim/broker_machine.h"
#include "tests/sim/client.h"
#include "tests/sim/world.h"

namespace fanfare::sim {
namespace {

// Asks for far more than its socket holds, sends FIN, and hardly reads until it is woken.
class Sleeper final : public Client {
 public:
  explicit Sleeper(Town& town) : Client(town, "sleeper") {
    pace_.read_max = 16;
    pace_.read_pause = 1000h;
  }

  void ask() {
    ASSERT_TRUE(dial(Door::publishers));
    std::string questions;
    for (int i = 0; i < kQuestions; ++i) questions += "PING\r\nINFO\r\n";
    say(questions);
    shutdown_write();
  }
  void wake() {
    pace_ = Pace::prompt();
    wake_up();
  }
  int pongs() const { return pongs_; }
  static constexpr int kQuestions = 1500;

 protected:
  void heard(std::string_view bytes) override {
    read_ += bytes;
    for (std::size_t at = 0; (at = read_.find("+PONG\r\n")) != std::string::npos;) {
      ++pongs_;
      read_.erase(0, at + 7);
    }
  }
  void lost(bool /*clean*/) override {}
  void rang(std::uint32_t /*alarm*/) override {}

 private:
  std::string read_;
  int pongs_ = 0;
};

class HalfClose : public testing::TestWithParam<bool> {};

TEST_P(HalfClose, ByAPeerThatDoesNotReadKeepsNoShardBusyAndLosesNoAnswer) {
  World world{World::Options{}};
  world.kernel().faults().sends_at_once = GetParam();  // as epoll does; else io_uring
  BrokerMachine machine(world, {});
  world.set_machine(&machine);
  Sleeper sleeper(world.town());
  sleeper.ask();
  world.run(1s);
  const std::uint64_t before = machine.turns();
  world.run(10s);
  EXPECT_LE(machine.turns() - before, 2U * 101U);
  EXPECT_LT(sleeper.pongs(), 2);
  sleeper.wake();
  EXPECT_TRUE(world.run(5s, [&] { return sleeper.pongs() == Sleeper::kQuestions; }));
  EXPECT_FALSE(world.report().failed()) << world.report().problems().front();
}

INSTANTIATE_TEST_SUITE_P(Kernels, HalfClose, testing::Bool());

}  // namespace
}  // namespace fanfare::sim
