// The commands as a person meets them before anything is served: help, wrong arguments, problems.
#include "broker/cli/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cli/console.h"
#include "tests/client/scripted_server.h"

namespace fanfare::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr const char* kProjectVersion = PROJECT_VERSION;  // CMakeLists.txt's

TEST(Run, ShowsHelpWithExamplesAndExitCodesForEveryCommand) {
  for (const char* command : {"serve", "publish", "tail", "top", "check", "cert", "completion"}) {
    CapturedConsole console;
    EXPECT_EQ(console.run({command, "--help"}), Exit::done);
    EXPECT_THAT(console.out(), HasSubstr("Examples:")) << command;
    EXPECT_THAT(console.out(), HasSubstr("Exit codes:")) << command;
    EXPECT_THAT(console.err(), IsEmpty());
  }
}

TEST(Run, NamesTheCommandsInItsOwnHelp) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"--help"}), Exit::done);
  for (const char* command : {"serve", "publish", "tail", "top", "check", "cert", "completion"}) {
    EXPECT_THAT(console.out(), HasSubstr(command));
  }
}

TEST(Run, ShowsItsVersion) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"--version"}), Exit::done);
  EXPECT_EQ(console.out(), std::string("fanfare ") + kProjectVersion + " (commit unknown)\n");
}

TEST(Run, RefusesNoCommandAnUnknownOneAndAnUnknownOption) {
  for (const std::vector<const char*>& arguments :
       std::vector<std::vector<const char*>>{{}, {"serv"}, {"tail"}, {"tail", "news", "--jsn"}}) {
    CapturedConsole console;
    EXPECT_EQ(console.run(arguments), Exit::usage);
    EXPECT_THAT(console.out(), IsEmpty());
    EXPECT_THAT(console.err(), HasSubstr("--help"));
  }
}

// What `arguments`, which make no sense, are answered with.
std::string usage_problem(const std::vector<const char*>& arguments) {
  CapturedConsole console;
  EXPECT_EQ(console.run(arguments), Exit::usage);
  EXPECT_THAT(console.out(), IsEmpty());
  return console.err();
}

TEST(Run, ListsTheCommandsWhenNoneIsNamed) {
  const std::string text = usage_problem({});
  EXPECT_THAT(text, StartsWith("Usage: fanfare COMMAND [OPTIONS]\n"));
  EXPECT_THAT(text, HasSubstr("\n  serve       Start the broker\n"));
  for (const char* command : {"publish", "tail", "top", "check", "cert", "completion"}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n  ") + command + " ")) << text;
  }
  EXPECT_THAT(text, HasSubstr("`fanfare --help`"));
}

TEST(Run, NamesACommandThatThereIsNot) {
  EXPECT_THAT(usage_problem({"frob"}), StartsWith("fanfare: there is no command \"frob\"\n"));
  EXPECT_THAT(usage_problem({"frob"}), HasSubstr("\n  serve       Start the broker\n"));
  EXPECT_THAT(usage_problem({"frob", "serve"}), HasSubstr("no command \"frob\"\n"));
  EXPECT_THAT(usage_problem({"--", "frob"}), HasSubstr("no command \"frob\"\n"));
  EXPECT_THAT(usage_problem({"serv"}), HasSubstr("no command \"serv\"; did you mean \"serve\"?\n"));
  EXPECT_THAT(usage_problem({"pubilsh", "news", "x"}), HasSubstr("did you mean \"publish\"?"));
  EXPECT_THAT(usage_problem({"\x1b[2J"}), HasSubstr("no command \"?[2J\"\n"));
}

TEST(Run, SaysWhereAnOptionBeforeTheCommandBelongs) {
  EXPECT_THAT(
      usage_problem({"--frob"}),
      StartsWith("fanfare: there is no option \"--frob\"; the options are --help, --version\n"));
  EXPECT_THAT(usage_problem({"--verison"}), HasSubstr("did you mean \"--version\"?"));
  EXPECT_THAT(usage_problem({"--json", "tail", "news"}), HasSubstr("`fanfare tail --json`"));
}

TEST(Run, NamesAnOptionThatACommandHasNot) {
  EXPECT_THAT(
      usage_problem({"serve", "--prot", "1"}),
      StartsWith("fanfare serve: there is no option \"--prot\"; the options are --help, --config, "
                 "--set; any key of broker.toml can follow --set, like --set "
                 "listen.http=127.0.0.1:8080\n"));
  EXPECT_THAT(usage_problem({"serve", "--prot=1"}), HasSubstr("no option \"--prot\";"));
  EXPECT_THAT(usage_problem({"tail", "news", "--jsn"}),
              StartsWith("fanfare tail: there is no option \"--jsn\"; did you mean \"--json\"?\n"
                         "`fanfare tail --help` shows more"));
}

TEST(Run, NamesAnArgumentThatHasNoPlace) {
  EXPECT_THAT(usage_problem({"check", "nosuchfile.toml"}),
              StartsWith("fanfare check: \"nosuchfile.toml\" is not expected here; a configuration "
                         "file is named with --config\n"));
  EXPECT_THAT(usage_problem({"publish", "news", "hello", "world"}),
              StartsWith("fanfare publish: \"world\" is not expected here; quote arguments that "
                         "contain spaces\n"));
  EXPECT_THAT(usage_problem({"top", "now"}), HasSubstr("\"now\" is not expected here"));
}

TEST(Run, SaysWhatIsMissing) {
  EXPECT_THAT(usage_problem({"tail"}),
              StartsWith("fanfare tail: which channel? write `fanfare tail CHANNEL`\n"));
  EXPECT_THAT(usage_problem({"serve", "--config"}),
              StartsWith("fanfare serve: --config needs a value; write --config FILE\n"));
  EXPECT_THAT(usage_problem({"check", "--set"}), HasSubstr("write --set KEY=VALUE\n"));
  EXPECT_THAT(usage_problem({"tail", "news", "--count"}), HasSubstr("write --count N\n"));
}

TEST(Run, RefusesOptionsThatContradictEachOther) {
  EXPECT_THAT(usage_problem({"tail", "news", "--since", "earliest", "--replay", "3"}),
              StartsWith("fanfare tail: --since cannot be combined with --replay\n"));
  EXPECT_THAT(usage_problem({"tail", "news", "--json", "--raw"}),
              StartsWith("fanfare tail: --json cannot be combined with --raw\n"));
}

TEST(Publish, SaysWhatItsArgumentsLack) {
  const auto problem = [](const std::vector<const char*>& arguments) {
    CapturedConsole console;
    EXPECT_EQ(console.run(arguments), Exit::usage);
    return console.err();
  };
  EXPECT_THAT(problem({"publish"}), HasSubstr("which channel?"));
  EXPECT_THAT(problem({"publish", "news", "x", "--lines"}), HasSubstr("no DATA"));
  EXPECT_THAT(problem({"publish", "news", "--lines", "--id", "k"}), HasSubstr("is for one event"));
  EXPECT_THAT(problem({"publish", "news", "--ndjson"}),
              HasSubstr("each line is complete in itself"));
  EXPECT_THAT(problem({"publish", "news", "x", "--retry", "5"}), HasSubstr("has no unit"));
  EXPECT_THAT(problem({"publish", "board", "--remove"}), HasSubstr("--remove needs --key"));
  EXPECT_THAT(problem({"publish", "board", "x", "--key", "k", "--remove"}), HasSubstr("no DATA"));
  EXPECT_THAT(problem({"publish", "--ndjson", "--key", "k"}), HasSubstr("complete in itself"));
  EXPECT_THAT(problem({"publish", "-"}), HasSubstr("`fanfare publish CHANNEL -`"));
  EXPECT_THAT(problem({"publish", "--ndjson", "-", "x"}),
              HasSubstr("each line is complete in itself"));
}

// It published a minus sign.
TEST(Publish, ADashMeansStandardInputUnlessItFollowsTwo) {
  const TemporaryFolder folder;
  const std::string socket = folder / "ingest.sock";
  std::string line;
  const client::ScriptedServer server(socket, [&](int, client::ServedConnection& served) {
    line = served.read_line();
    served.write("{\"ok\":true,\"id\":\"e-1\",\"duplicate\":true}\n");
    served.read_all();
  });
  const auto published = [&](std::vector<const char*> arguments, std::string_view input) {
    arguments.insert(arguments.begin() + 1, {"--socket", socket.c_str()});
    CapturedConsole console(input);
    EXPECT_EQ(console.run(arguments), Exit::done) << console.err();
    EXPECT_EQ(console.out(), "e-1\n");
    EXPECT_THAT(console.err(), HasSubstr("published before under the same key"));
    return line;
  };
  EXPECT_EQ(published({"publish", "news", "-"}, "typed"),
            "{\"channel\":\"news\",\"data\":\"typed\"}\n");
  EXPECT_EQ(published({"publish", "news", "-", "--lines"}, "typed\n"),
            "{\"channel\":\"news\",\"data\":\"typed\"}\n");
  EXPECT_EQ(published({"publish", "--ndjson", "-"}, "{}\n"), "{}\n");
  EXPECT_EQ(published({"publish", "news", "--", "-"}, "typed"),
            "{\"channel\":\"news\",\"data\":\"-\"}\n");
  EXPECT_EQ(published({"publish", "--", "-", "x"}, "typed"),
            "{\"channel\":\"-\",\"data\":\"x\"}\n");
  // What an editor of Windows writes before the text is not of the text.
  EXPECT_EQ(published({"publish", "news"}, "\xef\xbb\xbftyped"),
            "{\"channel\":\"news\",\"data\":\"typed\"}\n");
  EXPECT_EQ(published({"publish", "news", "--lines"}, "\xef\xbb\xbftyped\r\n"),
            "{\"channel\":\"news\",\"data\":\"typed\"}\n");
  EXPECT_EQ(published({"publish", "--ndjson"}, "\xef\xbb\xbf{}"), "{}\n");
}

TEST(Publish, SaysThatStandardInputIsUtf16) {
  const TemporaryFolder folder;
  const std::string socket = folder / "ingest.sock";
  const client::ScriptedServer server(
      socket, [&](int, client::ServedConnection& served) { served.read_all(); });
  for (const std::string_view option : {"--quiet", "--lines", "--ndjson"}) {
    CapturedConsole console(std::string_view("\xff\xfeh\0i\0", 6));
    std::vector<const char*> arguments{"publish", option.data(), "--socket", socket.c_str()};
    if (option != "--ndjson") arguments.push_back("news");
    EXPECT_EQ(console.run(arguments), Exit::failed);
    EXPECT_THAT(console.err(), HasSubstr("iconv -f UTF-16")) << option;
  }
}

TEST(Publish, SaysHowToGoOnWhenNobodyListens) {
  const TemporaryFolder folder;
  const std::string socket = folder / "ingest.sock";
  CapturedConsole console;
  EXPECT_EQ(console.run({"publish", "news", "x", "--socket", socket.c_str()}), Exit::failed);
  EXPECT_THAT(console.err(), HasSubstr("cannot connect to the ingest socket " + socket));
  EXPECT_THAT(console.err(), HasSubstr("`fanfare serve`"));
  EXPECT_THAT(console.err(), HasSubstr("--socket"));
}

TEST(Tail, SaysHowToGoOnWhenNobodyListens) {
  const TemporaryFolder folder;
  const std::string socket = folder / "http.sock";
  CapturedConsole console;
  EXPECT_EQ(console.run({"tail", "news", "--url", socket.c_str()}), Exit::failed);
  EXPECT_THAT(console.err(), HasSubstr("cannot connect to " + socket));
  EXPECT_THAT(console.err(), HasSubstr("--url"));
}

TEST(Tail, RefusesAnInvalidAddress) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"tail", "news", "--url", "https://example.org"}), Exit::usage);
  EXPECT_THAT(console.err(), HasSubstr("--url"));
  EXPECT_THAT(console.err(), HasSubstr("TLS"));
}

// The message once gave the range of a double, in 300 digits.
TEST(Tail, SaysWhichNumbersCountEvents) {
  for (const char* count : {"0", "-1", "x", "1.5", ""}) {
    EXPECT_THAT(usage_problem({"tail", "news", "--count", count}),
                StartsWith(std::string("fanfare tail: --count: \"") + count +
                           "\" is not a number of events, 1 or more; write one like 10\n"));
  }
  EXPECT_THAT(usage_problem({"tail", "news", "--replay", "x"}), HasSubstr("\"x\" is not a number"));
}

TEST(Top, SaysHowToGoOnWhenNobodyListens) {
  const TemporaryFolder folder;
  const std::string socket = folder / "admin.sock";
  CapturedConsole console;
  EXPECT_EQ(console.run({"top", "--once", "--admin", socket.c_str()}), Exit::failed);
  EXPECT_THAT(console.err(), HasSubstr("--admin"));
}

TEST(Top, RefusesAnInvalidAddress) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"top", "--admin", "localhost:x"}), Exit::usage);
  EXPECT_THAT(console.err(), StartsWith("fanfare top: --admin: \"localhost:x\" is not an address"));
  EXPECT_THAT(console.err(), Not(HasSubstr("is the broker running")));
}

TEST(Top, RefusesAnInvalidInterval) {
  for (const char* interval : {"5", "1ms"}) {
    CapturedConsole console;
    EXPECT_EQ(console.run({"top", "--interval", interval}), Exit::usage);
    EXPECT_THAT(console.err(), HasSubstr("--interval"));
  }
}

TEST(Check, ReportsEveryProblemAtOnce) {
  const TemporaryFolder folder;
  const std::string file = folder.file("broker.toml",
                                       "[delivery]\nhearbeat = \"5s\"\nretry = 5\n"
                                       "[history]\nevents = \"many\"\n");
  CapturedConsole console;
  EXPECT_EQ(console.run({"check", "--config", file.c_str()}), Exit::configuration);
  EXPECT_THAT(console.out(), IsEmpty());
  EXPECT_THAT(console.err(), HasSubstr("broker.toml:2:"));
  EXPECT_THAT(console.err(), HasSubstr("heartbeat"));
  EXPECT_THAT(console.err(), HasSubstr("broker.toml:3:"));
  EXPECT_THAT(console.err(), HasSubstr("broker.toml:5:"));
  EXPECT_THAT(console.err(), HasSubstr("3 problems"));
}

TEST(Check, ReportsWhatTheConfigurationMayCost) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"check", "--set", "limits.connections=500"}), Exit::done);
  EXPECT_THAT(console.out(), HasSubstr("no problems"));
  EXPECT_THAT(console.out(), HasSubstr("500 connections"));
  EXPECT_THAT(console.out(), HasSubstr("descriptors"));
  EXPECT_THAT(console.err(), IsEmpty());
}

TEST(Check, NamesAFileThatIsNotThere) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"check", "--config", "/no/such/file.toml"}), Exit::configuration);
  EXPECT_THAT(console.err(), HasSubstr("/no/such/file.toml"));
}

TEST(Serve, StartsNothingWithAConfigurationThatHasProblems) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"serve", "--set", "delivery.hearbeat=5s"}), Exit::configuration);
  EXPECT_THAT(console.err(), HasSubstr("heartbeat"));
  EXPECT_THAT(console.err(), Not(HasSubstr("subscribers")));
}

}  // namespace
}  // namespace fanfare::cli
