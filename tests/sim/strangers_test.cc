// Publishers whose credentials are not allowed: refused, counted, and nobody else's trouble.
#include <gtest/gtest.h>

#include "tests/sim/broker_machine.h"
#include "tests/sim/publisher.h"
#include "tests/sim/world.h"

namespace fanfare::sim {
namespace {

TEST(Strangers, AreRefusedAndSubscribersGoOn) {
  World world{World::Options{}};
  BrokerMachine::Options options;
  options.ingest_users = {12345};  // the simulation's publishers are nobody
  BrokerMachine machine(world, options);
  world.set_machine(&machine);
  ReaderPlan reads;
  reads.topics = {"news"};
  Reader& reader = world.add_reader(reads, Pace::prompt());
  reader.start(0s);
  PublisherPlan publishes;
  publishes.channels = {"news"};
  publishes.interval = 10ms;
  publishes.stranger = true;
  Publisher publisher(world.town(), "stranger", publishes, Pace::prompt());
  publisher.start(0s);
  world.run(10s);

  EXPECT_TRUE(reader.streaming());
  EXPECT_EQ(reader.events(), 0U);
  EXPECT_GT(machine.closed(server::CloseReason::ingest_refused), 10U);
  EXPECT_EQ(machine.counted().ingest_connections_total, 0U);
  publisher.leave();
  world.check_leaks(10s);
  EXPECT_FALSE(world.report().failed()) << world.report().problems().front();
}

}  // namespace
}  // namespace fanfare::sim
