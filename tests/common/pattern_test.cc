#include "common/pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"

namespace fanfare {
namespace {

TEST(Pattern, StarStandsForOneOrMoreCharactersWithinASegment) {
  EXPECT_FALSE(pattern_matches("a*", "a")) << "one at least, as PROTOCOL.md says";
  EXPECT_TRUE(pattern_matches("a*", "ab"));
  EXPECT_TRUE(pattern_matches("metrics/*", "metrics/cpu"));
  EXPECT_FALSE(pattern_matches("metrics/*", "metrics/cpu/0"));
  EXPECT_FALSE(pattern_matches("metrics/*", "metrics/"));
  EXPECT_FALSE(pattern_matches("metrics/*", "metrics"));
  EXPECT_TRUE(pattern_matches("*", "news"));
  EXPECT_TRUE(pattern_matches("a*c", "abc"));
  EXPECT_FALSE(pattern_matches("a*c", "ac"));
  EXPECT_TRUE(pattern_matches("*:*:*", "a:b:c"));
  EXPECT_TRUE(pattern_matches("*ab", "aab"));
  EXPECT_TRUE(pattern_matches("*ab", "abab"));
  EXPECT_FALSE(pattern_matches("*ab", "ab"));
  EXPECT_FALSE(pattern_matches("*ab", "abb"));
}

TEST(Pattern, TwoStarsStandForOneOrMoreSegments) {
  EXPECT_TRUE(pattern_matches("orders/**", "orders/1"));
  EXPECT_TRUE(pattern_matches("orders/**", "orders/1/items"));
  EXPECT_FALSE(pattern_matches("orders/**", "orders"));
  EXPECT_FALSE(pattern_matches("orders/**", "order/1"));
  EXPECT_TRUE(pattern_matches("**", "news"));
  EXPECT_TRUE(pattern_matches("**", "a/b/c"));
  EXPECT_TRUE(pattern_matches("**/items", "orders/1/items"));
  EXPECT_FALSE(pattern_matches("**/items", "items"));
  EXPECT_FALSE(pattern_matches("**/items", "orders/items/1"));
  EXPECT_TRUE(pattern_matches("a/**/z", "a/b/z/z"));
  EXPECT_FALSE(pattern_matches("a/**/z", "a/z"));
  EXPECT_TRUE(pattern_matches("**/b/**", "a/b/b"));
  EXPECT_FALSE(pattern_matches("**/b/**", "a/b"));
  EXPECT_TRUE(pattern_matches("**/*", "a/b"));
  EXPECT_FALSE(pattern_matches("**/*", "a"));
}

TEST(Pattern, ASlashAtAnEndMakesAnEmptySegmentWhichOnlyTwoStarsStandFor) {
  EXPECT_TRUE(pattern_matches("orders/", "orders/"));
  EXPECT_FALSE(pattern_matches("orders/", "orders"));
  EXPECT_FALSE(pattern_matches("orders", "orders/"));
  EXPECT_TRUE(pattern_matches("orders/**", "orders/"));
  EXPECT_TRUE(pattern_matches("**", "/"));
  EXPECT_TRUE(pattern_matches("/*", "/a"));
  EXPECT_FALSE(pattern_matches("*/a", "/a"));
  EXPECT_TRUE(pattern_matches("**/a", "/a"));
  EXPECT_TRUE(pattern_matches("a//b", "a//b"));
  EXPECT_FALSE(pattern_matches("a/*/b", "a//b"));
  EXPECT_TRUE(pattern_matches("a/**/b", "a//b"));
}

TEST(Pattern, ANameMatchesItselfAndNothingElse) {
  EXPECT_TRUE(pattern_matches("a/b", "a/b"));
  EXPECT_FALSE(pattern_matches("a/b", "a/B"));
  EXPECT_FALSE(pattern_matches("a/b", "a/b/c"));
  EXPECT_FALSE(pattern_matches("a/b", "a"));
}

TEST(Pattern, NoStarStandsForATildeAtTheBeginning) {
  for (const std::string_view pattern : {"**", "*/live", "*/*", "**/live", "*admin/live"}) {
    EXPECT_FALSE(pattern_matches(pattern, "~admin/live")) << pattern;
  }
  EXPECT_TRUE(pattern_matches("~admin/live", "~admin/live"));
  EXPECT_TRUE(pattern_matches("~admin/*", "~admin/live"));
  EXPECT_TRUE(pattern_matches("~*/**", "~admin/live"));
  EXPECT_TRUE(pattern_matches("**", "a/~b")) << "only the first character hides a name";
  EXPECT_TRUE(pattern_matches("a*", "a~"));
  EXPECT_FALSE(pattern_matches("~**", "a"));
}

// ---- against a matcher that is written for being obviously right

bool slow_segment(std::string_view pattern, std::string_view text) {
  if (pattern.empty() || text.empty()) return pattern.empty() && text.empty();
  if (pattern[0] != '*') {
    return pattern[0] == text[0] && slow_segment(pattern.substr(1), text.substr(1));
  }
  for (std::size_t taken = 1; taken <= text.size(); ++taken) {
    if (slow_segment(pattern.substr(1), text.substr(taken))) return true;
  }
  return false;
}

using Path = std::vector<std::string>;

bool slow_path(const Path& pattern, std::size_t p, const Path& name, std::size_t n) {
  if (p == pattern.size() || n == name.size()) return p == pattern.size() && n == name.size();
  if (pattern[p] != "**") {
    return slow_segment(pattern[p], name[n]) && slow_path(pattern, p + 1, name, n + 1);
  }
  for (std::size_t end = n + 1; end <= name.size(); ++end) {
    if (slow_path(pattern, p + 1, name, end)) return true;
  }
  return false;
}

Path split(std::string_view text) {
  Path path;
  while (true) {
    const std::size_t slash = text.find('/');
    path.emplace_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return path;
    text.remove_prefix(slash + 1);
  }
}

// Every text of 1 to `size` of these characters.
std::vector<std::string> texts(std::string_view characters, std::size_t size) {
  std::vector<std::string> all;
  std::vector<std::string> last = {""};
  for (std::size_t i = 0; i < size; ++i) {
    std::vector<std::string> longer;
    for (const std::string& text : last) {
      for (const char c : characters) longer.push_back(text + c);
    }
    all.insert(all.end(), longer.begin(), longer.end());
    last = std::move(longer);
  }
  return all;
}

TEST(Pattern, AgreesWithASlowMatcherOnEveryShortPatternAndName) {
  const std::vector<std::string> names = texts("ab/", 5);
  std::vector<Path> paths;
  for (const std::string& name : names) paths.push_back(split(name));
  std::size_t matches = 0;
  for (const std::string& pattern : texts("ab/*", 5)) {
    if (!channel_pattern_problem(pattern).empty()) continue;
    const Path path = split(pattern);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const bool expected = slow_path(path, 0, paths[i], 0);
      ASSERT_EQ(pattern_matches(pattern, names[i]), expected) << pattern << " " << names[i];
      matches += expected ? 1 : 0;
    }
  }
  EXPECT_GT(matches, 1000U);
}

// ---- what may be written

TEST(ChannelName, IsMadeOfAFewCharacters) {
  EXPECT_EQ(channel_name_problem("azAZ09._~:@/-"), "");
  EXPECT_EQ(channel_name_problem(std::string(255, 'x')), "");
  EXPECT_EQ(channel_name_problem(""), "a channel name must not be empty");
  EXPECT_EQ(channel_name_problem(std::string(256, 'x')),
            "a channel name has at most 255 bytes; this one has 256");
  EXPECT_EQ(channel_name_problem("a b"),
            "a channel name may contain only A-Z a-z 0-9 . _ ~ : @ / -, not 0x20 (byte 1)");
  EXPECT_EQ(channel_name_problem("metrics/*"),
            "a channel name may contain only A-Z a-z 0-9 . _ ~ : @ / -, not '*' (byte 8)");
  EXPECT_EQ(channel_name_problem("caf\xc3\xa9"),
            "a channel name may contain only A-Z a-z 0-9 . _ ~ : @ / -, not 0xc3 (byte 3)");
}

TEST(ChannelPattern, MayHoldStars) {
  for (const std::string_view pattern : {"news", "*", "**", "a*b*", "a/**/b", "*/**", "~a/*"}) {
    EXPECT_EQ(channel_pattern_problem(pattern), "") << pattern;
  }
  EXPECT_EQ(channel_pattern_problem(""), "a channel or pattern must not be empty");
  EXPECT_EQ(channel_pattern_problem(std::string(256, '*')),
            "a channel or pattern has at most 255 bytes; this one has 256");
  EXPECT_EQ(
      channel_pattern_problem("a/?"),
      "a channel or pattern may contain only A-Z a-z 0-9 . _ ~ : @ / - and *, not '?' (byte 2)");
}

TEST(ChannelPattern, TwoStarsAreASegmentOfTheirOwn) {
  EXPECT_EQ(channel_pattern_problem("orders/a**"),
            "** must be a whole segment, between slashes, not part of \"a**\" (byte 8)");
  EXPECT_EQ(channel_pattern_problem("***"),
            "** must be a whole segment, between slashes, not part of \"***\" (byte 0)");
}

TEST(ChannelPattern, IsOneIfItHasAStar) {
  EXPECT_TRUE(is_pattern("a/*"));
  EXPECT_FALSE(is_pattern("a/b"));
}

TEST(Pattern, CoversWhatItMatchesWhateverTheOtherMatches) {
  const auto covers = [](std::string_view outer, std::string_view inner) {
    return pattern_covers(outer, inner);
  };
  EXPECT_TRUE(covers("metrics/**", "metrics/cpu"));
  EXPECT_TRUE(covers("metrics/**", "metrics/*"));
  EXPECT_TRUE(covers("metrics/**", "metrics/**"));
  EXPECT_TRUE(covers("metrics/**", "metrics/cpu/*/x*"));
  EXPECT_FALSE(covers("metrics/**", "metrics"));
  EXPECT_FALSE(covers("metrics/**", "**"));
  EXPECT_FALSE(covers("metrics/**", "*/cpu"));
  EXPECT_FALSE(covers("metrics/**", "m*/cpu"));
  EXPECT_FALSE(covers("metrics/*", "metrics/**"));
  EXPECT_TRUE(covers("**", "**"));
  EXPECT_TRUE(covers("**", "a/*/b"));
  EXPECT_FALSE(covers("*", "**"));
  EXPECT_TRUE(covers("a*", "ab*"));
  EXPECT_TRUE(covers("a*", "a*b"));
  EXPECT_FALSE(covers("a*", "a")) << "one character at least";
  EXPECT_FALSE(covers("ab*", "a*"));
  EXPECT_TRUE(covers("*b*", "a*b*c"));
  EXPECT_TRUE(covers("**/a", "x/**/a"));
  EXPECT_FALSE(covers("x/**/a", "x/**"));
  EXPECT_FALSE(covers("*/**", "**/a")) << "which matches /a, whose first segment is empty";
  EXPECT_TRUE(covers("**/**", "**/a"));
  EXPECT_TRUE(covers("u/*/**", "u/*/a/**"));
}

TEST(Pattern, CoversNoHiddenNamesUnlessItSpellsThem) {
  EXPECT_FALSE(pattern_covers("**", "~admin/live"));
  EXPECT_FALSE(pattern_covers("**", "~admin/*"));
  EXPECT_TRUE(pattern_covers("~admin/**", "~admin/*"));
  EXPECT_TRUE(pattern_covers("a/**", "a/~b"));
  EXPECT_TRUE(pattern_covers("a/*", "a/~*"));
}

TEST(Pattern, OverlapsWhatHasANameInCommonWithIt) {
  const auto overlap = [](std::string_view a, std::string_view b) {
    const bool found = patterns_overlap(a, b);
    EXPECT_EQ(patterns_overlap(b, a), found) << a << " " << b;
    return found;
  };
  EXPECT_TRUE(overlap("room/7", "room/7"));
  EXPECT_FALSE(overlap("room/7", "room/8"));
  EXPECT_TRUE(overlap("room/7", "room/*"));
  EXPECT_TRUE(overlap("*/7", "room/*"));
  EXPECT_FALSE(overlap("room/*", "room/*/7"));
  EXPECT_TRUE(overlap("room/**", "**/7"));
  EXPECT_FALSE(overlap("room/**", "hall/**"));
  EXPECT_FALSE(overlap("ab*", "ba*"));
  EXPECT_FALSE(overlap("**", "~admin/*")) << "no star stands for that ~";
  EXPECT_TRUE(overlap("~admin/**", "~admin/*"));
}

// Pairs of patterns of up to three segments, against all short names.
TEST(Pattern, OverlapsExactlyWhenSomeNameMatchesBoth) {
  const std::vector<std::string> names = texts("ab/", 9);
  static constexpr std::array<std::string_view, 6> kSegments = {"a", "*", "**", "a*", "*a", ""};
  std::vector<std::string> patterns(kSegments.begin(), kSegments.end());
  for (const std::string_view first : kSegments) {
    for (const std::string_view second : kSegments) {
      patterns.push_back(std::string(first) + '/' + std::string(second));
    }
  }
  // With three segments, those for which short names are enough.
  for (const std::string_view first : {"a", "*", "**"}) {
    for (const std::string_view second : {"a", "*", "**"}) {
      for (const std::string_view third : {"a", "*", "**"}) {
        patterns.push_back(std::string(first) + '/' + std::string(second) + '/' +
                           std::string(third));
      }
    }
  }
  std::erase_if(patterns, [](const auto& p) { return !channel_pattern_problem(p).empty(); });
  std::vector<std::vector<std::uint64_t>> matched;
  for (const std::string& pattern : patterns) {
    std::vector<std::uint64_t>& bits = matched.emplace_back(names.size() / 64 + 1);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (pattern_matches(pattern, names[i])) bits[i / 64] |= std::uint64_t{1} << (i % 64);
    }
  }
  std::size_t overlapping = 0;
  for (std::size_t a = 0; a < patterns.size(); ++a) {
    for (std::size_t b = 0; b < patterns.size(); ++b) {
      bool expected = false;
      for (std::size_t i = 0; i < matched[a].size() && !expected; ++i) {
        expected = (matched[a][i] & matched[b][i]) != 0;
      }
      ASSERT_EQ(patterns_overlap(patterns[a], patterns[b]), expected)
          << patterns[a] << " " << patterns[b];
      overlapping += expected ? 1 : 0;
    }
  }
  EXPECT_GT(overlapping, 1000U);
}

// Held against all short names: whatever is covered matches no name that the other does not, and
// for whatever is not covered there is one.
TEST(Pattern, CoversExactlyWhenNoShortNameSaysOtherwise) {
  constexpr std::string_view kOfNames = "ab/";  // `b` stands in no pattern: any character
  std::vector<std::string> names;
  std::vector<std::string> layer = {""};
  for (int size = 1; size <= 9; ++size) {
    std::vector<std::string> next;
    for (const std::string& begun : layer) {
      for (const char c : kOfNames) next.push_back(begun + c);
    }
    layer = std::move(next);
    names.insert(names.end(), layer.begin(), layer.end());
  }
  Random random(9);
  static constexpr std::array<std::string_view, 6> kSegments = {"a", "*", "**", "a*", "*a", ""};
  const auto pattern = [&random] {
    std::string text(kSegments[random.below(kSegments.size())]);
    for (std::uint64_t more = random.below(3); more > 0; --more) {
      text += '/';
      text += kSegments[random.below(kSegments.size())];
    }
    return text;
  };
  int covered = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string outer = pattern();
    const std::string inner = pattern();
    if (outer.empty() || inner.empty()) continue;
    const bool none_escapes = std::ranges::none_of(names, [&](const std::string& name) {
      return pattern_matches(inner, name) && !pattern_matches(outer, name);
    });
    EXPECT_EQ(pattern_covers(outer, inner), none_escapes) << outer << " covers " << inner;
    covered += none_escapes ? 1 : 0;
  }
  EXPECT_GT(covered, 20);
}

TEST(Pattern, CoveringIsDecidedInBoundedTimeForPatternsMadeToTakeLong) {
  std::string stars;
  std::string inner;
  while (stars.size() + 6 < kChannelNameSizeMax) stars += "**/a/";
  while (inner.size() + 6 < kChannelNameSizeMax) inner += "**/*/";
  EXPECT_FALSE(pattern_covers(stars + "b", inner + "a"));
  EXPECT_TRUE(pattern_covers("**", inner + "a"));
}

}  // namespace
}  // namespace fanfare
