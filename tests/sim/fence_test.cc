// The position fence: a page that reads the position, then its application's database, and opens
// its stream from that position loses no update, whichever shard it asks and whenever it asks. One
// that reads the database first does.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/broker_machine.h"
#include "tests/sim/listener.h"
#include "tests/sim/world.h"

namespace fanfare::sim {
namespace {

const std::array<std::string, 4> kChannels = {"a", "b", "c/1", "c/2"};
using Values = std::map<std::string, int, std::less<>>;

// Writes a new value into the database, and publishes it some time after, as applications do; one
// update of each channel after the other.
class Application {
 public:
  explicit Application(World& world)
      : world_(world), line_(world.town(), Door::publishers, "PING\r\n") {}

  const Values& database() const { return database_; }
  void step(bool writes) {
    for (const std::string& channel : kChannels) {
      int& due = due_[channel];
      if (due > 0 && --due == 0) {
        line_.say(fmt::format("PUBLISH {} {}={}\r\n", channel, channel, database_[channel]));
      } else if (due == 0 && writes && world_.random().chance(0.1)) {
        ++database_[channel];
        due = 1 + static_cast<int>(world_.random().below(8));
      }
    }
  }

 private:
  World& world_;
  Listener line_;
  Values database_;
  std::map<std::string, int> due_;  // steps until the update is published
};

enum class Order : std::uint8_t { position_first, database_first };

class Page {
 public:
  Page(World& world, Order order) : world_(world), order_(order) { pause(); }

  const Values& values() const { return values_; }
  bool live() const { return state_ == State::live; }
  bool skipped() const { return skipped_; }
  void step(const Values& database) {
    if (left_ > 0 && --left_ > 0) return;
    switch (state_) {
      case State::begun:
        if (order_ == Order::database_first) values_ = database;
        state_ = State::asks;
        return pause();
      case State::asks:
        connection_ = &connections_.emplace_back(world_.town(), Door::subscribers,
                                                 "GET /position HTTP/1.0\r\n\r\n");
        state_ = State::waits;
        return;
      case State::waits: {
        if (!connection_->over()) return;
        position_ = connection_->take_lines().back();
        state_ = State::reads;
        return pause();
      }
      case State::reads:
        if (order_ == Order::position_first) values_ = database;
        state_ = State::renders;
        return pause();
      case State::renders:
        connection_ = &connections_.emplace_back(
            world_.town(), Door::subscribers,
            fmt::format(
                "GET /events?channel=a&channel=b&channel=c/*&last_event_id={} HTTP/1.0\r\n\r\n",
                position_));
        state_ = State::live;
        return;
      case State::live:
        for (const std::string& line : connection_->take_lines()) show(line);
        return;
    }
  }

 private:
  enum class State : std::uint8_t { begun, asks, waits, reads, renders, live };

  void pause() { left_ = static_cast<int>(world_.random().below(20)); }
  void show(std::string_view line) {
    EXPECT_NE(line, "event: gap");
    constexpr std::string_view kData = "data: ";
    if (!line.starts_with(kData) || line.starts_with("data: {")) return;
    const std::size_t equals = line.find('=');
    int& shown = values_[std::string(line.substr(kData.size(), equals - kData.size()))];
    int value = 0;
    std::from_chars(line.data() + equals + 1, line.data() + line.size(), value);
    // Values count up: one that is skipped was an update that the page never heard of.
    skipped_ = skipped_ || value > shown + 1;
    shown = value;
  }

  World& world_;
  Order order_;
  std::deque<Listener> connections_;
  Listener* connection_ = nullptr;
  State state_ = State::begun;
  int left_ = 0;  // steps until it goes on
  std::string position_;
  Values values_;
  bool skipped_ = false;
};

// How many pages skipped an update, or show something else than the database has once all is quiet.
int pages_that_lost(std::uint64_t seed, Order order) {
  World world{{.seed = seed}};
  BrokerMachine::Options options{.broker = {}, .shards = 3};
  options.late_mail = 0.5;
  options.mail_delay_max = 100ms;
  BrokerMachine machine(world, options);
  world.set_machine(&machine);
  Application application(world);
  std::deque<Page> pages;
  for (int i = 0; i < 6; ++i) pages.emplace_back(world, order);
  for (int i = 0; i < 250; ++i) {
    application.step(i < 120);
    for (Page& page : pages) page.step(application.database());
    world.run(5ms);
  }
  EXPECT_FALSE(world.report().failed()) << world.report().problems().front();
  int lost = 0;
  for (const Page& page : pages) {
    EXPECT_TRUE(page.live());
    lost += page.skipped() || page.values() != application.database() ? 1 : 0;
  }
  return lost;
}

TEST(Fence, APageThatReadsThePositionBeforeItsDatabaseLosesNothing) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    EXPECT_EQ(pages_that_lost(seed, Order::position_first), 0) << "seed " << seed;
  }
}

TEST(Fence, APageThatReadsItsDatabaseFirstLosesUpdates) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    lost += pages_that_lost(seed, Order::database_first);
  }
  EXPECT_GT(lost, 0);
}

class LateShards : public testing::Test {
 protected:
  LateShards() {
    options_.late_mail = 1;
    options_.mail_delay_max = 2s;
    machine_.emplace_back(world_, options_);
    world_.set_machine(&machine_.back());
  }
  std::vector<std::string> answers(Door door, std::string_view request) {
    Listener& listener = listeners_.emplace_back(world_.town(), door, request);
    world_.run(10ms);
    return listener.take_lines();
  }

  World world_{World::Options{}};
  BrokerMachine::Options options_{.broker = {}, .shards = 4};
  std::deque<BrokerMachine> machine_;
  std::deque<Listener> listeners_;
};

// A shard knows what was acknowledged before it has heard of it from the lead.
TEST_F(LateShards, NameAPositionThatIsNotBeforeWhatWasAcknowledged) {
  for (int i = 0; i < 30; ++i) {
    const auto ack = answers(Door::publishers, "XADD a * data x\r\n");
    ASSERT_EQ(ack.size(), 2U);
    const std::string acknowledged = ack[1].substr(0, ack[1].size() - 1);
    EXPECT_EQ(answers(Door::subscribers, "GET /position HTTP/1.0\r\n\r\n").back(), acknowledged);
  }
}

// A shard that has yet to hear that a finished channel is there again does not say that nothing
// will ever follow.
TEST_F(LateShards, DoNotTakeAChannelForFinishedWhenThePositionIsAheadOfThem) {
  answers(Door::publishers, "XADD a * data x\r\nSSE.FINISH a\r\n");
  world_.run(3s);
  answers(Door::publishers, "DEL a\r\nXADD a * data y\r\n");
  const std::string position = answers(Door::subscribers, "GET /position HTTP/1.0\r\n\r\n").back();
  for (int i = 0; i < 20; ++i) {
    const auto head =
        answers(Door::subscribers,
                fmt::format("GET /events?channel=a&last_event_id={} HTTP/1.0\r\n\r\n", position));
    EXPECT_EQ(head.front(), "HTTP/1.1 200 OK\r");
  }
}

}  // namespace
}  // namespace fanfare::sim
