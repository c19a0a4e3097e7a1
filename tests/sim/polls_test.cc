// Polls over several shards, of which each knows another part of the log: what one answers is
// behind the cursor that another gave, and nothing is missing or comes twice.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/broker_machine.h"
#include "tests/sim/listener.h"
#include "tests/sim/world.h"

namespace fanfare::sim {
namespace {

// Asks whichever shard answers, again and again, with the cursor of the last answer.
class Poller {
 public:
  Poller(World& world, std::string wait) : world_(world), wait_(std::move(wait)) {}

  const std::vector<std::string>& data() const { return data_; }
  const std::string& cursor() const { return cursor_; }
  void step() {
    if (listener_ != nullptr) {
      if (!listener_->over()) return;
      for (const std::string& line : listener_->take_lines()) take(line);
      listener_ = nullptr;
    }
    if (!world_.random().chance(0.3)) return;
    listener_ = &listeners_.emplace_back(
        world_.town(), Door::subscribers,
        fmt::format("GET /events?channel=a&channel=b/*&poll=1{}&last_event_id={} HTTP/1.0\r\n\r\n",
                    cursor_.empty() ? std::string() : wait_, cursor_));
  }

 private:
  void take(std::string_view line) {
    constexpr std::string_view kField = "Last-Event-ID: ";
    constexpr std::string_view kData = "data: ";
    EXPECT_NE(line, "event: gap");
    if (line.starts_with(kField))
      cursor_ = line.substr(kField.size(), line.size() - kField.size() - 1);
    if (line.starts_with(kData)) data_.emplace_back(line.substr(kData.size()));
  }

  World& world_;
  std::string wait_;
  std::deque<Listener> listeners_;
  Listener* listener_ = nullptr;
  std::string cursor_;
  std::vector<std::string> data_;
};

void expect_all(std::uint64_t seed, const std::string& wait) {
  World world{{.seed = seed}};
  BrokerMachine::Options options{.broker = {}, .shards = 3};
  options.broker.limits.poll_bytes = 1024;
  options.late_mail = 0.7;
  options.mail_delay_max = 400ms;
  BrokerMachine machine(world, options);
  world.set_machine(&machine);
  Listener publisher(world.town(), Door::publishers, "PING\r\n");
  std::deque<Poller> pollers;
  for (int i = 0; i < 4; ++i) pollers.emplace_back(world, wait);
  const auto pass = [&](int steps) {
    for (int i = 0; i < steps; ++i) {
      for (Poller& poller : pollers) poller.step();
      world.run(5ms);
    }
  };
  while (std::ranges::any_of(pollers, [](const Poller& one) { return one.cursor().empty(); }))
    pass(1);
  std::vector<std::string> published;
  for (int i = 0; i < 120; ++i) {
    if (world.random().chance(0.5)) {
      publisher.say(fmt::format("PUBLISH other {}\r\n", i));
    } else {
      published.push_back(fmt::format("{}{}", i, std::string(world.random().below(300), 'x')));
      publisher.say(fmt::format("PUBLISH {} {}\r\n", i % 2 == 0 ? "a" : "b/1", published.back()));
    }
    pass(static_cast<int>(world.random().below(4)));
  }
  pass(300);
  for (const Poller& poller : pollers) EXPECT_EQ(poller.data(), published) << "seed " << seed;
  EXPECT_FALSE(world.report().failed()) << world.report().problems().front();
}

TEST(Polls, OfShardsThatAreLateBringEverythingOnce) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) expect_all(seed, "");
}

// Long enough to be answered by an event only.
TEST(Polls, ThatWaitOnShardsThatAreLateBringEverythingOnce) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) expect_all(seed, "&wait=50s");
}

}  // namespace
}  // namespace fanfare::sim
