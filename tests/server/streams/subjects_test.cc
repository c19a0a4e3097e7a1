// Whose streams they are: each subject once.
#include "broker/server/streams/subjects.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "common/random.h"

namespace fanfare::server {
namespace {

TEST(Subjects, AreKeptOnceHoweverManyStreamsHaveThem) {
  Subjects subjects(8);
  EXPECT_EQ(subjects.cost("ann"), 3 + Subjects::kOverhead);
  subjects.keep(5, "ann");
  EXPECT_EQ(subjects.cost("ann"), 0U);
  subjects.keep(2, "ann");
  EXPECT_EQ(subjects.of(2), "ann");
  EXPECT_EQ(subjects.of(3), "");
  EXPECT_EQ(subjects.of(7), "");
  EXPECT_EQ(subjects.forget(5), 0U) << "another stream has it";
  EXPECT_EQ(subjects.forget(5), 0U) << "it has none";
  EXPECT_EQ(subjects.forget(2), 3 + Subjects::kOverhead);
  EXPECT_EQ(subjects.of(2), "");
}

TEST(Subjects, AgreeWithATableOfTexts) {
  constexpr std::uint32_t kMembers = 64;
  Subjects subjects(kMembers);
  std::map<Member, std::string> expected;
  std::uint64_t bytes = 0;
  Random random(3);
  for (int i = 0; i < 20'000; ++i) {
    const auto member = static_cast<Member>(random.below(kMembers));
    if (expected.contains(member)) {
      bytes -= subjects.forget(member);
      expected.erase(member);
    } else {
      const std::string subject(1 + random.below(40), static_cast<char>('a' + random.below(3)));
      bytes += subjects.cost(subject);
      subjects.keep(member, subject);
      expected[member] = subject;
    }
    const auto other = static_cast<Member>(random.below(kMembers));
    ASSERT_EQ(subjects.of(other), expected.contains(other) ? expected[other] : "");
  }
  for (const auto& [member, subject] : expected) bytes -= subjects.forget(member);
  EXPECT_EQ(bytes, 0U);
}

}  // namespace
}  // namespace fanfare::server
