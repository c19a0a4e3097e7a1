#include <gtest/gtest.h>

#include <string>

#include "broker/fanout/replica.h"
#include "broker/fanout/sequencer.h"
#include "broker/fanout/topics.h"

namespace fanfare::fanout {
namespace {

constexpr Duration kPace = 20ms;

// One paced feed with one member.
class Pace : public testing::Test {
 protected:
  Pace() {
    const std::string_view topics[] = {"screen"};
    feed_ = replica_.open(topics, Framing::raw);
    replica_.join(feed_, 1);
  }
  ~Pace() override {
    replica_.leave(feed_, 1);
    replica_.release(feed_);
  }

  void publish(std::string_view data) {
    ASSERT_TRUE(sequencer_.publish("screen", {.type = "", .data = data, .retry_ms = {}}, "", now_));
    replica_.apply(*sequencer_.seal(now_));
  }
  void pass(Duration time) {
    now_ = now_ + time;
    replica_.advance(now_);
  }
  std::string sent() {
    std::string text;
    while (const auto round = replica_.next_round(10)) {
      text.append(round->span.data, round->span.size);
    }
    return text;
  }

  Random random_{1};
  Epoch epoch_ = Epoch::from(random_);
  Sequencer sequencer_{{.epoch = epoch_, .history = nullptr}};
  Replica replica_{{.epoch = epoch_,
                    .members_max = 10,
                    .rules = {.of = [](const Topics& topics) {
                      return CrowdRules{.pace = topics.names("quick") ? 5ms : kPace};
                    }}}};
  Feed* feed_ = nullptr;
  TimePoint now_{1'000'000'000};
};

TEST_F(Pace, TheFirstEventAfterASilenceWaitsForNothing) {
  pass(1s);
  publish("a");
  EXPECT_EQ(sent(), "a");
}

TEST_F(Pace, WhatArrivesTooSoonGoesOutTogetherWhenItsTimeHasCome) {
  pass(1s);
  publish("a");
  EXPECT_EQ(sent(), "a");
  publish("b");
  pass(5ms);
  publish("c");
  EXPECT_EQ(sent(), "");
  ASSERT_TRUE(replica_.next_release());
  EXPECT_EQ(*replica_.next_release() - now_, 15ms);
  pass(15ms);
  EXPECT_EQ(sent(), "bc");
  EXPECT_FALSE(replica_.next_release());
}

TEST_F(Pace, AMemberThatLeavesAHeldFeedStandsWhereItWasServed) {
  pass(1s);
  publish("a");
  EXPECT_EQ(sent(), "a");
  publish("b");
  EXPECT_EQ(replica_.leave(feed_, 1), 1U);
  const auto read = replica_.read(feed_, Sequence{1}, 1000);
  EXPECT_EQ(std::string_view(read.span.data, read.span.size), "b");
  replica_.join(feed_, 1);
}

TEST_F(Pace, FeedsOfDifferentPacesAreReleasedInTheOrderOfTheirTimes) {
  const std::string_view topics[] = {"quick", "screen"};
  Feed* const quick = replica_.open(topics, Framing::plain);
  replica_.join(quick, 2);
  pass(1s);
  publish("a");
  sent();
  publish("b");
  EXPECT_EQ(*replica_.next_release() - now_, 5ms) << "the quicker one is first";
  pass(5ms);
  EXPECT_NE(sent().find("data: b"), std::string::npos);
  EXPECT_EQ(*replica_.next_release() - now_, 15ms);
  pass(15ms);
  EXPECT_EQ(sent(), "b");
  replica_.leave(quick, 2);
  replica_.release(quick);
}

}  // namespace
}  // namespace fanfare::fanout
