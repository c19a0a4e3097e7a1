#include "broker/fanout/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "broker/fanout/buddy.h"
#include "broker/fanout/segment.h"

#include "common/random.h"

namespace fanfare::fanout {
namespace {

TEST(Buddy, GivesTheLowestRunAndJoinsHalvesAgain) {
  Buddy buddy;
  EXPECT_EQ(buddy.longest(), Buddy::kHeight + 1);
  EXPECT_EQ(buddy.take(0), 0U);
  EXPECT_EQ(buddy.take(1), 2U) << "aligned to its length";
  EXPECT_EQ(buddy.take(0), 1U);
  EXPECT_EQ(buddy.longest(), Buddy::kHeight) << "the upper half is whole";
  buddy.give_back(0, 0);
  buddy.give_back(2, 1);
  EXPECT_EQ(buddy.take(1), 2U) << "block 1 is taken still";
  buddy.give_back(2, 1);
  buddy.give_back(1, 0);
  EXPECT_EQ(buddy.longest(), Buddy::kHeight + 1);
  EXPECT_EQ(buddy.take(Buddy::kHeight), 0U);
  EXPECT_EQ(buddy.longest(), 0U);
}

// Against a plain list of which block is taken.
TEST(Buddy, AgreesWithAPlainList) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Buddy buddy;
    std::vector<bool> taken(Buddy::kBlocks);
    std::vector<std::pair<std::uint32_t, unsigned>> runs;
    const auto is_free = [&](std::uint32_t begin, std::uint32_t length) {
      return std::none_of(taken.begin() + begin, taken.begin() + begin + length,
                          [](bool block) { return block; });
    };
    for (int step = 0; step < 2'000; ++step) {
      if (random.chance(0.55)) {
        const auto order = static_cast<unsigned>(random.below(8));
        const std::uint32_t length = 1U << order;
        std::uint32_t lowest = 0;
        while (lowest < Buddy::kBlocks && !is_free(lowest, length)) lowest += length;
        ASSERT_EQ(buddy.longest() > order, lowest < Buddy::kBlocks) << "seed " << seed;
        if (lowest == Buddy::kBlocks) continue;
        const std::uint32_t block = buddy.take(order);
        ASSERT_EQ(block % length, 0U);
        ASSERT_TRUE(is_free(block, length)) << "seed " << seed;
        std::fill_n(taken.begin() + block, length, true);
        runs.emplace_back(block, order);
      } else if (!runs.empty()) {
        std::swap(runs[random.below(runs.size())], runs.back());
        const auto [block, order] = runs.back();
        runs.pop_back();
        buddy.give_back(block, order);
        std::fill_n(taken.begin() + block, 1U << order, false);
      }
    }
  }
}

TEST(SegmentArena, ServesPowersOfTwo) {
  constexpr std::size_t kBlock = SegmentArena::kBlockBytes;
  for (const std::size_t blocks : {1U, 2U, 64U, 128U})
    EXPECT_TRUE(SegmentArena::serves(blocks * kBlock));
  for (const std::size_t size : {std::size_t{0}, kBlock - 1, kBlock + 1, 3 * kBlock, 256 * kBlock})
    EXPECT_FALSE(SegmentArena::serves(size));
}

// Every piece is written from end to end: two that overlap, or one beyond its chunk, would show.
TEST(SegmentArena, GivesPiecesThatAreTheTakersAlone) {
  const Ref<SegmentArena> arena = SegmentArena::make();
  Random random(1);
  struct Piece {
    char* begin;
    std::size_t size;
    char mark;
  };
  std::vector<Piece> pieces;
  const auto give_back = [&](const Piece& piece) {
    ASSERT_EQ(std::count(piece.begin, piece.begin + piece.size, piece.mark),
              static_cast<std::ptrdiff_t>(piece.size));
    arena->give_back(piece.begin, piece.size);
  };
  for (int step = 0; step < 20'000; ++step) {
    if (random.chance(step < 12'000 ? 0.7 : 0.3)) {
      const std::size_t size = SegmentArena::kBlockBytes << random.below(8);
      const Piece piece{static_cast<char*>(arena->take(size)), size, static_cast<char>(step)};
      std::memset(piece.begin, piece.mark, size);
      pieces.push_back(piece);
    } else if (!pieces.empty()) {
      std::swap(pieces[random.below(pieces.size())], pieces.back());
      give_back(pieces.back());
      pieces.pop_back();
    }
  }
  for (const Piece& piece : pieces) give_back(piece);
  EXPECT_EQ(arena->footprint(), SegmentArena::kChunkBytes) << "one is kept";
}

TEST(SegmentArena, HandsChunksBackAndFillsTheLowestFirst) {
  const Ref<SegmentArena> arena = SegmentArena::make();
  constexpr std::size_t kSize = 8 * SegmentArena::kBlockBytes;
  std::vector<void*> pieces;
  while (arena->footprint() <= 2 * SegmentArena::kChunkBytes) pieces.push_back(arena->take(kSize));
  const std::size_t each = (pieces.size() - 1) / 2;
  EXPECT_GE(each, SegmentArena::kChunkBytes / kSize - 1) << "little is lost to what it notes";
  // The second and the third chunk become empty: one of them goes.
  for (std::size_t i = each; i < pieces.size(); ++i) arena->give_back(pieces[i], kSize);
  EXPECT_EQ(arena->footprint(), 2 * SegmentArena::kChunkBytes);
  arena->give_back(pieces[each - 1], kSize);
  EXPECT_EQ(arena->take(kSize), pieces[each - 1]) << "not of the empty chunk";
  EXPECT_EQ(arena->take(kSize), pieces[each]) << "the lower of the two was kept";
  arena->give_back(pieces[each], kSize);
  for (std::size_t i = 0; i < each; ++i) arena->give_back(pieces[i], kSize);
  EXPECT_EQ(arena->footprint(), SegmentArena::kChunkBytes);
}

TEST(SegmentArena, LivesAsLongAsASegmentThatIsReleasedElsewhere) {
  constexpr std::size_t kBlock = SegmentArena::kBlockBytes;
  Ref<SegmentArena> arena = SegmentArena::make();
  std::vector<Ref<Segment>> here(5'000);
  for (Ref<Segment>& segment : here) segment = Segment::make(kBlock - sizeof(Segment), arena);
  EXPECT_GT(arena->footprint(), 5'000 * kBlock);
  std::vector<Ref<Segment>> there(here.begin() + 1'000, here.end());
  here.resize(3'000);
  std::thread other([&] { there.clear(); });
  for (int i = 0; i < 1'000; ++i)
    here[1'000U + static_cast<std::size_t>(i)] = Segment::make(2 * kBlock - sizeof(Segment), arena);
  here.resize(1'000);
  other.join();
  EXPECT_LE(arena->footprint(), 2 * SegmentArena::kChunkBytes);
  arena = {};
  EXPECT_EQ(here.back()->footprint(), kBlock);
}

TEST(Segment, ComesFromTheHeapWhereTheArenaDoesNotServe) {
  const Ref<SegmentArena> arena = SegmentArena::make();
  const Ref<Segment> odd = Segment::make(3000, arena);
  const Ref<Segment> large =
      Segment::make(256 * SegmentArena::kBlockBytes - sizeof(Segment), arena);
  EXPECT_EQ(arena->footprint(), 0U);
}

}  // namespace
}  // namespace fanfare::fanout
