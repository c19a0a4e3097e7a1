// A journal that is seconds late: acks and events wait for it, in order, and a kill takes nothing
// that anybody was told.
#include "tests/sim/journal.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/broker_machine.h"
#include "tests/sim/publisher.h"
#include "tests/sim/talker.h"
#include "tests/sim/world.h"

namespace fanfare::sim {
namespace {

BrokerMachine::Options late(std::uint32_t shards) {
  return {.broker = {}, .shards = shards, .journal_late_max = 3s};
}

void expect_well(World& world) {
  EXPECT_FALSE(world.report().failed()) << world.report().problems().front();
}

TEST(LateJournal, DelaysAcksAndWhatSubscribersSee) {
  World world{World::Options{}};
  BrokerMachine machine(world, late(2));
  world.set_machine(&machine);
  Talker reader(world.town(), Door::subscribers, "data: ");
  reader.say("GET /events?channel=news HTTP/1.0\r\n\r\n");
  Talker resp(world.town(), Door::publishers, ":");
  Talker ndjson(world.town(), Door::publishers, "{\"ok\":true");
  Talker http(world.town(), Door::publishers, "HTTP/1.1 200 OK");
  world.run(1s);
  int early = 0;
  for (int i = 1; i <= 20; ++i) {
    resp.say("PUBLISH news x\r\n");
    ndjson.say("{\"channel\":\"news\",\"data\":\"x\"}\n");
    http.say("POST /publish/news HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
    world.run(8ms);
    early += reader.heard_lines();
    EXPECT_GE(reader.heard_lines() + 2, resp.heard_lines() + ndjson.heard_lines());
  }
  EXPECT_LT(early, 200) << "most were held back";
  // A pipeline over HTTP is carried out one request at a time.
  EXPECT_TRUE(world.run(90s, [&] { return reader.heard_lines() == 60; }));
  world.run(1s);
  EXPECT_EQ(resp.heard_lines(), 20);
  EXPECT_EQ(ndjson.heard_lines(), 20);
  EXPECT_EQ(http.heard_lines(), 20);
  machine.drain();
  EXPECT_TRUE(world.run(60s, [&] { return machine.finished(); }));
  expect_well(world);
}

// Publishers complain of acks that come out of order, and the machine of what was promised and is
// lost, when it is killed.
TEST(LateJournal, LosesWithAKillOnlyWhatWasNotAcked) {
  std::size_t acked = 0;
  std::size_t lost = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    World world{World::Options{.seed = seed}};
    BrokerMachine machine(world, late(static_cast<std::uint32_t>(1 + seed % 3)));
    world.set_machine(&machine);
    ReaderPlan everything;
    everything.topics = {"**"};
    world.add_reader(std::move(everything), Pace::prompt()).start(0s);
    std::vector<std::unique_ptr<Publisher>> publishers;
    for (const auto dialect : {PublisherPlan::Dialect::http, PublisherPlan::Dialect::resp,
                               PublisherPlan::Dialect::ndjson}) {
      PublisherPlan plan;
      plan.dialect = dialect;
      plan.channels = {"news", "prices/btc"};
      plan.interval = 100ms;
      plan.burst = 10;
      plan.pipeline = 200;
      publishers.push_back(
          std::make_unique<Publisher>(world.town(), "publisher", std::move(plan), Pace::prompt()));
      publishers.back()->start(0s);
    }
    world.run(2s + 50ms * static_cast<int>(seed));
    machine.kill();
    for (const Publication& publication : world.ledger().publications()) {
      const bool was_acked = publication.fate == Publication::Fate::acked;
      ++(was_acked ? acked : lost);
    }
    for (const auto& publisher : publishers) publisher->leave();
    world.run(1s);
    expect_well(world);
  }
  EXPECT_GT(acked, 1'000U);
  EXPECT_GT(lost, 1'000U) << "the journal was never late";
}

}  // namespace
}  // namespace fanfare::sim
