// Targets and authorities as parts; which ones are accepted is also in the table of tests/wire/h1.
#include "broker/wire/http/target.h"

#include <gtest/gtest.h>

namespace fanfare::http {
namespace {

using std::string_literals::operator""s;

TEST(Target, SplitsAPathFromItsQueryAtTheFirstMark) {
  const auto target = parse_target("/a/b?c=d?e");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->form, TargetForm::origin);
  EXPECT_EQ(target->path, "/a/b");
  EXPECT_EQ(target->query, "c=d?e");
  EXPECT_EQ(target->authority, "");
}

TEST(Target, TakesAUrlApart) {
  const auto target = parse_target("HTTPS://Example.org:443/a?b");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->form, TargetForm::absolute);
  EXPECT_EQ(target->authority, "Example.org:443");
  EXPECT_EQ(target->path, "/a");
  EXPECT_EQ(target->query, "b");
}

// RFC 9110 §4.2.3: an empty path is the root.
TEST(Target, GivesAUrlWithoutAPathTheRoot) {
  EXPECT_EQ(parse_target("http://a")->path, "/");
  EXPECT_EQ(parse_target("http://a?b=c")->path, "/");
  EXPECT_EQ(parse_target("http://a?b=c")->query, "b=c");
}

TEST(Target, KnowsTheAsterisk) {
  const auto target = parse_target("*");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->form, TargetForm::asterisk);
  EXPECT_EQ(target->path, "*");
}

TEST(Target, RefusesWhatIsNoTarget) {
  for (const std::string_view text :
       {"", "a", "a:80", "?a", "**", "http://", "http:///a", "http://u@a/", "ftp://a/", "/a b",
        "/a#b", "/\x80", "http://a b/"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
}

TEST(Authority, IsAHostAndAPort) {
  for (const std::string_view text : {"", "a", "a.b-c_d~", "a:", "a:80", ":80", "1.2.3.4", "[::1]",
                                      "[::1]:80", "[::ffff:1.2.3.4]", "a%41"}) {
    EXPECT_TRUE(is_authority(text)) << text;
  }
  for (const std::string_view text :
       {"a:b", "a:1:2", "::1", "[::1", "::1]", "[]", "[a]", "[::1]b", "[::1]:x", "[::g]", "[v1.x]",
        "a b", "a/b", "u@a", "a%4", "a%zz", "[[::1]]"}) {
    EXPECT_FALSE(is_authority(text)) << text;
  }
}

TEST(PercentDecoding, TakesEveryByteAndLeavesPlusAlone) {
  EXPECT_EQ(percent_decoded("a%2Fb%00+%e4%BD%a0"), "a/b\0+\xe4\xbd\xa0"s);
  EXPECT_EQ(percent_decoded(""), "");
}

TEST(PercentDecoding, RefusesAMalformedEscape) {
  for (const std::string_view text : {"%", "%4", "a%4", "%zz", "%4z", "%z4", "100%"}) {
    EXPECT_EQ(percent_decoded(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace fanfare::http
