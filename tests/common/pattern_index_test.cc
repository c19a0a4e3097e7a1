// The index against the plain question, pattern by pattern.
#include "common/pattern_index.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "common/pattern.h"
#include "common/random.h"

namespace fanfare {
namespace {

std::string some_segment(Random& random, std::string_view letters) {
  std::string segment;
  const std::uint64_t size = random.below(5);
  for (std::uint64_t i = 0; i < size; ++i) segment += letters[random.below(letters.size())];
  return segment;
}

std::string some_name(Random& random) {
  std::string name;
  for (std::uint64_t depth = random.below(5);; --depth) {
    name += some_segment(random, "aaab~");
    if (depth == 0) break;
    name += '/';
  }
  return name;
}

std::string some_pattern(Random& random) {
  std::string pattern;
  for (std::uint64_t depth = random.below(5);; --depth) {
    pattern += random.chance(0.25) ? "**" : some_segment(random, "aab*~");
    if (depth == 0) break;
    pattern += '/';
  }
  return pattern;
}

class PatternIndexTest : public ::testing::Test {
 protected:
  void add(const std::string& pattern) { numbers_[pattern] = index_.insert(pattern); }
  void remove(const std::string& pattern) {
    index_.erase(numbers_.at(pattern));
    numbers_.erase(pattern);
  }
  std::vector<PatternIndex::Id> found(std::string_view name) {
    std::vector<PatternIndex::Id> ids;
    index_.match(name, ids);
    std::ranges::sort(ids);
    return ids;
  }
  std::vector<PatternIndex::Id> expected(std::string_view name) const {
    std::vector<PatternIndex::Id> ids;
    for (const auto& [pattern, id] : numbers_) {
      if (pattern_matches(pattern, name)) ids.push_back(id);
    }
    std::ranges::sort(ids);
    return ids;
  }

  PatternIndex index_{7};
  std::map<std::string, PatternIndex::Id> numbers_;
};

TEST_F(PatternIndexTest, FindsWhatThePlainQuestionFindsWhileThePatternsChange) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    for (int step = 0; step < 3000; ++step) {
      if (numbers_.empty() || random.chance(numbers_.size() > 200 ? 0.3 : 0.6)) {
        const std::string pattern = some_pattern(random);
        if (channel_pattern_problem(pattern).empty()) add(pattern);
      } else {
        remove(
            std::next(numbers_.begin(), static_cast<std::ptrdiff_t>(random.below(numbers_.size())))
                ->first);
      }
      ASSERT_EQ(index_.count(), numbers_.size());
      const std::string name = some_name(random);
      if (!channel_name_problem(name).empty()) continue;
      ASSERT_EQ(found(name), expected(name)) << name << " seed " << seed << " step " << step;
    }
  }
}

TEST_F(PatternIndexTest, GivesEachPatternOneNumber) {
  const auto id = index_.insert("a/*");
  EXPECT_EQ(index_.insert("a/*"), id);
  EXPECT_EQ(index_.find("a/*"), id);
  EXPECT_FALSE(index_.find("a"));
  EXPECT_FALSE(index_.find("a/**"));
  EXPECT_NE(index_.insert("a/**"), id);
  index_.erase(id);
  EXPECT_FALSE(index_.find("a/*"));
  EXPECT_EQ(index_.count(), 1U);
}

TEST_F(PatternIndexTest, SegmentsWithStarsThatBeginAndEndAlikeAreKeptApart) {
  for (const char* pattern : {"a*z", "a*b*z", "a*c*z", "a*b*c*z", "*", "*a*", "*b*"}) add(pattern);
  for (const char* name : {"abz", "axbz", "axbxz", "axcxz", "axbxcxz", "a", "az", "bab", "xbx"}) {
    EXPECT_EQ(found(name), expected(name)) << name;
  }
  for (const char* pattern : {"a*b*z", "a*z", "*"}) {
    remove(pattern);
    for (const char* name : {"abz", "axbxz", "axcxz", "axbxcxz", "bab"}) {
      EXPECT_EQ(found(name), expected(name)) << name << " without " << pattern;
    }
  }
}

TEST_F(PatternIndexTest, NoStarStandsForTheTildeOfAHiddenName) {
  for (const char* pattern : {"**", "*", "*/x", "~*", "~a/**", "**/x", "*b"}) add(pattern);
  for (const char* name : {"~b", "~a/x", "~a", "a/~x", "~/x"}) {
    EXPECT_EQ(found(name), expected(name)) << name;
  }
}

// A walk that came to the same place twice would take 2^60 steps.
TEST_F(PatternIndexTest, NothingGrowsExponentially) {
  std::string deep, name;
  for (int i = 0; i < 60; ++i) deep += "**/a/", name += "a/a/";
  add(deep + "b");
  add(deep + "**");
  add("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b");
  name.resize(255, 'a');
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(found(name) == expected(name));
}

}  // namespace
}  // namespace fanfare
