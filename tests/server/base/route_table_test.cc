#include "broker/server/base/route_table.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace fanfare::server {
namespace {

using ::testing::ElementsAre;

std::vector<RouteRule> rules(std::initializer_list<std::string_view> paths) {
  std::vector<RouteRule> all;
  for (const std::string_view path : paths) all.emplace_back().path = path;
  return all;
}

// The rule that a GET of the path leads to; empty: none.
std::string to(const RouteTable& table, std::string_view path) {
  const RouteTable::Found found = table.find(path);
  return found.path == nullptr ? "" : found.path->get->rule->path;
}

TEST(RouteTable, APathThatIsSaidGoesBeforeEveryTemplateInWhateverOrderTheyAreWritten) {
  for (const auto& order : {rules({"/a/b", "/a/{x}", "/a/b{x}", "/{x}/b"}),
                            rules({"/{x}/b", "/a/b{x}", "/a/{x}", "/a/b"})}) {
    const RouteTable table(order);
    EXPECT_EQ(to(table, "/a/b"), "/a/b");
    EXPECT_EQ(to(table, "/a/bc"), "/a/b{x}");
    EXPECT_EQ(to(table, "/a/c"), "/a/{x}");
    EXPECT_EQ(to(table, "/c/b"), "/{x}/b");
    EXPECT_EQ(to(table, "/c/c"), "");
  }
}

TEST(RouteTable, GoesBackWhereTheMoreSpecificLeadsNowhere) {
  const auto all = rules({"/a/{x}/p", "/{y}/b/q", "/{y}/{z}/r", "/a/b{x}/s"});
  const RouteTable table(all);
  EXPECT_EQ(to(table, "/a/b/p"), "/a/{x}/p");
  EXPECT_EQ(to(table, "/a/b/q"), "/{y}/b/q");
  EXPECT_EQ(to(table, "/a/bb/r"), "/{y}/{z}/r");
  EXPECT_EQ(to(table, "/a/bb/s"), "/a/b{x}/s");
  const RouteTable::Found found = table.find("/a/bb/r");
  EXPECT_EQ(found.values[0], "a") << "and forgets what it took on the way";
  EXPECT_EQ(found.values[1], "bb");
}

TEST(RouteTable, MatchesAPathAsItWasSent) {
  const auto all = rules({"/prices", "/chat/{room}", "/files/{name}/", "/"});
  const RouteTable table(all);
  EXPECT_EQ(to(table, "/prices"), "/prices");
  for (const std::string_view other :
       {"/prices/", "/Prices", "//prices", "/%70rices", "/./prices", "/x/../prices", "/price",
        "/chat", "/chat/", "/chat//", "/chat//7", "/chat/7/", "/Chat/7", "/files/7", "/files//", "",
        "*", "prices", "//"}) {
    EXPECT_EQ(to(table, other), "") << other;
  }
  EXPECT_EQ(to(table, "/"), "/");
  EXPECT_EQ(to(table, "/files/7/"), "/files/{name}/");
  EXPECT_EQ(to(table, "/chat/a%2Fb"), "/chat/{room}") << "what a value may be is said elsewhere";
  EXPECT_EQ(to(table, "/chat/.."), "/chat/{room}");
}

TEST(RouteTable, APathHasTheMethodsOfItsRoutesAndNoOthers) {
  auto all = rules({"/get", "/post", "/both", "/{x}", "/each/{a}", "/each/{b}"});
  all[0].methods = {"GET"};
  all[1].methods = {"POST"};
  all[4].methods = {"GET"};
  all[5].methods = {"POST"};
  const RouteTable table(all);
  using enum http::Method;
  const auto methods = [&](std::string_view path) {
    const RoutePath* const found = table.find(path).path;
    std::string text = found->allow + ":";
    for (const auto method : {get, head, post, put, del, options, other}) {
      text += found->with(method) == nullptr ? '-' : '+';
    }
    return text;
  };
  EXPECT_EQ(methods("/get"), "GET, HEAD, OPTIONS:++-----") << "not the template's POST";
  EXPECT_EQ(methods("/post"), "POST, OPTIONS:--+----");
  EXPECT_EQ(methods("/both"), "GET, HEAD, POST, OPTIONS:+++----");
  EXPECT_EQ(methods("/each/7"), "GET, HEAD, POST, OPTIONS:+++----");
  EXPECT_EQ(table.find("/each/7").path->get->rule->path, "/each/{a}");
  EXPECT_EQ(table.find("/each/7").path->post->rule->path, "/each/{b}");
}

TEST(RouteTable, LeavesTheBrokersOwnPathsAlone) {
  const auto all = rules({"/{x}", "/fanfare.{x}"});
  const RouteTable table(all);
  for (const std::string_view own : kOwnPaths) EXPECT_EQ(to(table, own), "") << own;
  EXPECT_EQ(to(table, "/event"), "/{x}");
}

TEST(RouteTable, KnowsTheClaimsThatItsChannelsNeed) {
  auto all = rules({"/a", "/b"});
  all[0].channels = {"u/{token.sub}", "o/{token.org.id}"};
  all[1].channels = {"o/{token.org.id}/{token.role}"};
  EXPECT_THAT(RouteTable(all).claims(), ElementsAre("org.id", "role"));
}

}  // namespace
}  // namespace fanfare::server
