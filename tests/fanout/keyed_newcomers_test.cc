// What a newcomer to a channel that keeps the latest event of each key is sent, whatever became of
// keys, places and shared snapshots before.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/fanout/shard_log.h"

namespace fanfare::fanout {
namespace {

using testing::read_events;
using testing::ReceivedEvent;
using testing::ShardLog;

SequencerOptions remembering(std::uint32_t removals) {
  return {.epoch = ShardLog::epoch(),
          .history = nullptr,
          .removals_max = removals,
          .removals_age = Duration(0)};
}

class KeyedNewcomers : public ::testing::Test {
 protected:
  ~KeyedNewcomers() override { log_.replica.release(feed_); }

  // Without data: the key is removed.
  void set(std::string_view key, std::string_view data) {
    const Event event{.type = "", .data = data, .retry_ms = {}, .key = key};
    ASSERT_TRUE(log_.sequencer.publish("k", event, "", log_.now));
    log_.turn();
    while (log_.replica.next_round(1'000)) continue;
  }
  std::vector<ReceivedEvent> newcomer() {
    const auto start = log_.replica.snapshot(feed_);
    std::string text;
    Read read;
    read.cursor = start->cursor;
    while (!read.caught_up) {
      read = log_.replica.read(feed_, read.cursor, 64U << 10U, start->newest);
      EXPECT_FALSE(read.gap);
      text.append(read.span.data, read.span.size);
    }
    return read_events(text);
  }
  static bool has(const std::vector<ReceivedEvent>& events, std::string_view data) {
    return std::ranges::find(events, data, &ReceivedEvent::data) != events.end();
  }

  ShardLog log_{{.events = 1, .keep_latest = true}, remembering(1)};
  Feed* feed_ = log_.open({"k"}, Framing::keyed);
};

TEST_F(KeyedNewcomers, AreNotSentASharedSnapshotWithKeysWhoseRemovalsAreKnownNoMore) {
  for (int key = 0; key < 64; ++key) set(fmt::format("{}", key), fmt::format("value {}", key));
  EXPECT_EQ(newcomer().size(), 64U);
  set("1", "");
  set("2", "");
  set("3", "newer");  // both have left the window, and one is remembered
  const auto events = newcomer();
  EXPECT_EQ(events.size(), 62U);
  EXPECT_FALSE(has(events, "value 1")) << "nothing would ever remove it";
  EXPECT_TRUE(has(events, "newer"));
}

TEST_F(KeyedNewcomers, HearNothingOfRemovalsHoweverOftenPlacesWereCompacted) {
  set("gone", "value");
  for (int key = 0; key < 10; ++key) set(fmt::format("{}", key), "first");
  set("gone", "");
  for (int round = 0; round < 5; ++round) {
    for (int key = 0; key < 10; ++key) set(fmt::format("{}", key), fmt::format("{}", round));
  }
  const auto events = newcomer();
  EXPECT_EQ(events.size(), 10U);
  for (const ReceivedEvent& event : events) EXPECT_EQ(event.data, "4");
}

// PROTOCOL.md: everything but `A-Z a-z 0-9 . _ ~ : @ / -` is written as in a URL.
TEST_F(KeyedNewcomers, SeeEachKeyAsInAURL) {
  const std::pair<std::string, std::string> keys[] = {{"Az09._~:@/-", "Az09._~:@/-"},
                                                      {"a,b", "a%2Cb"},
                                                      {"ü %", "%C3%BC%20%25"},
                                                      {"[`{", "%5B%60%7B"}};
  for (const auto& [key, written] : keys) set(key, "x");
  const auto events = newcomer();
  ASSERT_EQ(events.size(), std::size(keys));
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_TRUE(events[i].id.ends_with("," + keys[i].second)) << events[i].id;
  }
}

}  // namespace
}  // namespace fanfare::fanout
