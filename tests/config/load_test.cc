#include "broker/config/load.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "broker/config/document.h"
#include "broker/config/keys.h"
#include "broker/config/value.h"
#include "tests/config/spelled_out.h"

namespace fanfare::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Every problem of a text, as its author would read it.
std::vector<std::string> problems(std::string_view text, std::vector<std::string> overrides = {}) {
  std::vector<std::string> lines;
  if (const Loaded loaded = parse(text, "f.toml", overrides); !loaded) {
    for (const Diagnostic& problem : loaded.error()) lines.push_back(problem.text());
  }
  return lines;
}

server::Options options(std::string_view text, std::vector<std::string> overrides = {}) {
  const Loaded loaded = parse(text, "f.toml", overrides);
  EXPECT_TRUE(loaded.has_value()) << (loaded ? "" : loaded.error().front().text());
  return loaded.value_or(server::Options{});
}

TEST(Load, WithoutAFileServesTheDefaults) {
  const Loaded loaded = load("");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(*loaded, server::Options{});
}

TEST(Load, TakesEveryKindOfValue) {
  const server::Options o = options(R"(
[listen]
http = ["0.0.0.0:80", "[::1]:8081"]
ingest = "/run/x.sock"
ingest_mode = "0600"
[server]
shards = 3
backend = "epoll"
[history]
age = "1.5h"
total_bytes = "2GB"
[delivery]
slow = "skip"
announce_position = "never"
[cors]
origins = ["https://a.example"]
credentials = true
)");
  EXPECT_THAT(o.listen.http, ElementsAre("0.0.0.0:80", "[::1]:8081"));
  EXPECT_EQ(o.listen.ingest, "/run/x.sock");
  EXPECT_EQ(o.listen.ingest_mode, 0600U);
  EXPECT_EQ(o.shards, 3U);
  EXPECT_EQ(o.backend, server::Backend::epoll);
  EXPECT_EQ(o.history.age, 90min);
  EXPECT_EQ(o.history.total_bytes, 2'000'000'000U);
  EXPECT_EQ(o.delivery.slow, server::SlowPolicy::skip);
  EXPECT_EQ(o.delivery.announce_position, server::AnnouncePosition::never);
  EXPECT_TRUE(o.cors.credentials);
}

TEST(Load, KeepsRulesInTheOrderOfTheText) {
  const server::Options o = options(R"(
[[channel]]
match = "z/**"
retry = "4s"
[[channel]]
match = "a/*"
slow = "skip"
[[route]]
path = "/p"
channels = ["a/1", "z/**"]
)");
  ASSERT_EQ(o.channels.size(), 2U);
  EXPECT_EQ(o.channels[0].match, "z/**");
  EXPECT_EQ(o.channels[0].retry, 4s);
  EXPECT_EQ(o.channels[0].slow, std::nullopt);
  EXPECT_EQ(o.channels[1].slow, server::SlowPolicy::skip);
  ASSERT_EQ(o.routes.size(), 1U);
  EXPECT_THAT(o.routes[0].channels, ElementsAre("a/1", "z/**"));
}

TEST(Load, ReadsBackWhatIsSpelledOut) {
  server::Options odd;
  odd.listen.ingest = "/run/\"x\"\t\x7f\\y";
  odd.delivery.coalesce = Duration(1);
  odd.history.age = Duration(123'456'789'012'345);
  odd.history.total_bytes = (1U << 30U) + 1;
  EXPECT_EQ(options(spelled_out(server::Options{})), server::Options{});
  EXPECT_EQ(options(spelled_out(odd)), odd);
}

TEST(Load, ReadsBackARuleThatIsSpelledOut) {
  server::ChannelRule rule{.match = "a/**",
                           .history_events = 5,
                           .history_bytes = 1U << 20U,
                           .history_age = 3min,
                           .heartbeat = 4s,
                           .retry = 250ms,
                           .slow = server::SlowPolicy::skip,
                           .coalesce = 20ms};
  const server::Options o = options("[[channel]]\n" + spelled_out(channel_section(), rule));
  ASSERT_EQ(o.channels.size(), 1U);
  EXPECT_EQ(o.channels[0], rule);
}

TEST(Load, ReportsEveryProblemAtOnceInTheOrderOfTheText) {
  EXPECT_THAT(
      problems(R"([delivery]
hearbeat = "5s"
retry = 2
[limits]
head_bytes = "1GiB"
[hystory]
events = 1
)"),
      ElementsAre(
          "f.toml:2:1: unknown key \"hearbeat\" in [delivery]; "
          "did you mean \"heartbeat\"?",
          "f.toml:3:9: [delivery] retry is a bare number; write a duration with "
          "its unit, as a string, like \"2s\"",
          "f.toml:5:14: [limits] head_bytes is 1GiB, which is too large; it must be 1KiB to 1MiB",
          "f.toml:6:2: unknown section [hystory]; did you mean \"history\"?"));
}

TEST(Load, PointsAtASyntaxErrorAndStillReadsTheOverrides) {
  const auto lines = problems("[listen]\nhttp = [\n", {"delivery.retry=2"});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], testing::StartsWith("f.toml:"));
  EXPECT_THAT(lines[0], HasSubstr("not TOML: "));
  EXPECT_THAT(lines[1], testing::StartsWith("--set delivery.retry=2: "));
}

TEST(Load, SaysWhichSectionAKeyBelongsIn) {
  EXPECT_THAT(problems("[history]\nheartbeat = \"5s\"\n"),
              ElementsAre("f.toml:2:1: unknown key \"heartbeat\" in [history]; "
                          "\"heartbeat\" belongs in [delivery]"));
  EXPECT_THAT(problems("retry = \"5s\"\n"),
              ElementsAre("f.toml:1:1: unknown key \"retry\"; \"retry\" belongs in [delivery]"));
}

TEST(Load, NamesEverySectionOfAMisplacedKeyBeforeItGuessesAnotherName) {
  EXPECT_THAT(problems("channels = 5\n"),
              ElementsAre(HasSubstr("\"channels\" belongs in [limits]")));
  EXPECT_THAT(problems("events = 5\n"),
              ElementsAre(HasSubstr("\"events\" belongs in [history] or [subscribe]")));
  for (const char* header : {"[channels]", "[[channels]]"}) {
    EXPECT_THAT(problems(fmt::format("{}\nmatch = \"a\"\n", header)),
                ElementsAre(HasSubstr("did you mean \"[[channel]]\"?")));
  }
}

// The value that a message about a bare number proposes.
std::string proposed(const std::string& section, const std::string& key, const std::string& bare) {
  const auto lines = problems(fmt::format("[{}]\n{} = {}\n", section, key, bare));
  if (lines.size() != 1) return "";
  const std::size_t at = lines[0].rfind("like \"") + 6;
  return lines[0].substr(at, lines[0].rfind('"') - at);
}

TEST(Load, ProposesForABareNumberWhatTheKeyTakes) {
  EXPECT_EQ(proposed("limits", "body_bytes", "65536"), "64KiB");
  EXPECT_EQ(proposed("limits", "body_bytes", "64"), "64KiB");
  EXPECT_EQ(proposed("history", "total_bytes", "256"), "256MiB");
  EXPECT_EQ(proposed("delivery", "heartbeat", "15"), "15s");
  EXPECT_EQ(proposed("delivery", "heartbeat", "15000"), "15s");
  for (const auto& section : sections()) {
    for (const auto& key : section.keys) {
      if (key.facts.kind != Kind::size && key.facts.kind != Kind::duration) continue;
      for (const char* bare : {"-1", "0", "1", "15", "256", "5000", "65536", "1.5", "9000000000"}) {
        const std::string value =
            proposed(std::string(section.name), std::string(key.facts.name), bare);
        const auto node = parse_document(fmt::format("value = \"{}\"\n", value));
        ASSERT_TRUE(node);
        EXPECT_TRUE(value_of(key.facts, node->table()->front().value))
            << section.name << '.' << key.facts.name << " = " << bare << " proposes " << value;
      }
    }
  }
}

TEST(Load, TakesAutoByItsNameOnlyAndSaysSo) {
  for (const char* key : {"server.shards", "limits.connections"}) {
    for (const char* value : {"0", "-1", "Auto", "many", "1000000000"}) {
      EXPECT_THAT(problems("", {fmt::format("{}={}", key, value)}),
                  ElementsAre(testing::EndsWith("or \"auto\"")))
          << key << '=' << value;
    }
  }
}

TEST(Load, ShowsAFractionAsAFraction) {
  EXPECT_THAT(problems("[limits]\nchannels = 5.0\n"),
              ElementsAre(HasSubstr("is 5.0, not a whole number")));
}

TEST(Load, RefusesBareNumbersWhereUnitsMatter) {
  EXPECT_THAT(problems("[history]\nbytes = 64\nage = 1.5\n"),
              ElementsAre(HasSubstr("like \"64KiB\""), HasSubstr("like \"15s\"")));
  EXPECT_THAT(problems("[history]\nage = \"15\"\n"), ElementsAre(HasSubstr("has no unit")));
  EXPECT_THAT(problems("[history]\nbytes = \"1 elephant\"\n"),
              ElementsAre(HasSubstr("an unknown unit")));
}

TEST(Load, RefusesTheWrongKindOfValue) {
  EXPECT_THAT(problems("[listen]\nhttp = \"127.0.0.1:80\"\n"),
              ElementsAre(HasSubstr("http is a string; write a list of strings")));
  EXPECT_THAT(problems("[listen]\nhttp = [80]\n"), ElementsAre(HasSubstr("a list with a number")));
  EXPECT_THAT(problems("[listen]\nhttp = []\n"), ElementsAre(HasSubstr("is empty")));
  EXPECT_THAT(problems("[listen]\ningest = 5\n"), ElementsAre(HasSubstr("is a number")));
  EXPECT_THAT(problems("[listen]\ningest = true\n"), ElementsAre(HasSubstr("is true")));
  EXPECT_THAT(problems("[listen]\ningest = [\"a\"]\n"), ElementsAre(HasSubstr("is a list")));
  EXPECT_THAT(problems("[listen]\ningest = 2024-01-01\n"), ElementsAre(HasSubstr("is a date")));
  EXPECT_THAT(problems("[listen]\ningest_mode = \"0999\"\n"), ElementsAre(HasSubstr("octal")));
  EXPECT_THAT(problems("[listen]\ningest_mode = \"7777\"\n"),
              ElementsAre(HasSubstr("too large; it must be at most 0777")));
  EXPECT_THAT(problems("[cors]\ncredentials = \"yes\"\n"), ElementsAre(HasSubstr("true or false")));
  EXPECT_THAT(problems("[history]\nevents = \"many\"\n"), ElementsAre(HasSubstr("whole number")));
  EXPECT_THAT(problems("[history]\nevents = -1\n"), ElementsAre(HasSubstr("negative")));
  EXPECT_THAT(problems("[history]\nevents = 1.5\n"), ElementsAre(HasSubstr("whole number")));
  EXPECT_THAT(problems("[delivery]\nslow = \"drop\"\n"),
              ElementsAre(HasSubstr("slow is \"drop\"; write one of \"disconnect\", \"skip\"")));
  EXPECT_THAT(problems("[delivery]\nslow = 1\n"), ElementsAre(HasSubstr("write one of")));
}

TEST(Load, RefusesSectionsOfTheWrongShape) {
  EXPECT_THAT(problems("history = 1\n"), ElementsAre(HasSubstr("write [history]")));
  EXPECT_THAT(problems("[[history]]\nevents = 1\n"), ElementsAre(HasSubstr("write [history]")));
  EXPECT_THAT(problems("[channel]\nmatch = \"a\"\n"), ElementsAre(HasSubstr("write [[channel]]")));
  EXPECT_THAT(problems("route = [1]\n"), ElementsAre(HasSubstr("\"route\" contains a number")));
}

TEST(Load, LetsAutoStandForZeroOnlyWhereItMeansSomething) {
  EXPECT_EQ(options("[server]\nshards = \"auto\"\n").shards, 0U);
  EXPECT_THAT(problems("[history]\nevents = \"auto\"\n"), ElementsAre(HasSubstr("whole number")));
}

TEST(Load, LetsOverridesWin) {
  const server::Options o = options(
      "[delivery]\nheartbeat = \"9s\"\nretry = \"9s\"\n",
      {"delivery.heartbeat=5s", "listen.http=127.0.0.1:0,[::1]:0", "history.events=7",
       "cors.credentials=true", "server.shards=auto", "limits.head_bytes=32KiB",
       "delivery.gap_event=", "cors.origins=[\"https://a.example\"]", "listen.ingest=\"/tmp/s\""});
  EXPECT_EQ(o.delivery.heartbeat, 5s);
  EXPECT_EQ(o.delivery.retry, 9s);
  EXPECT_THAT(o.listen.http, ElementsAre("127.0.0.1:0", "[::1]:0"));
  EXPECT_EQ(o.history.events, 7U);
  EXPECT_TRUE(o.cors.credentials);
  EXPECT_EQ(o.limits.head_bytes, 32U << 10U);
  EXPECT_EQ(o.delivery.gap_event, "");
  EXPECT_THAT(o.cors.origins, ElementsAre("https://a.example"));
  EXPECT_EQ(o.listen.ingest, "/tmp/s");
}

TEST(Load, ExplainsOverridesThatCannotBe) {
  EXPECT_THAT(problems("", {"heartbeat=5s"}), ElementsAre(HasSubstr("section.key=value")));
  EXPECT_THAT(problems("", {"delivery.heartbeat"}), ElementsAre(HasSubstr("section.key=value")));
  EXPECT_THAT(problems("", {"delivry.heartbeat=5s"}), ElementsAre(HasSubstr("\"delivery\"?")));
  EXPECT_THAT(problems("", {"delivery.heartbeet=5s"}), ElementsAre(HasSubstr("\"heartbeat\"?")));
  EXPECT_THAT(problems("", {"channel.match=a"}),
              ElementsAre(HasSubstr("only be written in a file")));
  EXPECT_THAT(problems("", {"history.events=some"}), ElementsAre(HasSubstr("whole number")));
  EXPECT_THAT(problems("", {"history.events=[1"}), ElementsAre(HasSubstr("not TOML")));
  EXPECT_THAT(problems("", {"cors.credentials=yes"}), ElementsAre(HasSubstr("true or false")));
  EXPECT_THAT(problems("", {"history.events=-1"}),
              ElementsAre(HasSubstr("is -1, which is negative; it must be 0 to 100000000")));
  EXPECT_THAT(problems("[history]\nevents = -1\n"),
              ElementsAre(HasSubstr("is -1, which is negative; it must be 0 to 100000000")));
  EXPECT_THAT(problems("", {"history.events=99999999999999999999"}),
              ElementsAre(HasSubstr("is 99999999999999999999, which is too large")));
  EXPECT_THAT(problems("", {"history.events=many"}),
              ElementsAre(HasSubstr("is \"many\"; write a whole number")));
  EXPECT_THAT(problems("[history]\nevents = \"1000\"\n"),
              ElementsAre(HasSubstr("write it without the quotes: 1000")));
  EXPECT_THAT(problems("[history]\nevents = 1.5\n"),
              ElementsAre(HasSubstr("is 1.5, not a whole number")));
  EXPECT_THAT(problems("", {"delivery.heartbeat=-5s"}),
              ElementsAre(HasSubstr("\"-5s\" is negative; write a duration")));
  EXPECT_THAT(problems("", {"history.bytes=-1MiB"}),
              ElementsAre(HasSubstr("\"-1MiB\" is negative; write a size")));
  EXPECT_THAT(problems("", {"delivery.heartbeat=15"}),
              ElementsAre(HasSubstr("has no unit; write a duration like \"15s\"")));
  EXPECT_THAT(problems("[listen]\nhttp = \"127.0.0.1:80\"\n"),
              ElementsAre(HasSubstr("write a list of strings: [\"127.0.0.1:80\"]")));
  EXPECT_THAT(problems("", {"listen.http=127.0.0.1:0, [::1]:0"}), ElementsAre());
}

TEST(Load, SaysWhyAFileCannotBeRead) {
  const Loaded absent = load("/nonexistent/broker.toml");
  ASSERT_FALSE(absent.has_value());
  EXPECT_THAT(absent.error().front().text(), HasSubstr("No such file"));
  const Loaded folder = load("/");
  ASSERT_FALSE(folder.has_value());
  EXPECT_THAT(folder.error().front().text(), HasSubstr("it is a directory"));
}

TEST(Load, ReadsAFile) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("fanfare-load-test-" + std::to_string(::getpid()) + ".toml");
  std::ofstream(path) << "[history]\nevents = 3\n";
  const Loaded loaded = load(path.string());
  std::filesystem::remove(path);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->history.events, 3U);
}

TEST(Load, DoesNotReadWhatNoConfigurationIsAsLargeAs) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("fanfare-load-test-" + std::to_string(::getpid()) + ".large");
  std::ofstream(path) << std::string((1U << 20U) + 1, '#');
  const Loaded loaded = load(path.string());
  std::filesystem::remove(path);
  ASSERT_FALSE(loaded.has_value());
  EXPECT_THAT(loaded.error().front().text(), HasSubstr("larger than 1 MiB"));
}

}  // namespace
}  // namespace fanfare::config
