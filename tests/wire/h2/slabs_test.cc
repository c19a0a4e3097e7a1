#include "broker/wire/h2/slabs.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <vector>

namespace fanfare::h2_test {
namespace {

using h2::Slabs;

TEST(Slabs, BlocksOfAllSizesKeepTheirBytesWhateverIsReleasedBetweenThem) {
  Slabs slabs;
  std::mt19937 random(7);
  std::map<unsigned char*, std::pair<std::size_t, unsigned char>> blocks;
  for (int i = 0; i < 20'000; ++i) {
    if (random() % 3 != 0 || blocks.empty()) {
      const std::size_t size =
          Slabs::kBlockMin + random() % (Slabs::kBlockMax - Slabs::kBlockMin + 1);
      auto* const block = static_cast<unsigned char*>(slabs.allocate(size));
      ASSERT_NE(block, nullptr);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % 8, 0U);
      ASSERT_GE(Slabs::size_of(block), size);
      ASSERT_TRUE(slabs.own(block));
      const auto mark = static_cast<unsigned char>(random());
      std::memset(block, mark, size);
      ASSERT_TRUE(blocks.emplace(block, std::pair(size, mark)).second) << "it is in use already";
      continue;
    }
    const auto chosen = std::next(blocks.begin(), static_cast<long>(random() % blocks.size()));
    const auto& [size, mark] = chosen->second;
    for (std::size_t at = 0; at < size; ++at) ASSERT_EQ(chosen->first[at], mark);
    slabs.release(chosen->first);
    blocks.erase(chosen);
  }
}

TEST(Slabs, WhatMallocGaveIsNotTheirs) {
  Slabs slabs;
  void* const own = slabs.allocate(200);
  void* const foreign = std::malloc(200);
  EXPECT_TRUE(slabs.own(own));
  EXPECT_FALSE(slabs.own(foreign));
  EXPECT_FALSE(slabs.own(nullptr));
  std::free(foreign);
}

TEST(Slabs, TheMemoryOfManyStreamsIsGivenBackWhenTheyHaveGone) {
  Slabs slabs;
  std::vector<void*> blocks;
  for (int i = 0; i < 10'000; ++i) blocks.push_back(slabs.allocate(224));
  EXPECT_GE(slabs.slab_count(), 35U) << "of 64 KiB each";
  EXPECT_LE(slabs.slab_count(), 36U) << "with nothing between the blocks";
  // Every other one: the slabs stay, and what comes then finds room in them.
  for (std::size_t i = 0; i < blocks.size(); i += 2) slabs.release(blocks[i]);
  for (std::size_t i = 0; i < blocks.size(); i += 2) blocks[i] = slabs.allocate(224);
  EXPECT_LE(slabs.slab_count(), 36U);
  for (void* const block : blocks) slabs.release(block);
  EXPECT_EQ(slabs.slab_count(), 1U);
}

}  // namespace
}  // namespace fanfare::h2_test
