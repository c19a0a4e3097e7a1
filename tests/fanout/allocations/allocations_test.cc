// What costs no memory: an event costs nothing per subscriber, and a publish to a channel that is
// there nothing but its share of a segment. Counted, in a program of its own, by replacing the
// global operator new.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/fanout/replica.h"
#include "broker/fanout/segment_writer.h"
#include "broker/fanout/sequencer.h"
#include "broker/fanout/window.h"
#include "tests/fanout/allocations/counting_new.h"

namespace fanfare::fanout {
namespace {

constexpr std::uint32_t kMembers = 10'000;
constexpr TimePoint kNow{1'000'000'000'000};

class AllocationsTest : public ::testing::Test {
 protected:
  AllocationsTest()
      : sequencer_({.epoch = kEpoch, .history = nullptr}),
        replica_({.epoch = kEpoch, .members_max = kMembers}) {}

  void publish(std::string_view channel) {
    ASSERT_TRUE(
        sequencer_.publish(channel, {.type = "t", .data = data_, .retry_ms = {}}, "", kNow));
  }
  BatchPtr seal() { return sequencer_.seal(kNow); }
  // All rounds; how many members were handed something.
  std::size_t serve() {
    std::size_t served = 0;
    while (const auto round = replica_.next_round(256)) served += round->members.size();
    return served;
  }
  Feed* open_with_members(std::vector<std::string_view> topics, Framing framing, Member from,
                          Member to) {
    Feed* const feed = replica_.open(topics, framing);
    for (Member member = from; member < to; ++member) replica_.join(feed, member);
    return feed;
  }

  static inline const Epoch kEpoch = *Epoch::parse("0123abc");
  const std::string data_ = std::string(200, 'x');
  Sequencer sequencer_;
  Replica replica_;
};

TEST_F(AllocationsTest, RoundsTakeNoneHoweverManyMembers) {
  open_with_members({"a"}, Framing::chunked, 0, kMembers);
  for (int turn = 0; turn < 2'000; ++turn) {
    publish("a");
    const BatchPtr batch = seal();
    const std::size_t before = allocation_count();
    replica_.apply(*batch);
    ASSERT_EQ(serve(), kMembers);
    ASSERT_TRUE(allocation_count() == before || turn < 1'000) << "turn " << turn;
  }
}

TEST_F(AllocationsTest, NorDoMergedAndReframedRounds) {
  open_with_members({"a", "b"}, Framing::chunked, 0, 2'500);
  open_with_members({"a", "b"}, Framing::plain, 2'500, 5'000);
  open_with_members({"*"}, Framing::raw, 5'000, 7'500);
  open_with_members({"b"}, Framing::raw_chunked, 7'500, kMembers);
  for (int turn = 0; turn < 2'000; ++turn) {
    publish("a");
    publish("b");
    const BatchPtr batch = seal();
    const std::size_t before = allocation_count();
    replica_.apply(*batch);
    ASSERT_EQ(serve(), kMembers);
    ASSERT_TRUE(allocation_count() == before || turn < 1'000) << "turn " << turn;
  }
}

TEST_F(AllocationsTest, LeavingReadingAndJoiningAgainTakeNone) {
  Feed* const feed = open_with_members({"a", "b"}, Framing::chunked, 0, 100);
  for (int turn = 0; turn < 2'000; ++turn) {
    publish("a");
    publish("b");
    const BatchPtr batch = seal();
    const std::size_t before = allocation_count();
    replica_.apply(*batch);
    const Member member = static_cast<Member>(turn % 100);
    const Cursor cursor = replica_.leave(feed, member);
    serve();
    ASSERT_TRUE(replica_.read(feed, cursor, 100'000).caught_up);
    replica_.join(feed, member);
    ASSERT_TRUE(allocation_count() == before || turn < 1'000) << "turn " << turn;
  }
}

TEST_F(AllocationsTest, PublishingTakesNone) {
  constexpr int kChannels = 50;
  constexpr int kPerTurn = 500;
  std::vector<std::string> channels;
  for (int i = 0; i < kChannels; ++i)
    channels.push_back("a channel with a name " + std::to_string(i));
  const auto turn = [&] {
    for (int i = 0; i < kPerTurn; ++i) publish(channels[static_cast<std::size_t>(i) % kChannels]);
    replica_.apply(*seal());
  };
  for (int i = 0; i < 1'000; ++i) turn();
  const std::size_t before = allocation_count();
  for (int i = 0; i < 100; ++i) turn();
  EXPECT_EQ(allocation_count(), before) << "segments and batches are used again";
}

TEST(WindowMemory, AnEmptyWindowKeepsNoMemoryOfItsPeak) {
  Window window;
  const std::size_t before = live_allocation_count();
  for (Sequence sequence = 1; sequence <= 100; ++sequence) {
    SegmentWriter writer(Segment::make(256));
    writer.append(100, sequence, 0);
    window.append(writer.segment(), writer.newest(100, sequence));
  }
  ASSERT_GT(live_allocation_count(), before + 100);
  window.evict(100);
  while (window.take_dead()) {
  }
  EXPECT_EQ(live_allocation_count(), before);
}

}  // namespace
}  // namespace fanfare::fanout
