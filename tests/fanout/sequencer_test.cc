#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "broker/fanout/retention.h"
#include "tests/fanout/sequencer_fixture.h"

#include "common/random.h"

namespace fanfare::fanout {
namespace {

TEST_F(SequencerTest, NumbersAllEventsDenselyWhateverTheirChannel) {
  EXPECT_EQ(sequencer_->head(), 0U);
  EXPECT_EQ(publish("a"), 1U);
  EXPECT_EQ(publish("b"), 2U);
  EXPECT_EQ(publish("a"), 3U);
  EXPECT_EQ(sequencer_->head(), 3U);
}

TEST_F(SequencerTest, EmitsOneBlockPerChannelAndTurn) {
  EXPECT_EQ(seal(), "nothing");
  publish("a");
  publish("b");
  publish("a");
  EXPECT_EQ(seal(), "appeared:a=0 appeared:b=1 block:0x2to3 block:1x1to2");
  EXPECT_EQ(seal(), "nothing");
  publish("a");
  EXPECT_EQ(seal(), "more:0x3to4") << "of a segment they have";
}

TEST_F(SequencerTest, StampsABatchWithItsHeadAndTime) {
  publish("a");
  now_ = now_ + Duration(5s);
  const BatchPtr batch = sequencer_->seal(now_);
  EXPECT_EQ(batch->head, 1U);
  EXPECT_EQ(batch->committed, now_);
}

TEST_F(SequencerTest, EmitsTwoBlocksWhenATurnStraddlesSegments) {
  publish("a", std::string(500, 'x'));
  publish("a", std::string(500, 'x'));
  EXPECT_EQ(seal(), "appeared:a=0 block:0x1to1 block:0x1to2");
}

// A reader of a batch need not remember the one before it.
TEST_F(SequencerTest, SaysWhereABlockBeginsAsWellAsWhereItEnds) {
  const auto block = [&] {
    const BatchPtr batch = sequencer_->seal(now_);
    return std::get<BlockAppended>(batch->effects.back()).block;
  };
  publish("a");
  const Block first = block();
  EXPECT_EQ(first.first, 0U);
  EXPECT_EQ(first.count, 1U);
  EXPECT_EQ(first.begin, 0U);
  EXPECT_EQ(first.end, state("a").bytes);
  publish("b");
  publish("a");
  publish("a");
  const Block second = block();
  EXPECT_EQ(second.first, 1U);
  EXPECT_EQ(second.events(), 2U);
  EXPECT_EQ(second.begin, first.end);
  EXPECT_EQ(second.end, state("a").bytes);
  publish("a", std::string(2'000, 'x'));
  EXPECT_EQ(block().begin, 0U) << "in a segment of its own";
}

TEST_F(SequencerTest, FindsThePlacesOfSeveralAtOnce) {
  publish("a");
  publish("b");
  seal();
  const std::vector<Sequencer::Coming> events{{"b", 10}, {"new", 100'000}, {"a", 0}, {"new", 1}};
  const auto places = sequencer_->places(events);
  ASSERT_EQ(places.size(), 4U);
  EXPECT_TRUE(places[0].exists());
  EXPECT_FALSE(places[1].exists());
  EXPECT_TRUE(places[2].exists());
  EXPECT_EQ(seal(), "nothing") << "to look is not to publish";
  EXPECT_FALSE(sequencer_->find("new"));
  for (const Sequencer::Place& place : places) {
    ASSERT_TRUE(sequencer_->publish(place, {.type = {}, .data = "x", .retry_ms = {}}, {}, now_));
  }
  EXPECT_EQ(seal(), "appeared:new=2 more:1x2to3 block:2x2to6 more:0x2to5");
  EXPECT_TRUE(sequencer_->place("new").exists());
  EXPECT_TRUE(sequencer_->places({}).empty());
}

TEST_F(SequencerTest, EvictsByCountAndReportsItOnceATurn) {
  limits_.events = 2;
  for (int i = 0; i < 5; ++i) publish("a");
  EXPECT_EQ(seal(), "appeared:a=0 block:0x5to5 evicted:0to3");
  EXPECT_EQ(state("a").events, 2U);
  EXPECT_EQ(state("a").first, 4U);
  EXPECT_EQ(state("a").last, 5U);
  EXPECT_EQ(state("a").evicted_through, 3U);
  EXPECT_EQ(state("a").published_total, 5U);
  EXPECT_EQ(sequencer_->counters().evicted_by_events, 3U);
}

TEST_F(SequencerTest, KeepsNoHistoryWhereNoneIsWanted) {
  limits_.events = 0;
  publish("a");
  EXPECT_EQ(seal(), "appeared:a=0 block:0x1to1 evicted:0to1");
  publish("a");
  EXPECT_EQ(seal(), "block:0x2to2 evicted:0to2") << "the segment is filled on";
  EXPECT_EQ(state("a").events, 0U);
  EXPECT_EQ(state("a").last, 0U);
}

TEST_F(SequencerTest, EvictsByBytesOfFrames) {
  limits_.bytes = 300;
  for (int i = 0; i < 3; ++i) publish("a", std::string(100, 'x'));
  seal();
  EXPECT_EQ(state("a").events, 2U);
  EXPECT_LE(state("a").bytes, 300U);
  publish("a", std::string(400, 'x'));
  seal();
  EXPECT_EQ(state("a").events, 0U) << "one event may be more than all that is kept";
  EXPECT_EQ(sequencer_->counters().evicted_by_bytes, 4U);
}

TEST_F(SequencerTest, KeepsExactlyTheBytesThatItMay) {
  publish("probe", std::string(100, 'x'));
  const std::uint64_t frame = state("probe").bytes;
  limits_.bytes = 2 * frame;
  for (int i = 0; i < 4; ++i) publish("a", std::string(100, 'x'));
  seal();
  EXPECT_EQ(state("a").bytes, 2 * frame);
  limits_.bytes = 2 * frame - 1;
  for (int i = 0; i < 4; ++i) publish("b", std::string(100, 'x'));
  seal();
  EXPECT_EQ(state("b").bytes, frame);
}

TEST_F(SequencerTest, EvictsByAgeNeverEarlyAndASecondLateAtMost) {
  limits_.age = 10s;
  now_ = now_ + Duration(900ms);
  publish("a");
  now_ = now_ + Duration(5s);
  publish("a");
  seal();
  pass(4'999ms);
  EXPECT_EQ(seal(), "nothing");
  pass(1'001ms);
  EXPECT_EQ(seal(), "evicted:0to1");
  pass(5s);
  EXPECT_EQ(seal(), "evicted:0to2");
  EXPECT_EQ(sequencer_->counters().evicted_by_age, 2U);
  EXPECT_EQ(sequencer_->segment_bytes(), 0U);
}

TEST_F(SequencerTest, LetsNoEventGoWithAnOlderOneBeforeItsTime) {
  limits_.age = 10s;
  now_ = now_ + Duration(900ms);
  publish("a");
  now_ = now_ + Duration(1'090ms);
  publish("a");
  seal();
  pass(9'910ms);
  EXPECT_EQ(seal(), "evicted:0to1") << "the second one is 9.91 s old";
  pass(1'500ms);
  EXPECT_EQ(seal(), "evicted:0to2");
}

TEST_F(SequencerTest, KeepsForEverWhatHasNoAge) {
  limits_.age = Duration(0);
  publish("a");
  seal();
  pass(10'000h);
  EXPECT_EQ(seal(), "nothing");
}

TEST_F(SequencerTest, EvictsTheOldestSegmentOfAnyChannel) {
  log_limits_.total_bytes = 4 * kSegmentFootprintMin;
  const std::string large(800, 'x');
  publish("a", large);
  publish("b", large);
  publish("c", large);
  publish("b", large);
  seal();
  EXPECT_EQ(sequencer_->segment_bytes(), 4 * kSegmentFootprintMin);
  publish("d", large);
  EXPECT_EQ(seal(), "appeared:d=3 evicted:0to1 block:3x1to5");
  EXPECT_EQ(state("a").events, 0U);
  publish("a", large);
  EXPECT_EQ(seal(), "evicted:1to2 block:0x1to6");
  EXPECT_EQ(sequencer_->segment_bytes(), 4 * kSegmentFootprintMin);
  EXPECT_EQ(sequencer_->counters().evicted_by_total_bytes, 2U);
}

TEST_F(SequencerTest, GivesABusyChannelAmongManySegmentsToItsMeasure) {
  log_limits_.total_bytes = 1U << 20U;
  for (int i = 0; i < 500; ++i) publish("quiet/" + std::to_string(i));
  seal();
  const auto segments_of = [&](int events) {
    int segments = 0;
    for (int i = 0; i < events; ++i) {
      publish("busy", std::string(200, 'x'));
      if (seal().contains("block:500")) ++segments;
    }
    return segments;
  };
  EXPECT_GT(segments_of(100), 20) << "small as long as it holds little: four events to a KiB";
  segments_of(600);
  EXPECT_LT(segments_of(100), 10) << "a sixteenth of what it holds";
  EXPECT_EQ(state("quiet/0").events, 1U) << "and there is room for all";
}

TEST_F(SequencerTest, LetsAnEventInThatIsLargerThanEverything) {
  log_limits_.total_bytes = 4'096;
  publish("a");
  publish("a", std::string(100'000, 'x'));
  EXPECT_EQ(seal(), "appeared:a=0 block:0x1to1 block:0x1to2 evicted:0to1");
  EXPECT_EQ(state("a").events, 1U);
}

TEST_F(SequencerTest, AnEventEvictedInItsOwnTurnStillReachesConnectedSubscribers) {
  log_limits_.total_bytes = kSegmentFootprintMin;
  publish("a");
  publish("b");
  EXPECT_EQ(seal(), "appeared:a=0 appeared:b=1 block:0x1to1 evicted:0to1 block:1x1to2");
}

TEST_F(SequencerTest, FinishesAChannelUntilItIsErased) {
  publish("a");
  EXPECT_EQ(sequencer_->finish("a", now_), 1U);
  EXPECT_EQ(sequencer_->finish("a", now_), 1U);
  EXPECT_EQ(seal(), "appeared:a=0 block:0x1to1 finished:0");
  EXPECT_EQ(try_publish("a"), std::unexpected(PublishError::channel_finished));
  EXPECT_TRUE(state("a").finished);
  EXPECT_TRUE(sequencer_->erase("a", now_));
  EXPECT_EQ(seal(), "evicted:0to1 reopened:0");
  EXPECT_EQ(publish("a"), 2U);
  EXPECT_EQ(sequencer_->segment_bytes(), kSegmentFootprintMin);
}

// What others have given back is there for those that remain.
TEST_F(SequencerTest, GivesAChannelSegmentsAsIfThoseThatAreGoneHadNeverBeen) {
  log_limits_.total_bytes = 1U << 20U;
  const auto taken = [&] {
    for (int i = 0; i < 300; ++i) publish("busy", std::string(100, 'x'));
    return sequencer_->segment_bytes();
  };
  const std::uint64_t alone = taken();
  start({.epoch = kEpoch, .history = nullptr});
  for (int i = 0; i < 400; ++i) publish("c" + std::to_string(i));
  for (int i = 0; i < 400; ++i) sequencer_->erase("c" + std::to_string(i), now_);
  seal();
  EXPECT_EQ(sequencer_->segment_bytes(), 0U);
  EXPECT_EQ(taken(), alone);
}

TEST_F(SequencerTest, FinishesAChannelThatHadNoEventYet) {
  EXPECT_EQ(sequencer_->finish("a", now_), 0U);
  EXPECT_EQ(seal(), "appeared:a=0 finished:0");
}

TEST_F(SequencerTest, OmitsWhatWasUndoneInTheSameTurn) {
  EXPECT_EQ(sequencer_->finish("a", now_), 0U);
  sequencer_->erase("a", now_);
  EXPECT_EQ(seal(), "appeared:a=0");
}

TEST_F(SequencerTest, ErasesNoChannelThatIsNotThere) {
  EXPECT_FALSE(sequencer_->erase("a", now_));
  EXPECT_FALSE(sequencer_->find("a"));
}

TEST_F(SequencerTest, RefusesMoreChannelsThanItMayHave) {
  log_limits_.channels_max = 1;
  publish("a");
  EXPECT_EQ(try_publish("b"), std::unexpected(PublishError::too_many_channels));
  EXPECT_EQ(sequencer_->finish("b", now_), std::unexpected(PublishError::too_many_channels));
  EXPECT_EQ(publish("a"), 2U);
}

TEST_F(SequencerTest, AllowsMoreChannelsOnceItMayHaveMore) {
  log_limits_.channels_max = 1;
  publish("a");
  EXPECT_EQ(try_publish("b"), std::unexpected(PublishError::too_many_channels));
  log_limits_.channels_max = 2;
  publish("b");
  log_limits_.channels_max = 1;
  publish("b");
  EXPECT_EQ(try_publish("c"), std::unexpected(PublishError::too_many_channels));
}

TEST_F(SequencerTest, AChannelThatExistsComesDownToALoweredLimit) {
  for (int i = 0; i < 10; ++i) publish("a", std::string(100, 'x'));
  seal();
  limits_.events = 4;
  ++log_limits_.revision;
  pass(1s);
  EXPECT_EQ(seal(), "evicted:0to6");
  limits_.bytes = 300;
  ++log_limits_.revision;
  pass(1s);
  EXPECT_EQ(seal(), "evicted:0to8");
  limits_ = {};
  ++log_limits_.revision;
  pass(1s);
  for (int i = 0; i < 8; ++i) publish("a");
  seal();
  EXPECT_EQ(state("a").events, 10U);
}

TEST_F(SequencerTest, AnEventLeavesAtALoweredAgeThoughItsVisitWasALongTimeAway) {
  publish("a");
  seal();
  limits_.age = 2s;
  ++log_limits_.revision;
  pass(1s);
  EXPECT_EQ(seal(), "nothing");
  pass(2s);
  EXPECT_EQ(seal(), "evicted:0to1");
  limits_.age = 1h;
  ++log_limits_.revision;
  pass(1s);
  publish("a");
  seal();
  pass(1h);
  EXPECT_EQ(seal(), "nothing") << "and at a raised one no earlier";
  pass(1s);
  EXPECT_EQ(seal(), "evicted:0to2 forgotten:0");
}

TEST_F(SequencerTest, ComesDownToLoweredLimitsAStepInEachTurn) {
  limits_ = {.events = 100'000, .bytes = 64U << 20U, .age = 1h};
  for (int i = 0; i < 30'000; ++i) publish(i % 2 == 0 ? "a" : "b");
  seal();
  limits_.events = 0;
  ++log_limits_.revision;
  std::uint64_t before = 30'000;
  int turns = 0;
  for (bool more = true; more; ++turns) {
    more = sequencer_->expire(now_);
    seal();
    const std::uint64_t now = state("a").events + state("b").events;
    EXPECT_LE(before - now, 8'192U) << "in turn " << turns;
    before = now;
  }
  EXPECT_EQ(before, 0U);
  EXPECT_GE(turns, 4);
}

TEST_F(SequencerTest, ShrinksToALoweredTotalAStepInEachTurnAndDoesNotGrowMeanwhile) {
  for (int i = 0; i < 1'000; ++i) publish(std::to_string(i), std::string(800, 'x'));
  seal();
  log_limits_.total_bytes = 100 * kSegmentFootprintMin;
  std::uint64_t before = sequencer_->segment_bytes();
  EXPECT_EQ(before, 1'000 * kSegmentFootprintMin);
  publish("one more", std::string(800, 'x'));
  EXPECT_EQ(sequencer_->segment_bytes(), before);
  while (sequencer_->expire(now_)) {
    EXPECT_LE(before - sequencer_->segment_bytes(), 256 * kSegmentFootprintMin);
    before = sequencer_->segment_bytes();
    seal();
  }
  EXPECT_EQ(sequencer_->segment_bytes(), log_limits_.total_bytes);
  EXPECT_EQ(state("one more").events, 1U);
  EXPECT_EQ(state("999").events, 1U);
  EXPECT_EQ(state("0").events, 0U);
}

TEST_F(SequencerTest, KeepsAnEventThatIsLargerThanEverything) {
  log_limits_.total_bytes = 4'096;
  publish("a", std::string(100'000, 'x'));
  pass(1s);
  EXPECT_EQ(state("a").events, 1U);
}

TEST_F(SequencerTest, ForgetsAnEmptyChannelWhenItWasIdleForLongEnough) {
  limits_.events = 0;
  publish("a");
  publish("b");
  seal();
  pass(599s);
  EXPECT_EQ(seal(), "nothing");
  publish("b");
  pass(1s);
  EXPECT_EQ(seal(), "forgotten:0 block:1x2to3 evicted:1to3");
  EXPECT_EQ(sequencer_->channel_count(), 1U);
  EXPECT_EQ(sequencer_->counters().channels_forgotten_total, 1U);
  publish("c");
  EXPECT_EQ(seal(), "appeared:c=0 block:0x1to4 evicted:0to4") << "the id is free again";
  publish("a");
  EXPECT_EQ(state("a").evicted_through, 1U) << "what it had lost is not forgotten";
  EXPECT_EQ(seal(), "appeared:a=2 block:2x1to5 evicted:2to5");
}

TEST_F(SequencerTest, ForgetsAFinishedChannelWhenItsEventsHaveAgedOut) {
  limits_.age = 60s;
  publish("a");
  ASSERT_TRUE(sequencer_->finish("a", now_));
  seal();
  pass(62s);
  EXPECT_EQ(seal(), "evicted:0to1");
  pass(538s);
  EXPECT_EQ(seal(), "forgotten:0");
  EXPECT_EQ(publish("a"), 2U) << "it is a new channel";
}

TEST_F(SequencerTest, EmitsAllOfAChannelBeforeItIsForgotten) {
  start({.epoch = kEpoch, .history = nullptr, .idle_forgotten_after = Duration(0)});
  limits_.events = 0;
  publish("a");
  pass(1s);
  EXPECT_EQ(seal(), "appeared:a=0 block:0x1to1 evicted:0to1 forgotten:0");
}

TEST_F(SequencerTest, ExpiresABoundedNumberAtATime) {
  limits_.events = 0;
  for (int i = 0; i < 3'000; ++i) publish("c" + std::to_string(i));
  seal();
  now_ = now_ + Duration(10min);
  EXPECT_TRUE(sequencer_->expire(now_));
  EXPECT_GT(sequencer_->channel_count(), 0U);
  pass(Duration(0));
  EXPECT_EQ(sequencer_->channel_count(), 0U);
  EXPECT_EQ(sequencer_->segment_bytes(), 0U);
}

TEST_F(SequencerTest, KeepsManyQuietChannelsSmall) {
  for (int i = 0; i < 10'000; ++i) publish("c" + std::to_string(i), std::string(100, 'x'));
  EXPECT_EQ(sequencer_->segment_bytes(), 10'000 * kSegmentFootprintMin);
}

TEST_F(SequencerTest, GivesABusyChannelLargerSegments) {
  for (int i = 0; i < 2'000; ++i) {
    const std::string channel = "empty/" + std::to_string(i);
    publish(channel);
    sequencer_->erase(channel, now_);
  }
  limits_.events = 100'000;
  limits_.bytes = 64U << 20U;
  std::uint64_t before = 0;
  std::vector<std::uint64_t> sizes;
  for (int i = 0; i < 4'000; ++i) {
    publish("a", std::string(100, 'x'));
    const std::uint64_t bytes = sequencer_->segment_bytes();
    if (bytes != before) sizes.push_back((bytes - before) / 1'024);
    before = bytes;
  }
  EXPECT_EQ(sizes, (std::vector<std::uint64_t>{1, 2, 4, 8, 16, 32, 64, 128, 128, 128, 128}));
}

TEST_F(SequencerTest, VisitsEveryChannel) {
  publish("a");
  publish("b");
  std::map<std::string, std::uint64_t> seen;
  sequencer_->for_each([&](std::string_view name, const Sequencer::ChannelState& channel) {
    seen.emplace(name, channel.published_total);
    return true;
  });
  EXPECT_EQ(seen, (std::map<std::string, std::uint64_t>{{"a", 1}, {"b", 1}}));
  int visits = 0;
  sequencer_->for_each([&](std::string_view, const Sequencer::ChannelState&) {
    ++visits;
    return false;
  });
  EXPECT_EQ(visits, 1);
}

TEST_F(SequencerTest, CountsWhatItHasDone) {
  publish("a");
  publish("a");
  sequencer_->erase("a", now_);
  EXPECT_EQ(sequencer_->counters().events_total, 2U);
  EXPECT_EQ(sequencer_->counters().bytes_total,
            2 * std::string_view("17\r\ndata: x\nid: 0123abc-1\n\n\r\n").size());
  EXPECT_EQ(sequencer_->counters().evicted_events_total, 2U);
  EXPECT_EQ(sequencer_->epoch(), *Epoch::parse("0123abc"));
}

SequencerOptions options_with(HistoryLimits limits) {
  Random random(1);
  SequencerOptions options;
  options.epoch = Epoch::from(random);
  options.history = [limits](std::string_view) { return limits; };
  return options;
}

Event event_with(std::string_view data) {
  return {.type = {}, .data = data, .retry_ms = {}};
}

TEST(Sequencer, EvictsTheEventsOfANewChannelAtTheirAge) {
  Sequencer sequencer(options_with({.age = 5s}));
  TimePoint now{};
  ASSERT_TRUE(sequencer.publish("news", event_with("hello"), "", now));
  for (int second = 0; second < 5; ++second, now = now + 1s) sequencer.expire(now);
  EXPECT_EQ(sequencer.find("news")->events, 1U);
  now = now + 1s;
  sequencer.expire(now);
  EXPECT_EQ(sequencer.find("news")->events, 0U);
}

TEST(Sequencer, EvictsTheEventsOfAChannelThatWasEmptyAtTheirAge) {
  Sequencer sequencer(options_with({.age = 5s}));
  TimePoint now{};
  ASSERT_TRUE(sequencer.publish("news", event_with("hello"), "", now));
  for (int second = 0; second < 60; ++second, now = now + 1s) sequencer.expire(now);
  ASSERT_TRUE(sequencer.publish("news", event_with("again"), "", now));
  for (int second = 0; second < 6; ++second, now = now + 1s) sequencer.expire(now);
  EXPECT_EQ(sequencer.find("news")->events, 1U);
  sequencer.expire(now);
  EXPECT_EQ(sequencer.find("news")->events, 0U);
}

}  // namespace
}  // namespace fanfare::fanout
