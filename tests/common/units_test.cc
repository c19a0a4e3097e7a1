#include "common/units.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "common/random.h"

namespace fanfare {
namespace {

TEST(Duration, IsReadInEveryUnit) {
  EXPECT_EQ(parse_duration("250us"), Duration(250'000));
  EXPECT_EQ(parse_duration("100ms"), Duration(100ms));
  EXPECT_EQ(parse_duration("15s"), Duration(15s));
  EXPECT_EQ(parse_duration("3min"), Duration(3min));
  EXPECT_EQ(parse_duration("3m"), Duration(3min));
  EXPECT_EQ(parse_duration("2h"), Duration(2h));
  EXPECT_EQ(parse_duration("7d"), Duration(24h * 7));
  EXPECT_EQ(parse_duration("0s"), Duration(0));
  EXPECT_EQ(parse_duration("1.5s"), Duration(1500ms));
}

TEST(Duration, RefusesABareNumberAndSaysWhatWouldBeRight) {
  const auto parsed = parse_duration("15");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error(), R"("15" has no unit; write a duration like "15s", "100ms" or "2h")");
}

TEST(Duration, RefusesAnUnknownUnitAndNonNumbers) {
  EXPECT_EQ(parse_duration("15 s").error(),
            R"("15 s" has an unknown unit; write a duration like "15s", "100ms" or "2h")");
  EXPECT_FALSE(parse_duration("1KiB"));
  EXPECT_FALSE(parse_duration("1S"));
  EXPECT_FALSE(parse_duration("1e3s"));
  EXPECT_FALSE(parse_duration("1s2ms"));
  for (const char* text : {"", "s", " 1s", "-1s", "+1s", "nans", "infs", "0x1s", ".s", "1.s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  EXPECT_EQ(parse_duration("soon").error(),
            "\"soon\" is not a duration; write a number and a unit, like \"15s\", \"100ms\" or "
            "\"2h\"");
}

TEST(Duration, ThatDoesNotFitIsTooLarge) {
  EXPECT_TRUE(parse_duration("106000d"));
  EXPECT_EQ(parse_duration("107000d").error(), "\"107000d\" is too large for a duration");
  EXPECT_FALSE(parse_duration(std::string(400, '9') + "s"));
}

TEST(Size, IsExactBeyondWhatADoubleHolds) {
  EXPECT_EQ(parse_size("9007199254740993B"), 9'007'199'254'740'993U);
}

TEST(Size, IsReadInPowersOfTwoAndOfTen) {
  EXPECT_EQ(parse_size("17B"), 17U);
  EXPECT_EQ(parse_size("64KiB"), 65'536U);
  EXPECT_EQ(parse_size("1MiB"), 1'048'576U);
  EXPECT_EQ(parse_size("2GiB"), 2'147'483'648U);
  EXPECT_EQ(parse_size("64KB"), 64'000U);
  EXPECT_EQ(parse_size("3MB"), 3'000'000U);
  EXPECT_EQ(parse_size("2GB"), 2'000'000'000U);
  EXPECT_EQ(parse_size("0.5KiB"), 512U);
  EXPECT_EQ(parse_size("0B"), 0U);
}

TEST(Size, RefusesABareNumberOrUnknownUnitAndSaysWhatWouldBeRight) {
  EXPECT_EQ(parse_size("65536").error(),
            R"("65536" has no unit; write a size like "64KiB", "1MiB" or "2GB")");
  EXPECT_EQ(parse_size("64k").error(),
            R"("64k" has an unknown unit; write a size like "64KiB", "1MiB" or "2GB")");
  EXPECT_FALSE(parse_size("1TiB"));
  EXPECT_FALSE(parse_size("-1B"));
  EXPECT_EQ(parse_size("9000000000GiB").error(), "\"9000000000GiB\" is too large for a size");
}

TEST(Duration, IsWrittenInTheLargestUnitThatLeavesNoRemainder) {
  EXPECT_EQ(format_duration(15s), "15s");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2min");
  EXPECT_EQ(format_duration(24h), "1d");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(Duration(20'000)), "20us");
  EXPECT_EQ(format_duration(Duration(1'500)), "1.5us");
  EXPECT_EQ(format_duration(Duration(0)), "0s");
}

TEST(Size, IsWrittenInTheLargestUnitThatLeavesNoRemainder) {
  EXPECT_EQ(format_size(65'536), "64KiB");
  EXPECT_EQ(format_size(std::uint64_t{1} << 30U), "1GiB");
  EXPECT_EQ(format_size(1'000'000), "1MB");
  EXPECT_EQ(format_size(1'001), "1001B");
  EXPECT_EQ(format_size(0), "0B");
}

TEST(Units, WhatIsWrittenReadsBackAsItWas) {
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t value = random.next() >> (2 + random.below(60));
    const Duration duration(static_cast<std::int64_t>(value));
    ASSERT_EQ(parse_duration(format_duration(duration)), duration) << format_duration(duration);
    ASSERT_EQ(parse_size(format_size(value)), value) << format_size(value);
  }
}

}  // namespace
}  // namespace fanfare
