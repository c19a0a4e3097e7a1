// What the dialects read and write of plain text and of JSON.
#include "broker/wire/ingest/text.h"

#include <gtest/gtest.h>

#include <string>

#include "broker/wire/ingest/json_text.h"

namespace fanfare::ingest {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

TEST(Glob, MatchesAsRedisDoes) {
  const auto matches = [](std::string_view pattern, std::string_view text) {
    return glob_matches(pattern, text);
  };
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("**", "a/b"));
  EXPECT_TRUE(matches("a*c", "abbc"));
  EXPECT_TRUE(matches("a*c", "ac"));
  EXPECT_FALSE(matches("a*c", "ab"));
  EXPECT_TRUE(matches("*b*b*", "abab"));
  EXPECT_FALSE(matches("*b*b*b*", "abab"));
  EXPECT_TRUE(matches("a?c", "abc"));
  EXPECT_FALSE(matches("a?c", "ac"));
  EXPECT_TRUE(matches("[a-c]x", "bx"));
  EXPECT_FALSE(matches("[a-c]x", "dx"));
  EXPECT_FALSE(matches("[^a-c]x", "bx"));
  EXPECT_TRUE(matches("[^a-c]x", "dx"));
  EXPECT_TRUE(matches("[xyz]", "y"));
  EXPECT_TRUE(matches("[a-]", "-"));
  EXPECT_TRUE(matches("[\\]]", "]"));
  EXPECT_TRUE(matches("[abc", "c"));
  EXPECT_FALSE(matches("[]", "a"));
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches("\\*", "a"));
  EXPECT_TRUE(matches("a\\", "a\\"));
}

TEST(Glob, DoesNotExplode) {
  const std::string text(2000, 'a');
  EXPECT_FALSE(glob_matches("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

TEST(Text, ReadsRetryInDigitsOnly) {
  EXPECT_EQ(parse_retry("0"), 0U);
  EXPECT_EQ(parse_retry("4294967295"), 4294967295U);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1.5", "1s", "4294967296", "0x1"}) {
    EXPECT_FALSE(parse_retry(text)) << text;
  }
}

TEST(JsonText, KnowsNumbersByTheirGrammar) {
  for (const char* token : {"0", "-0", "10", "1.5", "-1.50e+10", "1E5", "0.0", "1e-5",
                            "123456789012345678901234567890", "1e999"}) {
    EXPECT_TRUE(is_json_number(token)) << token;
  }
  for (const char* token : {"", "-", "01", "-01", "1.", ".5", "+1", "1e", "1e+", "0x1", "1a", "1 ",
                            "Infinity", "--1", "1.5.5"}) {
    EXPECT_FALSE(is_json_number(token)) << token;
  }
}

TEST(JsonText, KnowsEscapesAndSurrogatePairs) {
  for (const char* inside : {"", "plain", R"(\"\\\/\b\f\n\r\t)", R"(\u0000\uFFFF\ud83d\ude00)",
                             R"(\\u)", R"(\\ud83d)"}) {
    EXPECT_EQ(bad_escape(inside), kNone) << inside;
  }
  EXPECT_EQ(bad_escape(R"(ab\x)"), 2U);
  EXPECT_EQ(bad_escape(R"(\u12g4)"), 0U);
  EXPECT_EQ(bad_escape(R"(\u123)"), 0U);
  EXPECT_EQ(bad_escape(R"(\n\ude00)"), 2U);
  EXPECT_EQ(bad_escape(R"(\ud83d)"), 0U);
  EXPECT_EQ(bad_escape(R"(\ud83dx)"), 0U);
  EXPECT_EQ(bad_escape(R"(\ud83d\n)"), 0U);
  EXPECT_EQ(bad_escape(R"(\ud83d\ud83d)"), 0U);
  EXPECT_EQ(bad_escape(R"(\ud83d\u)"), 0U);
  EXPECT_EQ(bad_escape("\\"), 0U);
}

TEST(JsonText, FindsTheStringThatIsBroken) {
  EXPECT_EQ(broken_string(R"({"a":"b\"c"})"), kNone);
  EXPECT_EQ(broken_string("{\"a\":\"b\tc\"}"), 7U);
  EXPECT_EQ(broken_string("{\t\"a\":\"b}"), 6U);
  EXPECT_EQ(broken_string("\"a\\"), 0U);
}

}  // namespace
}  // namespace fanfare::ingest
