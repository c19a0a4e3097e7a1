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

namespace fanfare::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Streams that are kept in memory; standard input comes from a file.
class CapturedConsole {
 public:
  explicit CapturedConsole(std::string_view input = {}) {
    console_.in = tmpfile();
    fwrite(input.data(), 1, input.size(), console_.in);
    rewind(console_.in);
    console_.out = tmpfile();
    console_.err = tmpfile();
  }
  ~CapturedConsole() {
    for (std::FILE* file : {console_.in, console_.out, console_.err}) fclose(file);
  }
  CapturedConsole(const CapturedConsole&) = delete;
  CapturedConsole& operator=(const CapturedConsole&) = delete;

  Exit run(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "fanfare");
    return cli::run(arguments, console_);
  }
  std::string out() const { return text_of(console_.out); }
  std::string err() const { return text_of(console_.err); }

 private:
  static std::string text_of(std::FILE* file) {
    fflush(file);
    std::string text(static_cast<std::size_t>(ftell(file)), '\0');
    rewind(file);
    text.resize(fread(text.data(), 1, text.size(), file));
    return text;
  }

  Console console_;
};

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "fanfare-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(std::string_view name, std::string_view text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  std::string operator/(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

TEST(Run, ShowsHelpWithExamplesAndExitCodesForEveryCommand) {
  for (const char* command : {"serve", "publish", "tail", "top", "check"}) {
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
  for (const char* command : {"serve", "publish", "tail", "top", "check"}) {
    EXPECT_THAT(console.out(), HasSubstr(command));
  }
}

TEST(Run, ShowsItsVersion) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"--version"}), Exit::done);
  EXPECT_THAT(console.out(), testing::StartsWith("fanfare "));
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

TEST(Run, RefusesOptionsThatContradictEachOther) {
  CapturedConsole since_and_replay;
  EXPECT_EQ(since_and_replay.run({"tail", "news", "--since", "earliest", "--replay", "3"}),
            Exit::usage);
  CapturedConsole json_and_raw;
  EXPECT_EQ(json_and_raw.run({"tail", "news", "--json", "--raw"}), Exit::usage);
}

TEST(Publish, SaysWhatItsArgumentsLack) {
  const auto problem = [](const std::vector<const char*>& arguments) {
    CapturedConsole console;
    EXPECT_EQ(console.run(arguments), Exit::usage);
    return console.err();
  };
  EXPECT_THAT(problem({"publish"}), HasSubstr("which channel?"));
  EXPECT_THAT(problem({"publish", "news", "x", "--lines"}), HasSubstr("no DATA"));
  EXPECT_THAT(problem({"publish", "news", "--lines", "--id", "k"}), HasSubstr("names one event"));
  EXPECT_THAT(problem({"publish", "news", "--ndjson"}), HasSubstr("every line says everything"));
  EXPECT_THAT(problem({"publish", "news", "x", "--retry", "5"}), HasSubstr("has no unit"));
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

TEST(Tail, RefusesAnAddressThatIsNone) {
  CapturedConsole console;
  EXPECT_EQ(console.run({"tail", "news", "--url", "https://example.org"}), Exit::usage);
  EXPECT_THAT(console.err(), HasSubstr("TLS"));
}

TEST(Top, SaysHowToGoOnWhenNobodyListens) {
  const TemporaryFolder folder;
  const std::string socket = folder / "admin.sock";
  CapturedConsole console;
  EXPECT_EQ(console.run({"top", "--once", "--admin", socket.c_str()}), Exit::failed);
  EXPECT_THAT(console.err(), HasSubstr("--admin"));
}

TEST(Top, RefusesAnIntervalThatIsNone) {
  for (const char* interval : {"5", "1ms"}) {
    CapturedConsole console;
    EXPECT_EQ(console.run({"top", "--interval", interval}), Exit::usage);
    EXPECT_THAT(console.err(), HasSubstr("--interval"));
  }
}

TEST(Check, TellsEveryProblemAtOnce) {
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

TEST(Check, TellsWhatTheConfigurationMayCost) {
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
