#include "broker/server/base/path_template.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"

namespace fanfare::server {
namespace {

using ::testing::HasSubstr;

std::string problem(std::string_view text) {
  const auto path = parse_path_template(text);
  return path ? "none" : path.error();
}

// The values of the variables, or "no": the path is not matched. As the table looks at it: segment
// by segment.
std::string matched(std::string_view text, std::string_view path) {
  const PathTemplate pattern = parse_path_template(text).value();
  std::vector<std::string_view> values(pattern.variables.size());
  std::size_t used = 0;
  std::string_view rest = path.substr(1);
  for (std::size_t i = 0; i < pattern.segments.size(); ++i) {
    const std::size_t slash = rest.find('/');
    const bool last = i + 1 == pattern.segments.size();
    if (last != (slash == std::string_view::npos)) return "no";
    const PathSegment& segment = pattern.segments[i];
    if (!segment.match(rest.substr(0, slash), std::span(values).subspan(used))) return "no";
    used += segment.variables();
    if (!last) rest.remove_prefix(slash + 1);
  }
  return fmt::format("{}", fmt::join(values, " "));
}

TEST(PathTemplate, AVariableStandsForOneCharacterOrMoreOfOneSegment) {
  EXPECT_EQ(matched("/ai/chat/{room}", "/ai/chat/7"), "7");
  EXPECT_EQ(matched("/ai/chat/{room}", "/ai/chat/"), "no");
  EXPECT_EQ(matched("/ai/chat/{room}", "/ai/chat"), "no");
  EXPECT_EQ(matched("/ai/chat/{room}", "/ai/chat/7/8"), "no");
  EXPECT_EQ(matched("/ai/chat/{room}", "/ai/chat/7/"), "no");
  EXPECT_EQ(matched("/{a}/{b}", "/x/y"), "x y");
  EXPECT_EQ(matched("/{a}/{b}", "//y"), "no");
  EXPECT_EQ(matched("/{a}/", "/x/"), "x") << "a slash at the end is the template's to say";
  EXPECT_EQ(matched("/{a}/", "/x"), "no");
}

TEST(PathTemplate, AVariableMayBePartOfASegment) {
  EXPECT_EQ(matched("/{name}.json", "/a.b.json"), "a.b");
  EXPECT_EQ(matched("/{name}.json", "/.json"), "no");
  EXPECT_EQ(matched("/v{major}.{minor}", "/v1.2.3"), "1 2.3") << "the first takes the least";
  EXPECT_EQ(matched("/v{major}.{minor}", "/v..2"), ". 2") << "one character at least";
  EXPECT_EQ(matched("/v{major}.{minor}", "/v1."), "no");
  EXPECT_EQ(matched("/from-{a}-to-{b}", "/from-x-to-y"), "x y");
  EXPECT_EQ(matched("/{a}ab{b}", "/abab"), "no") << "the first would be empty, or the last";
  EXPECT_EQ(matched("/{a}ab{b}", "/xabab"), "x ab");
}

TEST(PathTemplate, TextIsComparedAsItWasSent) {
  EXPECT_EQ(matched("/ai/{x}", "/AI/7"), "no");
  EXPECT_EQ(matched("/ai/{x}", "/%61i/7"), "no");
  EXPECT_EQ(matched("/a/{x}", "/a/b%2Fc"), "b%2Fc") << "an escaped slash parts no segments";
}

TEST(PathTemplate, SayWhatIsWrongWithThem) {
  EXPECT_EQ(problem("/"), "none");
  EXPECT_EQ(problem("/prices/"), "none");
  EXPECT_THAT(problem("prices"), HasSubstr("does not begin with '/'"));
  EXPECT_THAT(problem("/{a"), HasSubstr("is not closed"));
  EXPECT_THAT(problem("/{a/b}"), HasSubstr("is not closed"));
  EXPECT_THAT(problem("/{a{b}}"), HasSubstr("is not closed"));
  EXPECT_THAT(problem("/a}"), HasSubstr("a } without a {"));
  EXPECT_THAT(problem("/{a}}"), HasSubstr("a } without a {"));
  EXPECT_THAT(problem("/{a}{b}"), HasSubstr("side by side"));
  EXPECT_THAT(problem("/{}"), HasSubstr("is no variable"));
  EXPECT_THAT(problem("/{Room}"), HasSubstr("is no variable"));
  EXPECT_THAT(problem("/{1}"), HasSubstr("is no variable"));
  EXPECT_THAT(problem("/{" + std::string(33, 'a') + "}"), HasSubstr("is no variable"));
  EXPECT_THAT(problem("/{a}/{a}"), HasSubstr("stands twice"));
  for (const char* const name : {"query", "query.x", "token", "token.sub", "connection"}) {
    EXPECT_THAT(problem(fmt::format("/{{{}}}", name)), HasSubstr("are for channels")) << name;
  }
  EXPECT_EQ(problem("/{query_id}"), "none");
  EXPECT_THAT(problem("/a//b"), HasSubstr("empty segment"));
  EXPECT_THAT(problem("//"), HasSubstr("empty segment"));
  EXPECT_THAT(problem("/a/../b"), HasSubstr("segment of dots"));
  EXPECT_THAT(problem("/./b"), HasSubstr("segment of dots"));
  EXPECT_EQ(problem("/.{a}"), "none");
  EXPECT_THAT(problem("/a?b={c}"), HasSubstr("or a query"));
  EXPECT_THAT(problem("/a%20b"), HasSubstr("characters that a path cannot have"));
  EXPECT_THAT(problem("/" + std::string(kPathBytesMax, 'a')), HasSubstr("longer than 1024"));
  std::string many;
  for (std::size_t i = 0; i <= kPathVariablesMax; ++i) many += fmt::format("/{{v{}}}", i);
  EXPECT_THAT(problem(many), HasSubstr("more than 16 variables"));
}

Relation between(std::string_view a, std::string_view b) {
  const auto one = parse_path_template(a).value();
  const auto other = parse_path_template(b).value();
  EXPECT_EQ(relation(one, other), relation(other, one)) << a << " " << b;
  return relation(one, other);
}

TEST(PathTemplate, KnowWhichOfThemGoFirst) {
  EXPECT_EQ(between("/a/{x}", "/a/b"), Relation::apart) << "text before a variable";
  EXPECT_EQ(between("/a/{x}", "/{y}/b"), Relation::apart) << "the first difference decides";
  EXPECT_EQ(between("/{x}.json", "/{x}"), Relation::apart) << "a part before a whole variable";
  EXPECT_EQ(between("/{x}.json", "/{x}.min.json"), Relation::apart) << "more text before less";
  EXPECT_EQ(between("/{x}/a", "/{y}/b"), Relation::apart) << "nothing is matched by both";
  EXPECT_EQ(between("/{x}", "/{y}/{z}"), Relation::apart);
  EXPECT_EQ(between("/a-{x}/p", "/{x}-b/q"), Relation::apart);
  EXPECT_EQ(between("/a-{x}", "/b-{x}"), Relation::apart);
  EXPECT_EQ(between("/{x}/{y}", "/{a}/{b}"), Relation::same);
  EXPECT_EQ(between("/a-{x}", "/{x}-b"), Relation::unclear);
  EXPECT_EQ(between("/a-{x}/{y}", "/{x}-b/c"), Relation::unclear)
      << "the first difference decides, and says nothing";
  EXPECT_EQ(between("/a{x}b{y}", "/a{x}c{y}"), Relation::unclear);
}

// A few letters, so that many match.
std::string any_segment(Random& random, int& variables) {
  std::string text;
  const std::uint64_t size = random.below(4);
  for (std::uint64_t i = 0; i < size; ++i) {
    if (!text.ends_with('}') && random.chance(0.4)) {
      text += fmt::format("{{v{}}}", variables++);
    } else {
      text += "ab-"[random.below(3)];
    }
  }
  return text.empty() ? "a" : text;
}

// Found by trying all short texts.
bool some_text_is_matched_by_both(const PathSegment& a, const PathSegment& b) {
  std::array<std::string_view, kPathVariablesMax> values;
  std::vector<std::string> texts{""};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string text = texts[i];
    if (a.match(text, values) && b.match(text, values)) return true;
    if (text.size() == 7) continue;
    for (const char c : {'a', 'b', '-'}) texts.push_back(text + c);
  }
  return false;
}

TEST(PathTemplate, OverlapIfSomeTextIsMatchedByBoth) {
  Random random(1);
  int both = 0;
  for (int i = 0; i < 1500; ++i) {
    int names = 0;
    const std::string one = '/' + any_segment(random, names);
    const std::string other = '/' + any_segment(random, names);
    const auto a = parse_path_template(one).value();
    const auto b = parse_path_template(other).value();
    const bool found = some_text_is_matched_by_both(a.segments[0], b.segments[0]);
    ASSERT_EQ(overlap(a.segments[0], b.segments[0]), found) << one << " " << other;
    if (!found) continue;
    ++both;
    std::array<std::string_view, kPathVariablesMax> values;
    const std::string shown = common_path(a, b).substr(1);
    EXPECT_TRUE(a.segments[0].match(shown, values)) << one << " " << shown;
    EXPECT_TRUE(b.segments[0].match(shown, values)) << other << " " << shown;
  }
  EXPECT_GT(both, 300);
}

}  // namespace
}  // namespace fanfare::server
