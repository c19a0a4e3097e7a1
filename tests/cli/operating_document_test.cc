// docs/OPERATING.md against what it speaks of: the limits of the configuration, the figures of
// /metrics, and the alerts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "broker/config/keys.h"
#include "tests/cli/metrics_document.h"

namespace fanfare::cli {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(SOURCE_DIR "/" + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The first groups of all matches.
std::set<std::string> found(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::set<std::string> all;
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) {
    all.insert((*at)[1]);
  }
  return all;
}

const std::string& document() {
  static const std::string text = read("docs/OPERATING.md");
  return text;
}

// Rows of the table of limits: what the first column says, and the second.
std::map<std::string, std::string> limit_rows() {
  std::map<std::string, std::string> rows;
  const std::regex row(R"(\n\| `(\[[a-z]+\] [a-z_0-9]+)` \| (?:`([a-z_0-9]+)`)? ?\|)");
  const std::string& text = document();
  for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at) {
    rows[(*at)[1]] = (*at)[2];
  }
  return rows;
}

TEST(OperatingDocument, HasEveryLimitOfTheConfigurationWithItsFigure) {
  server::Options options;
  options.limits.connections = 1;
  options.limits.connections_per_address = options.limits.streams_per_address = 1;
  options.limits.streams_per_token = 1;
  std::map<std::string, std::string> expected;
  for (const config::Section<server::Options>& section : config::sections()) {
    if (section.name != "limits") continue;
    for (const auto& key : section.keys) expected[fmt::format("[limits] {}", key.facts.name)] = "";
  }
  for (const server::LimitFigure& figure : config::limit_figures(options)) {
    expected[figure.help.substr(0, figure.help.find(':'))] = "fanfare_limit_" + figure.name;
  }
  EXPECT_EQ(limit_rows(), expected);
}

TEST(OperatingDocument, AndTheRulesSpeakOfFiguresThatThereAre) {
  const std::string figures = testing::metrics_document();
  const std::set<std::string> known = found(figures, R"(\n\| `([a-z_0-9]+)` \|)");
  for (const char* path : {"docs/OPERATING.md", "deploy/prometheus/fanfare.rules.yml",
                           "deploy/grafana/fanfare.json"}) {
    const std::string text = read(path);
    ASSERT_NE(text, "") << path;
    for (std::string name : found(text, R"(\b(fanfare_[a-z_0-9]+[a-z0-9])\b)")) {
      if (name.ends_with("_bucket")) name.resize(name.size() - std::string_view("_bucket").size());
      if (name == "fanfare_h2_flood") continue;  // of a family of names
      EXPECT_TRUE(known.contains(name)) << path << ": " << name;
    }
  }
}

TEST(OperatingDocument, SaysOfEveryAlertWhatToDo) {
  const std::set<std::string> alerts =
      found(read("deploy/prometheus/fanfare.rules.yml"), R"(- alert: (\w+))");
  EXPECT_EQ(
      found(document(), R"(\n### (Fanfare\w+)\n\n\*(?:page|ticket)\.\* [^\n]+\n\n\*\*Do:\*\* )"),
      alerts);
}

TEST(OperatingDocument, CallsAlertsAsUrgentAsTheRulesDo) {
  const std::string rules = read("deploy/prometheus/fanfare.rules.yml");
  const std::regex one(R"(- alert: (\w+)[^#]*?severity: (\w+))");
  for (std::sregex_iterator at(rules.begin(), rules.end(), one), end; at != end; ++at) {
    const std::string line = fmt::format("### {}\n\n*{}.*", (*at)[1].str(), (*at)[2].str());
    EXPECT_THAT(document(), ::testing::HasSubstr(line));
  }
}

}  // namespace
}  // namespace fanfare::cli
