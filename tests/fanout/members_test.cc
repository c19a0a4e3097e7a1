#include "broker/fanout/members.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "common/random.h"

namespace fanfare::fanout {
namespace {

TEST(Members, AreServedInSlices) {
  MemberIndexes indexes(10);
  Members members;
  for (Member member = 0; member < 5; ++member) members.join(member, indexes);
  members.begin_round();
  EXPECT_EQ(members.next_slice(2).size(), 2U);
  EXPECT_FALSE(members.all_done());
  EXPECT_EQ(members.next_slice(9).size(), 3U);
  EXPECT_TRUE(members.all_done());
}

TEST(Members, AMemberThatJoinsDuringARoundIsNotInIt) {
  MemberIndexes indexes(10);
  Members members;
  members.join(1, indexes);
  members.begin_round();
  members.join(2, indexes);
  const auto slice = members.next_slice(9);
  ASSERT_EQ(slice.size(), 1U);
  EXPECT_EQ(slice[0], 1U);
  EXPECT_TRUE(members.leave(2, indexes));
}

TEST(MembersDeathTest, JoinOnceAndLeaveTheFeedTheyAreIn) {
  MemberIndexes indexes(10);
  Members members;
  Members others;
  members.join(1, indexes);
  others.join(2, indexes);
  EXPECT_DEATH(members.join(1, indexes), "a member joins once");
  EXPECT_DEATH(others.leave(1, indexes), "the feed it is in");
  EXPECT_DEATH(members.leave(3, indexes), "only a joined member");
  EXPECT_DEATH(members.join(10, indexes), "below members_max");
}

// The zones are easily mixed up when a hole is filled from three places: a member that leaves must
// get its position, and none may be served twice or forgotten.
TEST(Members, KeepTheirZonesWhateverTheOrder) {
  constexpr Member kMembers = 12;
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    Random random(seed);
    MemberIndexes indexes(kMembers);
    Members members;
    enum class Zone { done, to_do, meanwhile };
    std::map<Member, Zone> zones;
    bool in_round = false;
    for (int step = 0; step < 80; ++step) {
      const auto member = static_cast<Member>(random.below(kMembers));
      if (random.chance(0.4)) {
        if (!zones.contains(member)) {
          members.join(member, indexes);
          zones[member] = Zone::meanwhile;
        }
      } else if (random.chance(0.5)) {
        if (!zones.contains(member)) continue;
        ASSERT_EQ(members.leave(member, indexes), zones[member] != Zone::to_do) << "seed " << seed;
        zones.erase(member);
        ASSERT_FALSE(indexes.known(member));
      } else if (!in_round) {
        members.begin_round();
        in_round = true;
        for (auto& [_, zone] : zones) zone = Zone::to_do;
      } else if (members.all_done()) {
        members.end_round();
        in_round = false;
        for (auto& [_, zone] : zones) zone = Zone::meanwhile;
      } else {
        for (const Member served : members.next_slice(1 + random.below(3))) {
          ASSERT_EQ(zones.at(served), Zone::to_do) << "seed " << seed;
          zones[served] = Zone::done;
        }
      }
      ASSERT_EQ(members.count(), zones.size());
      const bool all_done = std::ranges::none_of(
          zones, [](const auto& entry) { return entry.second == Zone::to_do; });
      ASSERT_EQ(members.all_done(), all_done) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace fanfare::fanout
