// Replacement of malformed UTF-8, as the Encoding standard counts it.
#include "broker/wire/sse/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace fanfare::sse {
namespace {

constexpr const char* kR = "\xef\xbf\xbd";

std::string r(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text.append(kR);
  return text;
}

std::string repaired(std::string_view text) {
  std::string out;
  append_utf8_repaired(out, text);
  return out;
}

TEST(Utf8, LeavesValidTextAlone) {
  for (const std::string text : {"", "ascii", "你好", "\U0001f600", "\u0080\u07ff\u0800\uffff",
                                 "\xed\x9f\xbf\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(repaired(text), text);
  }
}

TEST(Utf8, ReplacesEachMaximalPartOnce) {
  EXPECT_EQ(repaired("a\xe4\xb8z"), "a" + r(1) + "z");  // a character cut short
  EXPECT_EQ(repaired("\xf0\x9f\x98"), r(1));            // at the end
  EXPECT_EQ(repaired("\xf0\x9f\x98\xf0\x9f\x98\x80"), r(1) + "\U0001f600");
  EXPECT_EQ(repaired("\x80\x80"), r(2));  // continuations alone
}

TEST(Utf8, RefusesOverlongFormsAndSurrogates) {
  EXPECT_EQ(repaired("\xc0\xaf"), r(2));
  EXPECT_EQ(repaired("\xe0\x80\xaf"), r(3));
  EXPECT_EQ(repaired("\xf0\x80\x80\xaf"), r(4));
  EXPECT_EQ(repaired("\xed\xa0\x80"), r(3));      // U+D800
  EXPECT_EQ(repaired("\xf4\x90\x80\x80"), r(4));  // U+110000
  EXPECT_EQ(repaired("\xff\xfe"), r(2));
}

}  // namespace
}  // namespace fanfare::sse
