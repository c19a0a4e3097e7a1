// What must hold of [[route]]. Each test breaks one rule, and looks at where the problem points.
#include "broker/config/route_rules.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "broker/config/load.h"

namespace fanfare::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> problems(std::string_view text) {
  std::vector<std::string> lines;
  if (const Loaded loaded = parse(text, "f.toml"); !loaded) {
    for (const Diagnostic& problem : loaded.error()) lines.push_back(problem.text());
  }
  return lines;
}

std::vector<std::string> with(std::string_view more, std::string_view path = "/a/{room}") {
  return problems(fmt::format("[[route]]\npath = \"{}\"\n{}", path, more));
}

std::vector<std::string> both(std::string_view first, std::string_view second) {
  return problems(fmt::format("[[route]]\npath = {}\n[[route]]\npath = {}\n", first, second));
}

TEST(RouteRules, WantAPathForEveryRoute) {
  EXPECT_THAT(problems("[[route]]\nchannels = [\"a\"]\n"), ElementsAre(HasSubstr("has no path")));
  EXPECT_THAT(problems("[[route]]\npath = \"prices\"\n"), ElementsAre(HasSubstr("begin with '/'")));
  EXPECT_THAT(problems("[[route]]\npath = \"/events\"\n"), ElementsAre(HasSubstr("always there")));
  EXPECT_THAT(problems("[[route]]\npath = \"/a?b\"\n"), ElementsAre(HasSubstr("a query")));
  EXPECT_THAT(problems("[[route]]\npath = \"/a\"\n[[route]]\npath = \"/a\"\n"),
              ElementsAre(HasSubstr("served once")));
  EXPECT_THAT(problems("[[route]]\npath = \"/a\"\nchannels = [\"x\", \"y z\"]\n"),
              ElementsAre(StartsWith("f.toml:3:18: ")));
  EXPECT_THAT(problems("[limits]\nchannels_per_subscription = 1\n[[route]]\npath = \"/a\"\n"
                       "channels = [\"x\", \"y\"]\n"),
              ElementsAre(HasSubstr("channels_per_subscription allows 1")));
}

TEST(RouteRules, WantAnApplicationThatCanBeFoundAndSaysTheChannelsItself) {
  EXPECT_THAT(with("upstream = \"unix:/run/app.sock\"\nask = \"newcomers\"\n"), ElementsAre());
  EXPECT_THAT(
      with("upstream = \"http://app:3000\"\n"),
      ElementsAre(AllOf(StartsWith("f.toml:3:12: "), HasSubstr("names are not looked up"))));
  EXPECT_THAT(with("upstream = \"unix:/run/app.sock\"\nchannels = [\"x\"]\n"),
              ElementsAre(HasSubstr("has channels and an upstream")));
  EXPECT_THAT(with("ask = \"newcomers\"\n"), ElementsAre(HasSubstr("nobody to be asked")));
}

TEST(RouteRules, TakeEachOfTheKeys) {
  EXPECT_THAT(with("methods = [\"POST\"]\nchannels = [\"chat/{room}\", \"s/{query.q}\", "
                   "\"own/{connection}\", \"h/{query.text:sha256}\"]\nheartbeat = \"15s\"\n"
                   "retry = \"2s\"\nformat = \"raw\"\nreplay = 10\nannounce_position = \"never\"\n"
                   "parameters = [\"last_event_id\", \"heartbeat\"]\n"),
              ElementsAre());
}

TEST(RouteRules, WantAPathThatCanBeAskedFor) {
  EXPECT_THAT(with("", "/a/{room"),
              ElementsAre(AllOf(StartsWith("f.toml:2:8: route[0].path: \"/a/{room\": "),
                                HasSubstr("is not closed"))));
  EXPECT_THAT(with("", "/{a}{b}"), ElementsAre(HasSubstr("side by side")));
  EXPECT_THAT(with("", "a/{room}"), ElementsAre(HasSubstr("write one like \"/a/{room}\"")));
  for (const char* const own : {"/events", "/position"}) {
    EXPECT_THAT(with("", own), ElementsAre(HasSubstr("the broker's own"))) << own;
  }
  EXPECT_THAT(with("", "/fanfare.js"), ElementsAre(HasSubstr("the browser module")));
}

TEST(RouteRules, WantPathsOfWhichOneIsThatOfARequest) {
  EXPECT_THAT(
      both("\"/a/{x}\"", "\"/a/{y}\""),
      ElementsAre(AllOf(StartsWith("f.toml:4:8: "), HasSubstr("the same paths as \"/a/{x}\""),
                        HasSubstr("different methods"))));
  EXPECT_THAT(both("\"/a-{x}\"", "\"/{x}-b\""),
              ElementsAre(AllOf(StartsWith("f.toml:4:8: "), HasSubstr("both match \"/a-x-b\""))));
  EXPECT_THAT(both("\"/a-{x}\"\nmethods = [\"GET\"]", "\"/{x}-b\"\nmethods = [\"POST\"]"),
              ElementsAre(HasSubstr("both match")))
      << "which of the two would say 405?";
  EXPECT_THAT(both("\"/a\"", "\"/a\""), ElementsAre(HasSubstr("served once")));
  EXPECT_THAT(both("\"/a/{x}\"\nmethods = [\"GET\"]", "\"/a/{y}\"\nmethods = [\"POST\"]"),
              ElementsAre());
  EXPECT_THAT(both("\"/a/{x}\"", "\"/a/b\""), ElementsAre()) << "the text goes first";
  EXPECT_THAT(both("\"/a/{x}\"", "\"/{x}/b\""), ElementsAre());
}

TEST(RouteRules, WantVariablesThatHaveAValue) {
  EXPECT_THAT(with("channels = [\"ok\",\n  \"chat/{rom}\"]\n"),
              ElementsAre(AllOf(StartsWith("f.toml:4:3: route[0].channels[1] \"chat/{rom}\": "),
                                HasSubstr("there is no {rom} here; there are {room}, "))));
  EXPECT_THAT(with("channels = [\"chat/{room\"]\n"), ElementsAre(HasSubstr("not balanced")));
  EXPECT_THAT(with("channels = [\"~{room}\"]\n"), ElementsAre(HasSubstr("reserved")));
  EXPECT_THAT(with("channels = [\"s/{query.token}\"]\n"), ElementsAre(HasSubstr("is a secret")));
  EXPECT_THAT(with("channels = [\"s/{query.ticket}\"]\n"), ElementsAre(HasSubstr("is a secret")));
  EXPECT_THAT(with("channels = [\"fixed\"]\n"), ElementsAre()) << "not every variable need be used";
}

TEST(RouteRules, WantATokenWhereAChannelIsMadeOfOne) {
  constexpr std::string_view kSub = "channels = [\"u/{token.sub}\"]\n";
  constexpr std::string_view kOrg = "channels = [\"u/{token.org}\"]\n";
  constexpr std::string_view kKeys = "[token]\nkeys = [\"/etc/key.pem\"]\n";
  EXPECT_THAT(with(kSub), ElementsAre(AllOf(StartsWith("f.toml:3:13: "),
                                            HasSubstr("{token.sub} needs a token"))));
  EXPECT_THAT(with(fmt::format("{}token = \"optional\"\n{}", kSub, kKeys)),
              ElementsAre(HasSubstr("write token = \"required\"")));
  EXPECT_THAT(with(fmt::format("{}token = \"none\"\n{}", kSub, kKeys)),
              ElementsAre(HasSubstr("open without one")));
  EXPECT_THAT(with(fmt::format("{}{}", kOrg, kKeys)), ElementsAre());
  EXPECT_THAT(with(fmt::format("{}token = \"required\"\n", kSub)), ElementsAre()) << "by tickets";
  EXPECT_THAT(with(fmt::format("{}token = \"required\"\n", kOrg)),
              ElementsAre(HasSubstr("tickets only")));
}

TEST(RouteRules, WantMethodsThatOpenAStream) {
  EXPECT_THAT(with("methods = [\"GET\", \"PUT\"]\n"),
              ElementsAre(AllOf(StartsWith("f.toml:3:19: "), HasSubstr("has \"PUT\""),
                                HasSubstr("\"GET\" or \"POST\""))));
  EXPECT_THAT(with("methods = [\"HEAD\"]\n"), ElementsAre(HasSubstr("HEAD goes with GET")));
  EXPECT_THAT(with("methods = []\n"), ElementsAre(HasSubstr("methods")));
}

TEST(RouteRules, WantParametersOfTheBrokers) {
  EXPECT_THAT(
      with("channels = [\"a\"]\nparameters = [\"format\", \"fromat\"]\n"),
      ElementsAre(AllOf(StartsWith("f.toml:4:25: "), HasSubstr("\"fromat\" is no parameter"),
                        HasSubstr("announce_position"))));
  EXPECT_THAT(with("parameters = [\"format\"]\n"),
              ElementsAre(HasSubstr("nobody can say which channels")));
  EXPECT_THAT(with("parameters = [\"channel\"]\n"), ElementsAre());
  EXPECT_THAT(with("upstream = \"unix:/a\"\nparameters = []\n"), ElementsAre());
}

TEST(RouteRules, LeaveTheChannelsToTheApplicationThatIsAsked) {
  EXPECT_THAT(with("upstream = \"unix:/run/app.sock\"\nchannels = [\"chat/{room}\"]\n"),
              ElementsAre(HasSubstr("has channels and an upstream")));
  EXPECT_THAT(with("upstream = \"unix:/run/app.sock\"\n"), ElementsAre());
}

}  // namespace
}  // namespace fanfare::config
