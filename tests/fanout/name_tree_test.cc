#include "broker/fanout/name_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/random.h"

namespace fanfare::fanout {
namespace {

struct Thing {
  std::string name;
  Shelf<Thing> shelf;
};

class NameTreeTest : public ::testing::Test {
 protected:
  void add(const std::string& name) {
    auto& thing = things_[name];
    if (thing != nullptr) return;
    thing = std::make_unique<Thing>(Thing{.name = name, .shelf = {}});
    tree_.insert(*thing);
  }
  void remove(const std::string& name) {
    tree_.erase(*things_.at(name));
    things_.erase(name);
  }
  std::vector<std::string> found(std::string_view pattern) const {
    std::vector<std::string> names;
    const auto find = [this](const std::string& name) {
      const auto place = things_.find(name);
      return place == things_.end() ? nullptr : place->second.get();
    };
    tree_.for_each_match(pattern, find, [&](const Thing& thing) { names.push_back(thing.name); });
    std::ranges::sort(names);
    return names;
  }
  std::vector<std::string> expected(std::string_view pattern) const {
    std::vector<std::string> names;
    for (const auto& [name, thing] : things_) {
      if (pattern_matches(pattern, name)) names.push_back(name);
    }
    return names;
  }

  NameTree<Thing> tree_{NameHash(*Epoch::parse("0123abc"))};
  std::map<std::string, std::unique_ptr<Thing>, std::less<>> things_;
};

std::string some_path(Random& random, std::string_view letters, double stars) {
  std::string path;
  for (std::uint64_t depth = random.below(4);; --depth) {
    if (random.chance(stars)) {
      path += "**";
    } else {
      for (std::uint64_t i = random.below(3); i > 0; --i)
        path += letters[random.below(letters.size())];
    }
    if (depth == 0) return path;
    path += '/';
  }
}

TEST_F(NameTreeTest, FindsWhatThePlainQuestionFindsWhileNamesComeAndGo) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Random random(seed);
    for (int step = 0; step < 2000; ++step) {
      if (things_.empty() || random.chance(things_.size() > 100 ? 0.3 : 0.6)) {
        const std::string name = some_path(random, "aab~", 0);
        if (channel_name_problem(name).empty()) add(name);
      } else {
        remove(std::next(things_.begin(), static_cast<std::ptrdiff_t>(random.below(things_.size())))
                   ->first);
      }
      const std::string pattern = some_path(random, "ab**~", 0.2);
      if (!is_pattern(pattern) || !channel_pattern_problem(pattern).empty()) continue;
      ASSERT_EQ(found(pattern), expected(pattern)) << pattern << " seed " << seed;
    }
  }
}

TEST_F(NameTreeTest, LooksOnlyWhereThePatternCanMatch) {
  for (int i = 0; i < 1000; ++i) add("users/" + std::to_string(i) + "/mail");
  std::size_t asked = 0;
  const auto find = [&](const std::string& name) {
    ++asked;
    return things_.at(name).get();
  };
  std::size_t met = 0;
  tree_.for_each_match("users/7/**", find, [&](const Thing&) { ++met; });
  tree_.for_each_match("users/*/mail", find, [&](const Thing&) { ++met; });
  EXPECT_EQ(met, 1001U);
  EXPECT_EQ(asked, 0U);
  for (int i = 0; i < 1000; ++i) add("orders/" + std::to_string(i));
  tree_.for_each_match("*/7", find, [&](const Thing&) { ++met; });
  EXPECT_EQ(met, 1002U);
  EXPECT_EQ(asked, 1U) << "one look-up in the folder that holds many";
}

}  // namespace
}  // namespace fanfare::fanout
