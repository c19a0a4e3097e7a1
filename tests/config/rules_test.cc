// What must hold between keys. Each test breaks one rule, and looks at where the problem points.
#include "broker/config/rules.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/config/load.h"

namespace fanfare::config {
namespace {

using testing::AllOf;
using testing::Contains;
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

TEST(Rules, HoldForTheDefaults) {
  Report report;
  check_rules(server::Options{}, report);
  EXPECT_EQ(report.count(), 0U);
}

TEST(Rules, PointAtTheListenerThatIsWrong) {
  EXPECT_THAT(problems("[listen]\nhttp = [\"127.0.0.1:80\",\n  \"nowhere\"]\n"),
              ElementsAre(AllOf(StartsWith("f.toml:3:3: "), HasSubstr("has no port"))));
  EXPECT_THAT(problems("[listen]\nhttp = [\"[::1]:80\", \"[::1]:80\"]\n"),
              ElementsAre(HasSubstr("listed twice")));
  EXPECT_THAT(problems("[listen]\nhttp = [\"[::1]:0\", \"[::1]:0\"]\n"), ElementsAre());
  EXPECT_THAT(problems("[listen]\nhttp = [\"unix:/a:0\", \"unix:/a:0\"]\n"),
              ElementsAre(HasSubstr("listed twice")));
  EXPECT_THAT(problems("[listen]\nhttp = [\"unix:/a\"]\ningest = \"/a\"\n"),
              ElementsAre(HasSubstr("also listen.ingest")));
  for (const char* other : {"admin = \"unix:/a\"", "https = [\"unix:/a\"]"}) {
    EXPECT_THAT(problems(fmt::format("[listen]\n{}\n", other)),
                Contains(HasSubstr("in listen.http")));
  }
  EXPECT_THAT(problems("[listen]\nadmin = \"127.0.0.1:8080\"\n"),
              ElementsAre(AllOf(StartsWith("f.toml:2:9: "), HasSubstr("also in listen.http"))));
  EXPECT_THAT(problems("[listen]\nadmin = \"\"\n"), ElementsAre());
  EXPECT_THAT(problems("[listen]\ningest = \"@abstract\"\n"),
              ElementsAre(HasSubstr("permissions")));
}

TEST(Rules, WarnOfASocketWhoseFrontIsNotBelieved) {
  server::Options options;
  options.listen.http = {"127.0.0.1:8080", "unix:/run/http.sock"};
  EXPECT_THAT(warnings(options),
              ElementsAre(AllOf(HasSubstr("[listen] http has unix:/run/http.sock"),
                                HasSubstr("\"unix:\""))));
  options.fronts.trusted = {"unix:"};
  EXPECT_THAT(warnings(options), ElementsAre());
}

TEST(Rules, KeepSizesInOrder) {
  EXPECT_THAT(
      problems("[history]\nbytes = \"1GiB\"\n"),
      ElementsAre(AllOf(StartsWith("f.toml:2:9: "), HasSubstr("history.bytes (1GiB) is larger than "
                                                              "history.total_bytes (256MiB)"))));
  EXPECT_THAT(
      problems("[history]\nbytes = \"32KiB\"\n"),
      ElementsAre(AllOf(StartsWith("f.toml:2:9: "), HasSubstr("limits.event_bytes (64KiB)"))));
  EXPECT_THAT(problems("[limits]\ntarget_bytes = \"32KiB\"\n"), ElementsAre(HasSubstr("head")));
  EXPECT_THAT(problems("[limits]\nevent_bytes = \"1MiB\"\ningest_batch_bytes = \"64KiB\"\n"),
              ElementsAre(HasSubstr("published over HTTP")));
  EXPECT_THAT(problems("[limits]\nevent_bytes = \"1MiB\"\ningest_pending_bytes = \"64KiB\"\n"),
              ElementsAre(HasSubstr("would stop its publisher")));
}

TEST(Rules, KeepHeartbeatsInOrder) {
  EXPECT_THAT(
      problems("[limits]\nheartbeat_min = \"10min\"\n"),
      ElementsAre(HasSubstr("heartbeat_min (10min) is longer than limits.heartbeat_max (5min)")));
  EXPECT_THAT(problems("[limits]\nheartbeat_max = \"100ms\"\n"),
              ElementsAre(StartsWith("f.toml:2:17: ")));
  EXPECT_THAT(problems("[delivery]\nheartbeat = \"1s\"\ncoalesce = \"2s\"\n"),
              ElementsAre(HasSubstr("longer than a heartbeat interval")));
}

TEST(Rules, RefuseNamesThatMeanSomethingElse) {
  EXPECT_THAT(problems("[delivery]\ngap_event = \"error\"\n"), ElementsAre(HasSubstr("own event")));
  EXPECT_THAT(problems("[delivery]\ngap_event = \"a b\"\n"),
              ElementsAre(HasSubstr("visible ASCII")));
  EXPECT_THAT(problems("[delivery]\nend_event = \"gap\"\n"),
              ElementsAre(HasSubstr("tell them apart")));
  for (const std::string_view key : {"gap_event", "end_event"}) {
    EXPECT_THAT(problems(fmt::format("[delivery]\n{} = \"~position\"\n", key)),
                ElementsAre(HasSubstr("tells a client its position")));
  }
  EXPECT_THAT(problems("[delivery]\ngap_event = \"\"\nend_event = \"\"\n"), ElementsAre());
  EXPECT_THAT(problems("[limits]\nevent_name_bytes = 2\n"),
              ElementsAre(HasSubstr("longer than limits.event_name_bytes")));
}

// Publishing over TCP without a token would be open to everybody who reaches the port.
TEST(Rules, LetNobodyPublishOverTcpWithoutAToken) {
  EXPECT_THAT(
      problems("[publish]\nlisten = [\"127.0.0.1:7600\"]\n"),
      ElementsAre(AllOf(StartsWith("f.toml:2:10: "), HasSubstr("there are no keys"),
                        HasSubstr("name the keys that publishers' tokens are signed with"))));
  EXPECT_THAT(problems("[publish]\nlisten = [\"127.0.0.1:7600\"]\nkeys = [\"/k\"]\n"),
              ElementsAre());
  EXPECT_THAT(problems("[publish]\nlisten = [\"127.0.0.1:7600\"]\njwks = \"/k.json\"\n"),
              ElementsAre());
  EXPECT_THAT(problems("[token]\nkeys = [\"/k\"]\n[publish]\nlisten = [\"127.0.0.1:7600\"]\n"),
              ElementsAre(HasSubstr("there are no keys")))
      << "those of subscribers are others";
}

TEST(Rules, PointAtWhatIsWrongInPublish) {
  EXPECT_THAT(problems("[publish]\nkeys = [\"/k\"]\nlisten = [\"nowhere\"]\n"),
              ElementsAre(AllOf(StartsWith("f.toml:3:11: "), HasSubstr("has no port"))));
  EXPECT_THAT(problems("[publish]\nkeys = [\"/k\"]\nlisten = [\"127.0.0.1:8080\"]\n"),
              ElementsAre(HasSubstr("also in [listen]")));
  EXPECT_THAT(problems("[publish]\nkeys = [\"/k\"]\nlisten = [\"127.0.0.1:9180\"]\n"),
              ElementsAre(HasSubstr("also in [listen]")));
  EXPECT_THAT(problems("[publish]\nkeys = [\"/k\"]\nlisten = [\"[::1]:1\", \"[::1]:1\"]\n"),
              ElementsAre(HasSubstr("listed twice")));
  EXPECT_THAT(problems("[publish]\nkeys = [\"k\"]\n"), ElementsAre(HasSubstr("publish.keys[0]")));
  EXPECT_THAT(problems("[publish]\nalgorithms = [\"none\"]\n"),
              ElementsAre(HasSubstr("is not one of EdDSA, ES256, RS256, HS256")));
}

TEST(Rules, RefuseOriginsThatBrowsersWouldNotMatch) {
  EXPECT_THAT(problems("[cors]\norigins = [\"*\"]\ncredentials = true\n"),
              ElementsAre(AllOf(StartsWith("f.toml:3:15: "), HasSubstr("name the origins"))));
  EXPECT_THAT(problems("[subscribe]\nallow = [\"a/**\", \"b**\"]\n"),
              ElementsAre(HasSubstr("subscribe.allow[1]: ** must be a whole segment")));
  EXPECT_THAT(problems("[subscribe]\nallow = [\"~admin/live\"]\n"),
              ElementsAre(HasSubstr("reserved for the broker")));
  EXPECT_THAT(problems("[subscribe]\nallow = []\n"), ElementsAre(HasSubstr("at least one entry")));
  EXPECT_THAT(problems("[listen]\nadmin_hosts = [\"http://Ops.example:80\"]\n"),
              ElementsAre(HasSubstr("\"ops.example\"")));
  EXPECT_THAT(
      problems("[cors]\norigins = [\"null\"]\ncredentials = true\n"),
      ElementsAre(AllOf(HasSubstr("cors.origins contains \"null\""), HasSubstr("any site"))));
  EXPECT_THAT(problems("[cors]\norigins = [\"https://App.example.com/\"]\n"),
              ElementsAre(HasSubstr("write \"https://app.example.com\"")));
  EXPECT_THAT(problems("[cors]\norigins = [\"*\", \"https://a.example\"]\n"),
              ElementsAre(HasSubstr("list it alone")));
  EXPECT_THAT(problems("[cors]\norigins = [\"https://a.example\", \"b.example\"]\n"),
              ElementsAre(AllOf(StartsWith("f.toml:2:33: "), HasSubstr("write the scheme too"))));
}

TEST(Rules, WantAMatchForEveryChannelRule) {
  EXPECT_THAT(problems("[[channel]]\nretry = \"5s\"\n"),
              ElementsAre(AllOf(StartsWith("f.toml:1:"), HasSubstr("has no match"))));
  EXPECT_THAT(problems("[[channel]]\nmatch = 5\n"), ElementsAre(HasSubstr("is a number")));
  EXPECT_THAT(problems("[[channel]]\nmatch = \"\"\n"), ElementsAre(HasSubstr("is empty")));
  EXPECT_THAT(problems("[[channel]]\nmatch = \"a b\"\n"), ElementsAre(StartsWith("f.toml:2:9: ")));
  EXPECT_THAT(problems("[[channel]]\nmatch = \"a\"\n[[channel]]\nmatch = \"a\"\n"),
              ElementsAre(AllOf(StartsWith("f.toml:4:9: "), HasSubstr("only the first counts"))));
}

TEST(Rules, KeepSizesOfChannelRulesInOrder) {
  EXPECT_THAT(problems("[[channel]]\nmatch = \"a\"\nhistory_bytes = \"1GiB\"\n"),
              ElementsAre(StartsWith("f.toml:3:17: channel[0].history_bytes (1GiB)")));
  EXPECT_THAT(problems("[[channel]]\nmatch = \"a\"\nhistory_bytes = \"2KiB\"\n"),
              ElementsAre(AllOf(StartsWith("f.toml:3:17: "), HasSubstr("would not fit"))));
}

TEST(Rules, WantAnAddressForEveryHook) {
  EXPECT_THAT(problems("[[hook]]\nurl = \"unix:/run/app.sock:/hooks\"\n"), ElementsAre());
  EXPECT_THAT(problems("[[hook]]\nsettle = \"1s\"\n"), ElementsAre(HasSubstr("has no url")));
  EXPECT_THAT(problems("[[hook]]\nurl = \"http://app:3000/hooks\"\n"),
              ElementsAre(AllOf(StartsWith("f.toml:2:7: "), HasSubstr("names are not looked up"))));
  EXPECT_THAT(problems("[[hook]]\nurl = \"http://127.0.0.1/a b\"\n"),
              ElementsAre(HasSubstr("visible ASCII")));
  EXPECT_THAT(problems("[[hook]]\nurl = \"http://127.0.0.1\"\nchannels = [\"a\", \"b c\"]\n"),
              ElementsAre(StartsWith("f.toml:3:18: ")));
  EXPECT_THAT(problems("[[hook]]\nurl = \"http://127.0.0.1\"\nevents = [\"full\"]\n"),
              ElementsAre(HasSubstr("neither occupied nor vacant")));
  std::string many;
  for (int i = 0; i < 17; ++i) many += "[[hook]]\nurl = \"http://127.0.0.1\"\n";
  EXPECT_THAT(problems(many), ElementsAre(HasSubstr("16 are the most")));
}

}  // namespace
}  // namespace fanfare::config
