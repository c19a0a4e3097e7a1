// The latest events of keys that have left the history: what they occupy, how long a removal is
// known, and what newcomers share of them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "broker/fanout/keys.h"
#include "tests/fanout/shard_log.h"

namespace fanfare::fanout {
namespace {

// A channel "k" that keeps the latest of each key, and one event of its history.
class KeptKeys : public ::testing::Test {
 protected:
  static HistoryLimits limits() {
    HistoryLimits limits;
    limits.events = 1;
    limits.keep_latest = true;
    return limits;
  }
  static SequencerOptions options() {
    return {.epoch = testing::ShardLog::epoch(),
            .history = nullptr,
            .removals_max = 1,
            .removals_age = 10s};
  }
  // Without data the key goes.
  void set(std::string_view key, std::string_view data) {
    const Event event{.type = "", .data = data, .retry_ms = {}, .key = key};
    ASSERT_TRUE(log_.sequencer.publish("k", event, "", log_.now));
  }
  void set_many(int count, std::size_t size = 100) {
    for (int i = 0; i < count; ++i) set(fmt::format("key{}", i), std::string(size, 'x'));
    log_.turn();
  }
  const Keys& keys() { return *log_.sequencer.log().sources().find("k")->keys; }

  testing::ShardLog log_{limits(), options()};
};

// In each page something stays that nobody changes.
TEST_F(KeptKeys, OccupyWhatTheirValuesDoHoweverOftenTheyChange) {
  for (int i = 0; i < 1'000; ++i) {
    set(fmt::format("stays{}", i), "x");
    for (int busy = 0; busy < 20; ++busy) set(fmt::format("{}", busy), std::string(1'000, 'x'));
    log_.turn();
  }
  const KeysTotals totals = log_.sequencer.log().keys();
  EXPECT_EQ(totals.keys, 1'020U);
  // Half of a page may be dead, and its size is rounded up to a power of two.
  EXPECT_LE(totals.kept_bytes, 4 * (totals.value_bytes + totals.keys * sizeof(Segment::Entry)));
}

TEST_F(KeptKeys, ARemovalIsKnownForSomeTimeHoweverManyFollow) {
  set_many(20);
  for (int i = 0; i < 20; ++i) set(fmt::format("key{}", i), "");
  set("other", "x");
  log_.turn();
  EXPECT_EQ(keys().forgotten_through(), 0U);
  log_.now = log_.now + 9s;
  set("other", "x");
  set("key", "x");
  set("key", "");
  set("other", "x");
  log_.turn();
  EXPECT_EQ(keys().forgotten_through(), 0U) << "another removal, but all are too young";
  log_.now = log_.now + 1s;
  set("key", "x");
  set("key", "");
  set("other", "x");
  log_.turn();
  EXPECT_GT(keys().forgotten_through(), 20U);
}

class SharedSnapshots : public KeptKeys {
 protected:
  void SetUp() override { feed_ = log_.open({"k"}, Framing::plain); }
  void TearDown() override { log_.replica.release(feed_); }

  NewestStart snapshot() {
    const std::optional<NewestStart> start = log_.replica.snapshot(feed_);
    EXPECT_TRUE(start);
    return *start;
  }
  Span first_span(const NewestStart& start) {
    return log_.replica.read(feed_, start.cursor, 1U << 20U, start.newest).span;
  }

  Feed* feed_ = nullptr;
};

TEST_F(SharedSnapshots, ShareTheirBytes) {
  set_many(100);
  const Span first = first_span(snapshot());
  const Span second = first_span(snapshot());
  EXPECT_EQ(first.events, 100U);
  EXPECT_EQ(second.data, first.data);
  EXPECT_EQ(second.size, first.size);
  EXPECT_EQ(second.last, first.last);
}

TEST_F(SharedSnapshots, ShareASnapshotUntilAnEighthHasChanged) {
  set_many(100);
  EXPECT_EQ(snapshot().newest.through, 100U);
  set_many(12);
  EXPECT_EQ(snapshot().newest.through, 100U);
  set("another", "x");
  log_.turn();
  EXPECT_EQ(snapshot().newest.through, 113U);
}

TEST_F(SharedSnapshots, ShareNothingThatIsOlderThanARemovalThatIsForgotten) {
  set_many(100);
  EXPECT_EQ(snapshot().newest.through, 100U);
  set("key1", "");
  log_.now = log_.now + 10s;
  set("key2", "");
  set("key3", "x");
  log_.turn();
  ASSERT_EQ(keys().forgotten_through(), 101U);
  EXPECT_EQ(snapshot().newest.through, 103U);
}

TEST_F(SharedSnapshots, FindWhatWasKeptInSeveralPagesOfOneTurn) {
  set_many(1'000, 1'000);
  std::uint32_t events = 0;
  NewestStart start = snapshot();
  while (start.cursor.at < start.newest.through) {
    const Read read = log_.replica.read(feed_, start.cursor, 1U << 20U, start.newest);
    ASSERT_GT(read.span.size, 0U);
    events += read.span.events;
    start.cursor = read.cursor;
  }
  EXPECT_EQ(events, 1'000U);
}

}  // namespace
}  // namespace fanfare::fanout
