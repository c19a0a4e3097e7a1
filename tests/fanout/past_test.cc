#include "broker/fanout/past.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "common/random.h"

namespace fanfare::fanout {
namespace {

constexpr TimePoint kBegan{5'000'000'000'000};

TimePoint at(Duration after) {
  return kBegan + after;
}

TEST(Past, KnowsNothingFromBeforeTheLog) {
  const Past past(kBegan);
  EXPECT_EQ(past.before(at(-1ms)), std::nullopt);
  EXPECT_EQ(past.before(at(0s)), 0U);
  EXPECT_EQ(past.before(at(9s)), 0U);
}

TEST(Past, NamesThePlaceBeforeAllOfItsSecond) {
  Past past(kBegan);
  past.note(at(1'200ms), 1);
  past.note(at(1'900ms), 2);
  past.note(at(3s), 3);
  EXPECT_EQ(past.before(at(1s)), 0U);
  EXPECT_EQ(past.before(at(1'950ms)), 0U) << "to the second: rather more than asked for";
  EXPECT_EQ(past.before(at(2s)), 2U);
  EXPECT_EQ(past.before(at(3'500ms)), 2U);
  EXPECT_EQ(past.before(at(1h)), 3U);
}

// Against a list of everything: never too late, and early by a sixteenth of the age at most.
TEST(Past, IsNeverLateAndHardlyEarlyInALongLife) {
  Random random(7);
  Past past(kBegan);
  std::vector<Duration> committed;  // of event i + 1
  Duration now(0);
  for (int i = 0; i < 40'000; ++i) {
    now += Duration(static_cast<std::int64_t>(random.below(4'000'000'000)));
    committed.push_back(now);
    past.note(at(now), committed.size());
  }
  for (int i = 0; i < 2'000; ++i) {
    const Duration age(static_cast<std::int64_t>(
        random.below(static_cast<std::uint64_t>((i % 2 == 0 ? now : Duration(30min)).count()))));
    const auto place = past.before(at(now - age));
    ASSERT_TRUE(place);
    const auto first = std::ranges::lower_bound(committed, now - age);
    const auto index = static_cast<std::uint64_t>(first - committed.begin());
    EXPECT_LE(*place, index) << "an event of that time would be left out";
    const Duration oldest = *place < committed.size() ? now - committed[*place] : Duration(0);
    EXPECT_LE(oldest, age + age / 16 + 5s);
  }
}

TEST(Past, KnowsWhenWhatIsRecentWasCommittedToTenMilliseconds) {
  Past past(kBegan);
  EXPECT_EQ(past.committed(1), kBegan) << "an empty log";
  past.note(at(1'234ms), 1);
  past.note(at(1'240ms), 2);
  past.note(at(1'244ms), 3);
  past.note(at(7s), 4);
  EXPECT_EQ(past.committed(1), at(1'234ms));
  EXPECT_EQ(past.committed(2), at(1'234ms)) << "with its neighbour";
  EXPECT_EQ(past.committed(3), at(1'244ms));
  EXPECT_EQ(past.committed(4), at(7s));
}

// Against a list of everything, as above.
TEST(Past, NeverSaysThatAnEventIsYoungerThanItIs) {
  Random random(8);
  Past past(kBegan);
  std::vector<Duration> committed;
  Duration now(0);
  for (int i = 0; i < 60'000; ++i) {
    now +=
        Duration(static_cast<std::int64_t>(random.below(i < 50'000 ? 3'000'000'000 : 8'000'000)));
    committed.push_back(now);
    past.note(at(now), committed.size());
  }
  for (std::size_t i = 0; i < committed.size(); i += i < 59'000 ? 97 : 1) {
    const Duration told = past.committed(i + 1) - kBegan;
    ASSERT_LE(told, committed[i]) << i;
    const Duration age = now - committed[i];
    ASSERT_LE(committed[i] - told, age < 5s ? Duration(10ms) : age / 16 + 5s) << i;
  }
}

}  // namespace
}  // namespace fanfare::fanout
