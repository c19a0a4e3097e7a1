// What newcomers to a crowd share: one snapshot a crowd, as long as it is used, within bounds.
#include "broker/fanout/snapshots.h"

#include <gtest/gtest.h>

#include "tests/fanout/shard_log.h"

namespace fanfare::fanout {
namespace {

using testing::at;

// A place in the log is all that these need; nobody looks at the bytes.
Span span_to(Sequence last, std::size_t size = 100) {
  return {.keeps = {}, .data = nullptr, .size = size, .events = 1, .last = last};
}

TEST(Snapshots, GiveAReaderWhatTheFirstOneWasSentFromThere) {
  Snapshots snapshots;
  Snapshots::Snapshot& one = snapshots.begin(7, 10, 50);
  snapshots.add(one, 10, span_to(30));
  snapshots.add(one, 30, span_to(50));
  ASSERT_NE(Snapshots::piece(one, 10), nullptr);
  EXPECT_EQ(Snapshots::piece(one, 10)->last, 30U);
  EXPECT_EQ(Snapshots::piece(one, 30)->last, 50U);
  EXPECT_EQ(Snapshots::piece(one, 20), nullptr) << "nobody has been sent anything from there";
  EXPECT_EQ(Snapshots::piece(one, 50), nullptr);
}

TEST(Snapshots, KeepWhatTheFirstWasSent) {
  Snapshots snapshots;
  Snapshots::Snapshot& one = snapshots.begin(7, 10, 50);
  snapshots.add(one, 10, span_to(30));
  snapshots.add(one, 10, span_to(40));
  EXPECT_EQ(Snapshots::piece(one, 10)->last, 30U);
  EXPECT_EQ(one.bytes, 100U);
}

TEST(Snapshots, AreOneACrowd) {
  Snapshots snapshots;
  snapshots.add(snapshots.begin(7, 10, 50), 10, span_to(30));
  snapshots.begin(8, 0, 60);
  snapshots.begin(7, 20, 70);
  ASSERT_NE(snapshots.find(7), nullptr);
  EXPECT_EQ(snapshots.find(7)->through, 70U);
  EXPECT_TRUE(snapshots.find(7)->pieces.empty());
  EXPECT_EQ(snapshots.find(8)->through, 60U);
  EXPECT_EQ(snapshots.find(9), nullptr);
}

TEST(Snapshots, GoWhenNobodyHasUsedThemForAWhile) {
  Snapshots snapshots;
  snapshots.advance(at(100s));
  snapshots.begin(7, 0, 1);
  snapshots.begin(8, 0, 1);
  snapshots.advance(at(102s));
  ASSERT_NE(snapshots.find(7), nullptr);
  snapshots.advance(at(103s));
  EXPECT_NE(snapshots.find(7), nullptr);
  EXPECT_EQ(snapshots.find(8), nullptr);
}

TEST(Snapshots, MakeRoomForAnotherCrowdsByTheOneThatWasNotUsedForLongest) {
  Snapshots snapshots;
  for (std::uint64_t crowd = 1; crowd <= 8; ++crowd) {
    snapshots.advance(at(100s + crowd * 1ms));
    snapshots.begin(crowd, 0, 1);
  }
  snapshots.advance(at(101s));
  snapshots.find(1);
  snapshots.begin(9, 0, 1);
  EXPECT_EQ(snapshots.find(2), nullptr);
  for (const std::uint64_t crowd : {1, 3, 4, 5, 6, 7, 8, 9}) {
    EXPECT_NE(snapshots.find(crowd), nullptr) << crowd;
  }
}

TEST(Snapshots, HaveABoundInBytes) {
  Snapshots snapshots;
  Snapshots::Snapshot& one = snapshots.begin(7, 0, 50);
  snapshots.add(one, 0, span_to(10, 30U << 20U));
  snapshots.add(one, 10, span_to(20, 3U << 20U));
  EXPECT_EQ(Snapshots::piece(one, 10), nullptr) << "each is sent its own";
  Snapshots::Snapshot& another = snapshots.begin(8, 0, 50);
  snapshots.add(another, 0, span_to(10, 3U << 20U));
  EXPECT_EQ(Snapshots::piece(another, 0), nullptr) << "of all of them together";
  snapshots.add(another, 0, span_to(10, 2U << 20U));
  EXPECT_NE(Snapshots::piece(another, 0), nullptr);
}

TEST(Snapshots, ThatWentTakeNoRoom) {
  Snapshots snapshots;
  for (Sequence through = 1; through <= 3; ++through) {
    Snapshots::Snapshot& anew = snapshots.begin(7, 0, through);
    snapshots.add(anew, 0, span_to(through, 30U << 20U));
    EXPECT_NE(Snapshots::piece(anew, 0), nullptr) << through;
  }
}

}  // namespace
}  // namespace fanfare::fanout
