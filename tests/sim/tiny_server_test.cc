// The checkers judge a server of a few lines: right, they let it pass under every fault; with each
// planted mistake they see it, and say which.
#include "tests/sim/tiny_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fanfare::sim {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Publishes now and then, straight into the server's log.
class Source final : public Actor {
 public:
  Source(World& world, TinyServer& server, const std::vector<std::string>& channels)
      : world_(world), server_(server), channels_(channels) {}
  void start() { world_.kernel().schedule(world_.kernel().somewhen(100ms), *this, 0); }
  void act(std::uint64_t /*what*/) override {
    if (world_.town().quiet) return;
    publish();
    start();
  }
  void publish() {
    Random& random = world_.random();
    const std::string& channel = channels_[random.below(channels_.size())];
    server_.publish(world_.ledger().begin(channel, random.below(300), random));
  }

 private:
  World& world_;
  TinyServer& server_;
  const std::vector<std::string>& channels_;
};

std::vector<std::string> problems_of(std::uint64_t seed, TinyBug bug, bool faults = true) {
  Random random(seed);
  World::Options options{.seed = seed};
  if (faults) options.faults = Faults::drawn(random);
  options.descheduled = 0.1;
  World world(options);
  TinyServer server(world, bug);
  world.set_machine(&server);
  const std::vector<std::string> channels = {"news", "a/1", "a/2", "a/b/3"};
  Source source(world, server, channels);
  for (int i = 0; i < 6; ++i) {
    ReaderPlan plan = ReaderPlan::drawn(channels, world.random());
    plan.post = plan.raw = plan.half_closes = false;
    plan.before = ReaderPlan::Before::nothing;
    plan.cursor_by = ReaderPlan::Cursor::header;
    plan.first = Asked::now;
    plan.presents_nonsense = 0;
    world.add_reader(std::move(plan), Pace::drawn(world.random()))
        .start(world.kernel().somewhen(1s));
  }
  source.start();
  world.run(10s);
  world.settle(200s);
  world.check_transcripts();
  world.check_leaks(200s);
  return world.report().problems();
}

// The problems of the first seed that has any.
std::string caught(TinyBug bug) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    if (const auto problems = problems_of(seed, bug); !problems.empty()) return problems.front();
  }
  return "nothing";
}

TEST(TinyServer, PassesWithoutFaults) {
  EXPECT_THAT(problems_of(1, TinyBug::none, false), IsEmpty());
}

TEST(TinyServer, PassesUnderEveryFault) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed)
    ASSERT_THAT(problems_of(seed, TinyBug::none), IsEmpty()) << "seed " << seed;
}

TEST(TinyServer, IsCaughtDroppingAnEvent) {
  EXPECT_THAT(caught(TinyBug::drops_an_event), HasSubstr("never received"));
}

TEST(TinyServer, IsCaughtRepeatingAnEvent) {
  EXPECT_THAT(caught(TinyBug::repeats_an_event), HasSubstr("order: "));
}

TEST(TinyServer, IsCaughtCuttingAnEvent) {
  EXPECT_THAT(caught(TinyBug::cuts_an_event), HasSubstr("bytes: "));
}

TEST(TinyServer, IsCaughtHidingAGap) {
  EXPECT_THAT(caught(TinyBug::hides_a_gap), HasSubstr("was not told"));
}

TEST(TinyServer, IsCaughtTellingAFalseGap) {
  EXPECT_THAT(caught(TinyBug::tells_a_false_gap), HasSubstr("gap: "));
}

TEST(TinyServer, IsCaughtForgettingAClose) {
  EXPECT_THAT(caught(TinyBug::forgets_a_close), HasSubstr("leak: "));
}

TEST(TinyServer, IsCaughtMovingABlock) {
  EXPECT_THAT(caught(TinyBug::moves_a_block), HasSubstr("changed before it ran"));
}

TEST(TinyServer, IsCaughtEndingAStreamThatWasNotFinished) {
  EXPECT_THAT(caught(TinyBug::ends_too_early), HasSubstr("never finished"));
}

}  // namespace
}  // namespace fanfare::sim
