// What shards owe each other, by time: a letter is read when it comes, not at the next tick; and
// publishers are slowed by what lies in the mail, and read again as soon as it is taken.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>

#include "tests/sim/broker_machine.h"
#include "tests/sim/publisher.h"
#include "tests/sim/talker.h"
#include "tests/sim/world.h"

namespace fanfare::sim {
namespace {

class Shards : public testing::Test {
 protected:
  void begin(const BrokerMachine::Options& options, int readers) {
    machine_.emplace_back(world_, options);
    world_.set_machine(&machine_.back());
    for (int i = 0; i < readers; ++i) {
      readers_.emplace_back(world_.town(), Door::subscribers, "data: ");
      readers_.back().say("GET /events?channel=news HTTP/1.0\r\n\r\n");
    }
    world_.run(1s);
  }
  BrokerMachine& machine() { return machine_.back(); }
  // Every reader has heard so many events.
  bool all_heard(int events) const {
    return std::ranges::all_of(
        readers_, [=](const Talker& reader) { return reader.heard_lines() == events; });
  }
  void expect_well() {
    EXPECT_FALSE(world_.report().failed()) << world_.report().problems().front();
  }

  World world_{World::Options{}};
  std::deque<BrokerMachine> machine_;
  std::deque<Talker> readers_;
};

TEST_F(Shards, ReadALetterWhenItComes) {
  begin({.broker = {}, .shards = 3}, 18);
  Talker publisher(world_.town(), Door::publishers, ":");
  for (int event = 1; event <= 30; ++event) {
    publisher.say("PUBLISH news x\r\n");
    // To the broker, from shard to shard and to the readers: 1 ms each at most.
    world_.run(8ms);
    EXPECT_TRUE(all_heard(event)) << "event " << event;
    EXPECT_EQ(publisher.heard_lines(), event);
    world_.run(29ms);
  }
  expect_well();
}

// The lead is a role: nothing may rely on its being the first shard.
TEST_F(Shards, ServeWhicheverOfThemLeads) {
  begin({.broker = {}, .shards = 3, .lead = 2}, 18);
  Talker publisher(world_.town(), Door::publishers, ":");
  for (int event = 1; event <= 10; ++event) {
    publisher.say("PUBLISH news x\r\n");
    world_.run(8ms);
    EXPECT_TRUE(all_heard(event)) << "event " << event;
    EXPECT_EQ(publisher.heard_lines(), event);
  }
  machine().drain();
  EXPECT_TRUE(world_.run(60s, [this] { return machine().finished(); }));
  expect_well();
}

TEST_F(Shards, LetNobodyInBeforeTheHistoryIsBack) {
  begin({.broker = {}, .shards = 3, .recovery = 3s}, 9);
  Talker publisher(world_.town(), Door::publishers, ":");
  publisher.say("PUBLISH news x\r\n");
  world_.run(1s);
  EXPECT_EQ(publisher.heard_lines(), 0);
  world_.run(2s);
  EXPECT_EQ(publisher.heard_lines(), 1);
  publisher.say("PUBLISH news x\r\n");
  world_.run(100ms);
  for (const Talker& reader : readers_) EXPECT_GE(reader.heard_lines(), 1);
  expect_well();
}

TEST_F(Shards, WakeTheLeadWhosePublishersWaitForThem) {
  BrokerMachine::Options options{.broker = {}, .shards = 2};
  options.broker.limits.ingest_pending_bytes = 1000;
  options.broker.delivery.coalesce = 255ms;  // so that feeds stay owed what was published
  begin(options, 12);
  Talker publisher(world_.town(), Door::publishers, ":");
  int acks = 0;
  for (int round = 0; round < 20; ++round) {
    publisher.say("PUBLISH news first\r\n");
    world_.run(5ms);
    publisher.say(fmt::format("PUBLISH news {}\r\n", std::string(2000, 'x')));
    world_.run(5ms);
    publisher.say("PUBLISH news second\r\n");
    world_.run(5ms);
    publisher.say("PUBLISH news third\r\n");
    world_.run(200ms);
    EXPECT_LT(publisher.heard_lines(), acks + 4) << "its bytes wait in the socket";
    acks += 4;
    world_.run(60ms);
    EXPECT_EQ(publisher.heard_lines(), acks) << "read as soon as the shards have caught up";
    world_.run(600ms);
  }
  EXPECT_GT(machine().counted().ingest_paused_total, 10U);
  EXPECT_TRUE(all_heard(acks));
  expect_well();
}

TEST_F(Shards, SlowPublishersByWhatLiesInTheMail) {
  BrokerMachine::Options options{.broker = {}, .shards = 2};
  options.broker.limits.ingest_pending_bytes = 64'000;
  options.late_mail = 1;
  options.mail_delay_max = 2s;
  begin(options, 4);
  PublisherPlan plan;
  plan.channels = {"news"};
  plan.dialect = PublisherPlan::Dialect::ndjson;
  plan.interval = 1ms;
  plan.burst = 40;
  plan.pipeline = 100'000;
  plan.size = 400;
  Publisher publisher(world_.town(), "publisher 1", plan, Pace::prompt());
  publisher.start(0s);
  std::uint64_t most = 0;
  for (int i = 0; i < 3'000; ++i) {
    world_.run(1ms);
    most = std::max(most, machine().in_mail_bytes(1));
  }
  // What was read before the mail was full: a buffer or two, as frames.
  EXPECT_LE(most, 64'000U + 64'000U);
  EXPECT_GT(machine().counted().ingest_events_total, 500U);
  EXPECT_GT(machine().counted().ingest_paused_total, 0U);
  publisher.leave();
  expect_well();
}

}  // namespace
}  // namespace fanfare::sim
