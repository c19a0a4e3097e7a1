#include "broker/wire/h2/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/h2/conversation.h"

namespace fanfare::h2_test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

std::vector<Heard> of(const std::vector<Heard>& heard, std::uint8_t type) {
  std::vector<Heard> found;
  std::ranges::copy_if(heard, std::back_inserter(found),
                       [type](const Heard& one) { return one.type == type; });
  return found;
}

TEST(Session, AnswersARequestAndClosesItsStream) {
  Conversation talk;
  const auto heard = talk.say(greeting() + get(1, "/hello"));
  const auto heads = of(heard, kHeaders);
  ASSERT_EQ(heads.size(), 1U);
  EXPECT_EQ(heads[0].value(":status"), "200");
  const auto data = of(heard, kData);
  ASSERT_EQ(data.size(), 1U);
  EXPECT_EQ(data[0].payload, "hello");
  EXPECT_TRUE(data[0].end());
  EXPECT_THAT(talk.log, ElementsAre("1 GET /hello", "1 complete", "1 closed"));
}

TEST(Session, TakesWhatIsOfferedToAStreamAndKeepsNothing) {
  Conversation talk;
  talk.say(greeting() + get(1));
  std::string out;
  EXPECT_EQ(talk.session().offer(1, "data: x\n\n", out, 1000), 9U);
  EXPECT_EQ(out, frame(kData, 0, 1, "data: x\n\n"));
  out.clear();
  EXPECT_EQ(talk.session().offer(1, std::string(100'000, 'x'), out, 1U << 20U), 65'535U - 9U);
  EXPECT_EQ(talk.session().window(1), 0);
  out.clear();
  EXPECT_EQ(talk.session().offer(1, "y", out, 1000), 0U);
  EXPECT_EQ(out, "");
  talk.say(window_update(0, 10) + window_update(1, 10));
  EXPECT_EQ(talk.session().offer(1, "yz", out, 1000), 2U);
}

TEST(Session, EndsAStreamAsCompleteOrByReset) {
  Conversation talk;
  talk.say(greeting() + get(1) + get(3));
  talk.session().finish(1);
  talk.session().reset(3, h2::ErrorCode::cancel);
  const auto heard = talk.hear();
  ASSERT_EQ(heard.size(), 2U);
  const auto ends = of(heard, kData);
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_TRUE(ends[0].end());
  EXPECT_EQ(ends[0].stream, 1U);
  const auto resets = of(heard, kRstStream);
  ASSERT_EQ(resets.size(), 1U);
  EXPECT_EQ(resets[0].error(), 8U);
  EXPECT_THAT(talk.log, Contains("3 closed"));
}

TEST(Session, AnIdleSessionAndAnIdleStreamAreSmall) {
  Conversation talk;
  talk.say(greeting() + get(1));
  const std::uint64_t one = talk.memory().bytes() + sizeof(h2::Session);
  std::string more;
  for (std::uint32_t i = 0; i < 64; ++i) more += get(3 + 2 * i);
  talk.say(more);
  const std::uint64_t stream = (talk.memory().bytes() + sizeof(h2::Session) - one) / 64;
  RecordProperty("session", static_cast<int>(one));
  RecordProperty("stream", static_cast<int>(stream));
  EXPECT_LE(one, 9'216U);
  EXPECT_LE(stream, 384U) << "and some 60 in the server";
}

}  // namespace
}  // namespace fanfare::h2_test
