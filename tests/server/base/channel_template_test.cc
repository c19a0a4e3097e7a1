#include "broker/server/base/channel_template.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace fanfare::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kPath = {"room", "user"};

std::string problem(std::string_view text) {
  const auto channel = parse_channel_template(text, kPath);
  return channel ? "none" : channel.error();
}

TEST(ChannelTemplate, TakesItsValuesInOrder) {
  const auto channel = parse_channel_template("{user}/x-{room}/{query.q:sha256}/*", kPath).value();
  std::vector<std::string> shown;
  for (const ChannelVariable& variable : channel.variables) shown.push_back(variable.shown());
  EXPECT_THAT(shown, ElementsAre("{user}", "{room}", "{query.q:sha256}"));
  EXPECT_EQ(channel.variables[0].index, 1U);
  EXPECT_EQ(channel.variables[1].index, 0U);
  EXPECT_TRUE(channel.variables[2].digest);
  const std::vector<std::string> values = {"1", "2", "3"};
  EXPECT_EQ(channel.filled(values), "1/x-2/3/*");
  EXPECT_TRUE(parse_channel_template("news", kPath)->fixed());
}

TEST(ChannelTemplate, KnowsWhereAValueComesFrom) {
  for (const std::string_view text : {"{room}", "{room:sha256}", "{query.q}", "{query.user.id}",
                                      "{token.sub}", "{token.org.id:sha256}", "{connection}"}) {
    const auto channel = parse_channel_template(text, kPath);
    ASSERT_TRUE(channel.has_value()) << text << ": " << channel.error();
    EXPECT_EQ(channel->variables[0].shown(), text);
  }
  EXPECT_EQ(parse_channel_template("{query.user.id}", kPath)->variables[0].name, "user.id");
}

TEST(ChannelTemplate, SaysWhatIsWrongWithIt) {
  EXPECT_EQ(problem("a/{other}"),
            "there is no {other} here; there are {room}, {user}, {query.NAME}, {token.NAME} and "
            "{connection}");
  for (const std::string_view text : {"{}", "{query}", "{query.}", "{token}", "{connection.x}",
                                      "{room.x}", "{room:md5}", "{header.x}"}) {
    EXPECT_THAT(problem(text), HasSubstr("there is no")) << text;
  }
  for (const std::string_view text : {"{room", "room}", "{{room}}", "{ro{om}", "{room}}"}) {
    EXPECT_THAT(problem(text), HasSubstr("not balanced")) << text;
  }
  EXPECT_THAT(problem("a b/{room}"), HasSubstr("not 0x20"));
  EXPECT_THAT(problem("{room}**"), HasSubstr("** must be a whole segment"));
  EXPECT_THAT(problem("~{room}"), HasSubstr("reserved for the broker"));
  EXPECT_THAT(problem(std::string(300, 'a')), HasSubstr("at most 255"));
  EXPECT_EQ(problem("{room}/**"), "none") << "the operator may say so";
}

TEST(ChannelTemplate, AValueIsOneSegmentOrPartOfOneAndNoPattern) {
  for (const std::string_view good : {"7", "Ann", "a.b_c~d:e@f-g", "...", ".a"}) {
    EXPECT_EQ(channel_value_problem(good), "") << good;
  }
  EXPECT_THAT(channel_value_problem(""), HasSubstr("empty"));
  EXPECT_THAT(channel_value_problem("a/b"), HasSubstr("slash"));
  EXPECT_THAT(channel_value_problem("."), HasSubstr("dots"));
  EXPECT_THAT(channel_value_problem(".."), HasSubstr("dots"));
  EXPECT_THAT(channel_value_problem("a*"), HasSubstr("'*' (byte 1)"));
  EXPECT_THAT(channel_value_problem("**"), HasSubstr("'*' (byte 0)"));
  EXPECT_THAT(channel_value_problem(std::string_view("a\0b", 3)), HasSubstr("0x00 (byte 1)"));
  EXPECT_THAT(channel_value_problem("\xe4\xbd\xa0"), HasSubstr("0xe4 (byte 0)"));
}

}  // namespace
}  // namespace fanfare::server
