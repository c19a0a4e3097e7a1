// A broker whose process has no descriptor left: what it costs, and that it passes.
#include <gtest/gtest.h>

#include "tests/sim/broker_machine.h"
#include "tests/sim/publisher.h"
#include "tests/sim/world.h"

namespace fanfare::sim {
namespace {

// Whether the kernel looks for a descriptor as soon as it is asked to accept, as io_uring does, or
// when a connection waits, as epoll does.
class Exhaustion : public testing::TestWithParam<bool> {
 protected:
  Exhaustion() {
    world_.kernel().faults().sends_at_once = GetParam();
    world_.set_machine(&machine_);
    world_.kernel().faults().exhausted = true;
  }

  static ReaderPlan news_reader() {
    ReaderPlan plan;
    plan.topics = {"news"};
    return plan;
  }
  static PublisherPlan news_publisher() {
    PublisherPlan plan;
    plan.channels = {"news"};
    plan.interval = 10ms;
    return plan;
  }

  static constexpr std::uint32_t kShards = 2;
  World world_{World::Options{}};
  BrokerMachine machine_{world_, {.broker = {}, .shards = kShards}};
  Reader& reader_ = world_.add_reader(news_reader(), Pace::prompt());
  Publisher publisher_{world_.town(), "publisher", news_publisher(), Pace::prompt()};
};

TEST_P(Exhaustion, CostsATryEachTickAndNoMore) {
  reader_.start(0s);
  publisher_.start(0s);
  world_.run(1s);
  const std::uint64_t before = machine_.turns();
  world_.run(10s);
  // In each of 100 ticks a turn for the tick and one for what the listeners were told.
  EXPECT_LE(machine_.turns() - before, 2U * 101U * kShards);
  EXPECT_FALSE(reader_.streaming());
  EXPECT_FALSE(world_.report().failed()) << world_.report().problems().front();
}

TEST_P(Exhaustion, PassesWithinATickOnceDescriptorsAreFree) {
  reader_.start(0s);
  publisher_.start(0s);
  world_.run(5s);
  ASSERT_FALSE(reader_.streaming());
  world_.kernel().faults().exhausted = false;
  EXPECT_TRUE(world_.run(150ms, [this] { return reader_.streaming(); }));
  EXPECT_TRUE(world_.run(1s, [this] { return reader_.events() > 0; }));
}

TEST_P(Exhaustion, DoesNotKeepABrokerFromStopping) {
  reader_.start(0s);
  world_.run(1s);
  machine_.drain();
  EXPECT_TRUE(world_.run(1s, [this] { return machine_.finished(); }));
}

INSTANTIATE_TEST_SUITE_P(Kernels, Exhaustion, testing::Bool());

}  // namespace
}  // namespace fanfare::sim
