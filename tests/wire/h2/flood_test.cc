// Clients that ask for much of no use. Each is told to be calm, with a reason that is counted, and
// none makes the session grow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/wire/h2/attacks.h"
#include "tests/wire/h2/conversation.h"

namespace fanfare::h2_test {
namespace {

constexpr std::uint32_t kCalm = 11;

std::uint32_t stream(std::uint32_t n) {
  return 2 * n + 1;
}

class Floods : public ::testing::TestWithParam<Attack> {};

TEST_P(Floods, AreAnsweredWithEnhanceYourCalmWhileMemoryStaysFlat) {
  const Attack& attack = GetParam();
  Conversation talk;
  talk.say(greeting() + attack.before);
  const std::uint64_t before = talk.memory().bytes();
  std::uint64_t most = 0;
  std::uint32_t calm = 0;
  std::uint32_t steps = 0;
  const auto listen = [&calm](const std::vector<Heard>& heard) {
    for (const Heard& one : heard) {
      if (one.type == kGoaway) calm = one.error();
    }
  };
  for (; steps < 100'000 && !talk.session().over(); ++steps) {
    if (attack.reads) {
      listen(talk.say(attack.step(steps)));
    } else {
      talk.session().read(attack.step(steps), {});
    }
    most = std::max(most, talk.memory().bytes());
    talk.log.clear();
  }
  listen(talk.hear());
  EXPECT_TRUE(talk.session().over());
  EXPECT_EQ(h2::name_of(talk.session().flood()), h2::name_of(attack.flood));
  EXPECT_EQ(calm, kCalm);
  EXPECT_LE(most, before + (64U << 10U)) << "after " << steps << " steps";
  const std::size_t said = talk.log.size();
  talk.say(get(99'999, "/hello"));
  EXPECT_EQ(talk.log.size(), said) << "nothing is read any more";
}

INSTANTIATE_TEST_SUITE_P(Session, Floods, ::testing::ValuesIn(attacks()),
                         [](const auto& one) { return std::string(one.param.name); });

// What well-behaved clients do much of.
TEST(FloodGate, LetsABrowserCloseAPageWithAllItsStreams) {
  Conversation talk(Conversation::kLimits, 250);
  std::string says = greeting();
  for (std::uint32_t n = 0; n < 250; ++n) says += get(stream(n));
  for (std::uint32_t n = 0; n < 250; ++n) says += rst(stream(n));
  talk.say(says);
  EXPECT_FALSE(talk.session().over());
}

TEST(FloodGate, LetsAClientAcknowledgeAndMeasureEachEventOfALongStream) {
  Conversation talk;
  talk.say(greeting() + get(1));
  std::string out;
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(talk.session().offer(1, std::string(100, 'x'), out, 1U << 20U), 100U);
    out.clear();
    talk.say(window_update(0, 100) + window_update(1, 100) + frame(kPing, 0, 0, "estimate"));
    ASSERT_FALSE(talk.session().over()) << i;
  }
}

TEST(FloodGate, ForgivesWithTime) {
  h2::FloodGate gate;
  gate.time_is({});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(gate.admit(h2::Flood::pings));
  EXPECT_FALSE(gate.admit(h2::Flood::pings));
  gate.time_is(TimePoint{} + 2s);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(gate.admit(h2::Flood::pings));
  EXPECT_FALSE(gate.admit(h2::Flood::pings));
}

}  // namespace
}  // namespace fanfare::h2_test
