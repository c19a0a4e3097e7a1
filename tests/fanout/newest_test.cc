// The newest events of each channel: which they are, in which order, and what is said when some of
// them have left meanwhile.
#include "broker/fanout/newest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "broker/fanout/replica.h"
#include "tests/fanout/shard_log.h"

#include "common/random.h"

namespace fanfare::fanout {
namespace {

using testing::ShardLog;

constexpr std::size_t kAllChannels = 1'000;

// Everything from the start on, read in pieces of so many bytes; "(gap)" where one is reported.
std::string read_all(ShardLog& log, const Feed* feed, const NewestStart& start,
                     std::size_t bytes_max) {
  std::string text;
  Cursor cursor = start.cursor;
  for (int reads = 0; reads < 10'000; ++reads) {
    const Read read = log.replica.read(feed, cursor, bytes_max, start.newest);
    cursor = read.gap ? read.gap->cursor : read.cursor;
    if (read.gap) {
      text += "(gap)";
      continue;
    }
    text.append(read.span.data, read.span.size);
    if (read.caught_up) return text;
  }
  ADD_FAILURE() << "it never ends";
  return text;
}

TEST(NewestOfEach, AreInTheOrderOfTheLog) {
  ShardLog log;
  const Feed* const feed = log.open({"*"});
  for (const auto* const channel : {"a", "b", "b", "a", "c", "b"}) {
    log.publish(channel, fmt::format("{}{} ", channel, log.sequencer.head() + 1));
  }
  log.turn();
  const auto newest = [&](std::uint32_t events) {
    return read_all(log, feed, log.replica.newest_of_each(feed, events, kAllChannels), 10'000);
  };
  EXPECT_EQ(newest(0), "");
  EXPECT_EQ(newest(1), "a4 c5 b6 ");
  EXPECT_EQ(newest(2), "a1 b3 a4 c5 b6 ");
  EXPECT_EQ(newest(3), "a1 b2 b3 a4 c5 b6 ");
}

TEST(NewestOfEach, AreFollowedByAllThatComes) {
  ShardLog log;
  const Feed* const feed = log.open({"*"});
  for (const auto* const data : {"1", "2", "3"}) log.publish("busy", data);
  log.turn();
  const NewestStart start = log.replica.newest_of_each(feed, 1, kAllChannels);
  for (const auto* const data : {"4", "5"}) log.publish("busy", data);
  log.turn();
  EXPECT_EQ(read_all(log, feed, start, 1), "345");
}

// Against a list of what was published, in pieces of any size.
TEST(NewestOfEach, AreThoseThatAListWouldGive) {
  Random random(3);
  for (int round = 0; round < 60; ++round) {
    ShardLog log({.events = static_cast<std::uint32_t>(1 + random.below(8))});
    const Feed* const feed = log.open({"*"});
    std::map<std::string, std::vector<Sequence>> left;
    const std::uint64_t channels = 1 + random.below(12);
    const auto publish = [&] {
      const std::string channel = fmt::format("c{}", random.below(channels));
      const Sequence sequence = log.publish(channel, fmt::format("{} ", log.sequencer.head() + 1));
      left[channel].push_back(sequence);
    };
    for (std::uint64_t i = random.below(200); i > 0; --i) publish();
    log.turn();
    const auto events = static_cast<std::uint32_t>(1 + random.below(5));
    std::vector<Sequence> wanted;
    for (auto& [channel, sequences] : left) {
      const auto state = log.sequencer.find(channel);
      const auto kept = std::min<std::size_t>({sequences.size(), state->events, events});
      wanted.insert(wanted.end(), sequences.end() - static_cast<std::ptrdiff_t>(kept),
                    sequences.end());
    }
    std::ranges::sort(wanted);
    std::string expected;
    for (const Sequence sequence : wanted) expected += fmt::format("{} ", sequence);
    const NewestStart start = log.replica.newest_of_each(feed, events, kAllChannels);
    EXPECT_FALSE(start.cut);
    EXPECT_EQ(read_all(log, feed, start, 1 + random.below(300)), expected) << "round " << round;
  }
}

TEST(NewestOfEach, OfTooManyChannelsAreThoseOfTheLatest) {
  ShardLog log;
  const Feed* const feed = log.open({"*"});
  for (int i = 0; i < 10; ++i) {
    log.publish(fmt::format("c{}", i), fmt::format("{} ", i));
    log.turn();
  }
  const NewestStart start = log.replica.newest_of_each(feed, 1, 3);
  EXPECT_TRUE(start.cut);
  EXPECT_EQ(start.cursor.at, 7U) << "of what came until there, some is not sent";
  EXPECT_EQ(read_all(log, feed, start, 1), "7 8 9 ");
  EXPECT_FALSE(log.replica.newest_of_each(feed, 1, 10).cut);
}

TEST(NewestOfEach, OfTooManyChannelsBeginWhereTheOthersHaveEnded) {
  ShardLog log;
  const Feed* const feed = log.open({"*"});
  for (const auto* const channel : {"a", "b", "c", "d", "a"}) {
    log.publish(channel, fmt::format("{}{} ", channel, log.sequencer.head() + 1));
    log.turn();
  }
  const NewestStart start = log.replica.newest_of_each(feed, 2, 2);
  EXPECT_TRUE(start.cut);
  EXPECT_EQ(read_all(log, feed, start, 1), "d4 a5 ") << "and neither b nor c, nor a before them";
}

// A busy channel pushes its old events out all the time: no wanted one is among them.
TEST(NewestOfEach, AreNotMissedWhereAnOlderOneLeaves) {
  ShardLog log({.events = 3});
  const Feed* const feed = log.open({"*"});
  log.publish("quiet", "q ");
  for (int i = 0; i < 3; ++i) log.publish("busy", fmt::format("{} ", i));
  log.turn();
  const NewestStart start = log.replica.newest_of_each(feed, 1, kAllChannels);
  EXPECT_EQ(start.cursor.at, 0U);
  log.publish("busy", "3 ");  // pushes out 0, which nobody wanted
  log.publish("busy", "4 ");  // and 1
  log.turn();
  EXPECT_EQ(read_all(log, feed, start, 1), "q 2 3 4 ");
}

TEST(NewestOfEach, AreMissedWhereTheyThemselvesLeave) {
  ShardLog log({.events = 2});
  const Feed* const feed = log.open({"*"});
  log.publish("quiet", "q ");
  log.publish("busy", "0 ");
  log.publish("busy", "1 ");
  log.turn();
  const NewestStart start = log.replica.newest_of_each(feed, 2, kAllChannels);
  Read read = log.replica.read(feed, start.cursor, 1, start.newest);
  EXPECT_EQ(std::string(read.span.data, read.span.size), "q ");
  log.publish("busy", "2 ");  // pushes out 0, which was still to be sent
  log.turn();
  const Cursor before = read.cursor;
  read = log.replica.read(feed, before, 1, start.newest);
  ASSERT_TRUE(read.gap);
  EXPECT_EQ(read.gap->resumed, 2U);
  EXPECT_EQ(read_all(log, feed, {.cursor = before, .newest = start.newest}, 1), "(gap)1 2 ");
}

// Removals that were forgotten since are among what it then counts as knowing of.
TEST(NewestOfEach, AreMissedTogetherWithRemovalsThatWereForgottenSince) {
  const Epoch epoch = ShardLog::epoch();
  Sequencer sequencer({.epoch = epoch,
                       .history =
                           [](std::string_view name) {
                             const bool keyed = name == "k";
                             return HistoryLimits{.events = keyed ? 0U : 1U, .keep_latest = keyed};
                           },
                       .removals_max = 1,
                       .removals_age = 0s});
  Replica replica({.epoch = epoch, .members_max = 1});
  const TimePoint now = testing::at(1'000s);
  const auto set = [&](std::string_view channel, std::string_view key, std::string_view data) {
    ASSERT_TRUE(sequencer.publish(channel, {.type = "", .data = data, .retry_ms = {}, .key = key},
                                  "", now));
  };
  const std::vector<std::string_view> topics = {"k", "plain"};
  const Feed* const feed = replica.open(topics, Framing::raw);
  for (const char* const key : {"a", "b", "c"}) set("k", key, "x");
  set("plain", "", "1");
  replica.apply(*sequencer.seal(now));
  Cursor begun = replica.newest_of_each(feed, 1, kAllChannels).cursor;
  begun.at = 0;
  for (const char* const key : {"a", "b"}) set("k", key, "");
  set("plain", "", "2");
  replica.apply(*sequencer.seal(now));
  for (const Newest& newest : {Newest{.through = 4, .of_keys = true, .others_after = 0},
                               Newest{.of_each = 1, .through = 4}}) {
    const Read read = replica.read(feed, begun, 100, newest);
    ASSERT_TRUE(read.gap);
    EXPECT_TRUE(read.gap->removals) << newest.of_each;
  }
}

// What has left is named as a whole, since it is known from then on.
TEST(NewestOfEach, AreMissedTogetherWithWhatCameAndLeftSince) {
  ShardLog log({.events = 1});
  const Feed* const feed = log.open({"*"});
  log.publish("quiet", "q ");
  log.publish("busy", "0 ");
  log.turn();
  const NewestStart start = log.replica.newest_of_each(feed, 1, kAllChannels);
  const Cursor before = log.replica.read(feed, start.cursor, 1, start.newest).cursor;
  log.publish("busy", "1 ");
  log.publish("busy", "2 ");
  log.turn();
  const Read read = log.replica.read(feed, before, 1, start.newest);
  ASSERT_TRUE(read.gap);
  EXPECT_EQ(read.gap->resumed, 3U);
  EXPECT_EQ(read_all(log, feed, {.cursor = before, .newest = start.newest}, 1), "(gap)2 ");
}

TEST(NewestOfEach, ThatLeftLongBeforeAreNoLoss) {
  ShardLog log({.events = 2});
  const Feed* const feed = log.open({"*"});
  log.publish("quiet", "q ");
  for (int i = 0; i < 5; ++i) log.publish("busy", fmt::format("{} ", i));
  log.turn();
  EXPECT_EQ(read_all(log, feed, log.replica.newest_of_each(feed, 5, kAllChannels), 1), "q 3 4 ");
}

}  // namespace
}  // namespace fanfare::fanout
