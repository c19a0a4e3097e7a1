#include "broker/config/figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "broker/config/keys.h"

namespace fanfare::config {
namespace {

std::map<std::string, std::variant<std::uint64_t, double>> figures(const server::Options& options) {
  std::map<std::string, std::variant<std::uint64_t, double>> by_name;
  for (const server::LimitFigure& figure : limit_figures(options)) {
    EXPECT_TRUE(by_name.emplace(figure.name, figure.value).second) << figure.name;
    EXPECT_NE(figure.help, "");
  }
  return by_name;
}

TEST(LimitFigures, AreTheNumbersOfTheOptionsInForce) {
  server::Options options;
  options.limits.head_bytes = 12'345;
  options.limits.head_time = 2500ms;
  options.history.events = 7;
  options.delivery.stall = 40s;
  const auto by_name = figures(options);
  EXPECT_EQ(std::get<std::uint64_t>(by_name.at("head_bytes")), 12'345U);
  EXPECT_EQ(std::get<double>(by_name.at("head_time_seconds")), 2.5);
  EXPECT_EQ(std::get<std::uint64_t>(by_name.at("history_events")), 7U);
  EXPECT_EQ(std::get<double>(by_name.at("delivery_stall_seconds")), 40);
}

TEST(LimitFigures, HaveEveryNumberOfTheTable) {
  server::Options options;
  options.limits.connections = 100;
  options.limits.connections_per_address = options.limits.streams_per_address = 10;
  options.limits.streams_per_token = 10;
  const auto by_name = figures(options);
  for (const Section<server::Options>& section : sections()) {
    if (section.name == "listen" || section.name == "server") continue;
    for (const Key<server::Options>& key : section.keys) {
      const Kind kind = key.facts.kind;
      if (kind != Kind::count && kind != Kind::size && kind != Kind::duration) continue;
      std::string name(key.facts.name);
      if (section.name != "limits") name = std::string(section.name) + '_' + name;
      if (kind == Kind::duration) name += "_seconds";
      EXPECT_TRUE(by_name.contains(name)) << name;
    }
  }
}

TEST(LimitFigures, DoNotSayZeroWhereTheBrokerFindsTheNumberItself) {
  EXPECT_FALSE(figures({}).contains("connections"));
}

}  // namespace
}  // namespace fanfare::config
