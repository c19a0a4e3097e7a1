#include "broker/fanout/losses.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "common/random.h"

namespace fanfare::fanout {
namespace {

TEST(Losses, TellWhatIsNewsToACursor) {
  Losses losses;
  EXPECT_EQ(losses.since(0), 0U);
  losses.add(100);  // the busy channel
  const std::uint64_t known = losses.count();
  EXPECT_EQ(losses.since(0), 100U);
  EXPECT_EQ(losses.since(known), 0U);
  losses.add(60);  // the quiet one
  EXPECT_EQ(losses.since(known), 60U);
  EXPECT_EQ(losses.since(0), 100U);
}

TEST(Losses, OneChannelIsOneEntry) {
  Losses losses;
  for (Sequence sequence = 1; sequence <= 1'000; ++sequence) losses.add(sequence);
  EXPECT_EQ(losses.kept(), 1U);
  EXPECT_EQ(losses.since(999), 1'000U);
  EXPECT_EQ(losses.since(1'000), 0U);
}

TEST(Losses, AgreeWithAPlainList) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    Losses losses;
    std::vector<Sequence> list;
    for (int step = 0; step < 50; ++step) {
      list.push_back(1 + random.below(30));
      losses.add(list.back());
      const std::size_t known = random.below(list.size() + 1);
      const auto rest = list.begin() + static_cast<std::ptrdiff_t>(known);
      ASSERT_EQ(losses.since(known), rest == list.end() ? 0 : *std::max_element(rest, list.end()));
    }
  }
}

}  // namespace
}  // namespace fanfare::fanout
