#include "broker/fanout/event_id.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace fanfare::fanout {
namespace {

TEST(Epoch, IsSevenCharactersOfCrockfordsAlphabet) {
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const Epoch epoch = Epoch::from(random);
    EXPECT_EQ(epoch.text().size(), Epoch::kSize);
    EXPECT_EQ(epoch.text().find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz"),
              std::string_view::npos);
    EXPECT_EQ(Epoch::parse(epoch.text()), epoch);
  }
}

TEST(Epoch, IsAnotherOneEachTime) {
  Random random(1);
  EXPECT_NE(Epoch::from(random), Epoch::from(random));
}

TEST(Epoch, RefusesWhatItDoesNotWrite) {
  for (const std::string_view text : {"", "abcdef", "abcdefgh", "abcdefi", "abcdefl", "abcdefo",
                                      "abcdefu", "ABCDEFG", "abc-efg", "abcdef "}) {
    EXPECT_FALSE(Epoch::parse(text)) << text;
  }
}

TEST(EventId, ReadsBackWhatItWrites) {
  Random random(2);
  const Epoch epoch = Epoch::from(random);
  for (const Sequence sequence :
       {Sequence{0}, Sequence{1}, Sequence{10}, std::numeric_limits<Sequence>::max()}) {
    const EventId id{.epoch = epoch, .sequence = sequence};
    EXPECT_EQ(EventId::parse(id.text()), id);
    EXPECT_LE(id.text().size(), EventId::kSizeMax);
  }
}

TEST(EventId, RefusesEverySpellingButItsOwn) {
  for (const std::string_view text :
       {"", "0123abc", "0123abc-", "0123abc-01", "0123abc- 1", "0123abc-1 ", "0123abc-+1",
        "0123abc--1", "0123abc-1a", "0123abc_1", "0123abo-1", " 0123abc-1",
        "0123abc-18446744073709551616", "0123abc-000000000000000000001"}) {
    EXPECT_FALSE(EventId::parse(text)) << text;
  }
}

}  // namespace
}  // namespace fanfare::fanout
