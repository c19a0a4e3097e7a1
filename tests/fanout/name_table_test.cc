#include "broker/fanout/name_table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/random.h"

namespace fanfare::fanout {
namespace {

struct Thing {
  std::string name;
};

const NameHash kHash(*Epoch::parse("0123abc"));

TEST(NameTable, FindsWhatBearsAName) {
  NameTable<Thing> table(kHash);
  Thing a{"a"};
  Thing long_one{std::string(255, 'x')};
  EXPECT_EQ(table.find("a"), nullptr);
  table.insert(&a);
  table.insert(&long_one);
  EXPECT_EQ(table.find("a"), &a);
  EXPECT_EQ(table.find(long_one.name), &long_one);
  EXPECT_EQ(table.find(""), nullptr);
  EXPECT_EQ(table.count(), 2U);
}

// Deletion closes the gaps that probing would stop at: against a map, with few names and many
// collisions of their homes.
TEST(NameTable, AgreesWithAMap) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    NameTable<Thing> table(kHash);
    std::map<std::string, std::unique_ptr<Thing>> map;
    const std::uint64_t names = 1 + random.below(60);
    for (int step = 0; step < 300; ++step) {
      const std::string name = "channel/" + std::to_string(random.below(names));
      const auto found = map.find(name);
      ASSERT_EQ(table.find(name), found == map.end() ? nullptr : found->second.get());
      ASSERT_EQ(table.expected(table.expect(name)), table.find(name)) << "hashes of 64 bits";
      if (found == map.end()) {
        auto thing = std::make_unique<Thing>(name);
        table.insert(thing.get());
        map.emplace(name, std::move(thing));
      } else if (random.chance(0.5)) {
        table.erase(found->second.get());
        map.erase(found);
      }
      ASSERT_EQ(table.count(), map.size());
    }
    for (const auto& [name, thing] : map) ASSERT_EQ(table.find(name), thing.get());
  }
}

TEST(NameHash, DependsOnEveryByteOnTheSizeAndOnTheEpoch) {
  const NameHash other(*Epoch::parse("0123abd"));
  std::set<std::size_t> seen;
  for (std::size_t size = 0; size < 70; ++size) {
    std::string name(size, 'a');
    EXPECT_TRUE(seen.insert(kHash(name)).second);
    EXPECT_TRUE(seen.insert(other(name)).second);
    for (char& c : name) {
      c = 'b';
      EXPECT_TRUE(seen.insert(kHash(name)).second);
      c = 'a';
    }
  }
}

TEST(NameHash, SpreadsNeighboursOverTheLowBits) {
  std::map<std::size_t, int> buckets;
  for (int i = 0; i < 64 * 100; ++i) ++buckets[kHash("metrics/host-" + std::to_string(i)) & 63U];
  for (const auto& [bucket, count] : buckets) {
    EXPECT_GT(count, 50) << bucket;
    EXPECT_LT(count, 150) << bucket;
  }
  EXPECT_EQ(buckets.size(), 64U);
}

}  // namespace
}  // namespace fanfare::fanout
