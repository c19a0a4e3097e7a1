// utf8: where text stops being text.
#include "common/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace fanfare {
namespace {

// RFC 3629 encoding, also of what it forbids.
std::string encoded(unsigned code_point, int size) {
  constexpr unsigned kLeads[] = {0, 0, 0xc0, 0xe0, 0xf0};
  if (size == 1) return {static_cast<char>(code_point)};
  std::string bytes(static_cast<std::size_t>(size), '\0');
  for (int i = size - 1; i > 0; --i, code_point >>= 6U) {
    bytes[static_cast<std::size_t>(i)] = static_cast<char>(0x80U | (code_point & 0x3fU));
  }
  bytes[0] = static_cast<char>(kLeads[size] | code_point);
  return bytes;
}

TEST(Utf8, KnowsEveryCodePointInItsShortestForm) {
  for (unsigned point = 0; point <= 0x110010; ++point) {
    const int size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    const bool valid = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
    ASSERT_EQ(utf8_sequence_size(encoded(point, size), 0),
              valid ? static_cast<std::size_t>(size) : 0U)
        << point;
  }
}

TEST(Utf8, RefusesLongerForms) {
  for (unsigned point = 0; point < 0x10000; ++point) {
    for (int size = point < 0x80 ? 2 : point < 0x800 ? 3 : 4; size <= 4; ++size) {
      if (size == 2 && point > 0x7ff) continue;
      ASSERT_EQ(utf8_sequence_size(encoded(point, size), 0), 0U) << point << " in " << size;
    }
  }
}

TEST(Utf8, RefusesASequenceThatIsCut) {
  for (const std::string whole : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    for (std::size_t size = 1; size < whole.size(); ++size) {
      EXPECT_EQ(utf8_sequence_size(whole.substr(0, size), 0), 0U);
      EXPECT_EQ(utf8_sequence_size(whole.substr(0, size) + "aaa", 0), 0U);
    }
  }
}

TEST(Utf8, FindsTheFirstBadByte) {
  EXPECT_EQ(utf8_prefix_size(""), 0U);
  EXPECT_EQ(utf8_prefix_size("héllo😀"), std::string_view("héllo😀").size());
  EXPECT_EQ(utf8_prefix_size("é\xff"), 2U);
  EXPECT_EQ(utf8_prefix_size("\x80"), 0U);
  EXPECT_EQ(utf8_prefix_size("ab\xed\xa0\x80"), 2U);
  EXPECT_EQ(utf8_prefix_size("ab\xf0\x9f\x98"), 2U);
}

TEST(Utf8, KnowsTheMarksThatATextMayBeginWith) {
  EXPECT_EQ(without_utf8_mark("\xef\xbb\xbftext"), "text");
  EXPECT_EQ(without_utf8_mark("\xef\xbb\xbf\xef\xbb\xbf"), kUtf8Mark) << "one is taken off";
  EXPECT_EQ(without_utf8_mark("\xef\xbbtext"), "\xef\xbbtext");
  EXPECT_EQ(without_utf8_mark("t\xef\xbb\xbf"), "t\xef\xbb\xbf");
  EXPECT_EQ(without_utf8_mark(""), "");
  for (const std::string_view part : {"\xef", "\xef\xbb", "\xff", "\xfe"}) {
    EXPECT_TRUE(is_part_of_mark(part));
  }
  for (const std::string_view other : {"", "\xef\xbb\xbf", "\xff\xfe", "\xef\xbbx", "t"}) {
    EXPECT_FALSE(is_part_of_mark(other));
  }
  EXPECT_TRUE(has_utf16_mark("\xff\xfeh"));
  EXPECT_TRUE(has_utf16_mark("\xfe\xff"));
  EXPECT_FALSE(has_utf16_mark("\xff"));
  EXPECT_FALSE(has_utf16_mark("x\xff\xfe"));
}

}  // namespace
}  // namespace fanfare
