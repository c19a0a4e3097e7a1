// [fronts], and what one client may have: which configurations are none, and what `check` says.
#include "broker/config/shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/config/load.h"

namespace fanfare::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<std::string> problems(std::string_view text) {
  std::vector<std::string> lines;
  if (const Loaded loaded = parse(text, "f.toml"); !loaded) {
    for (const Diagnostic& problem : loaded.error()) lines.push_back(problem.text());
  }
  return lines;
}

std::string shares(std::string_view text) {
  const Loaded loaded = parse(text, "f.toml");
  EXPECT_TRUE(loaded) << text;
  return loaded ? shares_text(*loaded) : std::string();
}

TEST(Fronts, AreAddressesThatCanBeTrusted) {
  EXPECT_THAT(problems("[fronts]\ntrusted = [\"10.0.0.0/8\",\n  \"nginx\"]\n"),
              ElementsAre(AllOf(StartsWith("f.toml:3:3: "),
                                HasSubstr("\"nginx\" is neither an address nor a network"))));
  EXPECT_THAT(problems("[fronts]\nproxy_protocol = \"accept\"\n"),
              ElementsAre(AllOf(StartsWith("f.toml:2:18: "),
                                HasSubstr("fronts.trusted names nobody who may use it"))));
  EXPECT_THAT(problems("[fronts]\nproxy_protocol = \"require\"\ntrusted = [\"private\"]\n"),
              ElementsAre());
  EXPECT_THAT(problems("[fronts]\nforwarded = \"x-real-ip\"\n"),
              ElementsAre(HasSubstr("x-forwarded-for")));
}

TEST(Limits, OfOneClientAreNumbersAndRates) {
  EXPECT_THAT(problems("[limits]\nrequests_per_address = \"20\"\n"),
              ElementsAre(AllOf(StartsWith("f.toml:2:24: "), HasSubstr("write \"20/s\""))));
  EXPECT_THAT(problems("[limits]\nrequests_per_token = \"0/s\"\n"), ElementsAre(HasSubstr("0/s")));
  EXPECT_THAT(problems("[limits]\nstreams_per_address = 0\n"), ElementsAre(HasSubstr("unlimited")));
  EXPECT_THAT(problems("[limits]\nstreams_per_address = \"unlimited\"\n"), ElementsAre());
}

TEST(Shares, ByDefaultOneClientMayHaveAll) {
  EXPECT_EQ(shares(""),
            "what one client may have:\n"
            "  by its address   as much as all of them together\n"
            "  by its token     as much as all of them together\n");
}

TEST(Shares, SayWhichAddressCounts) {
  EXPECT_THAT(
      shares("[limits]\nconnections_per_address = 20\nrequests_per_address = \"20/s burst 50\"\n"
             "streams_per_token = 5\n"),
      AllOf(HasSubstr("  by its address   20 connections, 20/s burst 50 requests\n"),
            HasSubstr("  by its token     5 streams\n"),
            HasSubstr("[fronts] trusted is empty, and behind a reverse proxy all clients would be "
                      "one\n")));
  const std::string_view trusted = "[fronts]\ntrusted = [\"loopback\"]\n";
  EXPECT_THAT(shares(std::string(trusted) + "[limits]\nstreams_per_address = 20\n"),
              Not(HasSubstr("trusted")));
  EXPECT_THAT(shares(std::string(trusted) + "[limits]\nconnections_per_address = 20\n"),
              HasSubstr("connections that a trusted front makes are not counted"));
  EXPECT_THAT(shares(std::string(trusted) +
                     "proxy_protocol = \"require\"\n[limits]\nconnections_per_address = 20\n"),
              Not(HasSubstr("trusted")));
}

}  // namespace
}  // namespace fanfare::config
