// broker.toml, the file everybody begins with, says what the defaults are. It must not lie.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "broker/config/keys.h"
#include "broker/config/load.h"

namespace fanfare::config {
namespace {

std::string shipped() {
  std::ifstream file(SOURCE_DIR "/broker.toml", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(BrokerToml, SaysTheDefaults) {
  const Loaded loaded = load(SOURCE_DIR "/broker.toml");
  ASSERT_TRUE(loaded.has_value()) << loaded.error().front().text();
  server::Options options = *loaded;
  options.channels.clear();  // the one for deploy/feeder
  EXPECT_EQ(options, server::Options{});
}

TEST(BrokerToml, NamesEveryKey) {
  const std::string text = shipped();
  for (const auto& section : sections()) {
    EXPECT_THAT(text, testing::HasSubstr("[" + std::string(section.name) + "]\n"));
    for (const auto& key : section.keys) {
      EXPECT_THAT(text, testing::HasSubstr("\n" + std::string(key.facts.name) + " = "));
    }
  }
}

TEST(BrokerToml, HasExamplesThatLoadOnceTheyAreUncommented) {
  std::istringstream lines(shipped());
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const bool prose = line.starts_with("# ") || line == "#";
    text += (line.starts_with('#') && !prose ? line.substr(1) : line) + "\n";
  }
  const Loaded loaded = parse(text, "broker.toml");
  ASSERT_TRUE(loaded.has_value()) << loaded.error().front().text();
  EXPECT_FALSE(loaded->routes.empty());
}

}  // namespace
}  // namespace fanfare::config
