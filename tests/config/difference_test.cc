#include "broker/config/difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare::config {
namespace {

using testing::ElementsAre;

std::vector<std::string> texts(const server::Options& before, const server::Options& after) {
  std::vector<std::string> lines;
  for (const Difference& difference : differences(before, after)) {
    lines.push_back(difference.text());
  }
  return lines;
}

TEST(Difference, IsNothingBetweenEqualConfigurations) {
  EXPECT_THAT(texts({}, {}), ElementsAre());
}

TEST(Difference, NamesWhatChangedAsTheFileWritesIt) {
  server::Options after;
  after.delivery.heartbeat = 5s;
  after.cors.origins = {"https://a.example"};
  EXPECT_THAT(texts({}, after), ElementsAre("delivery.heartbeat: \"15s\" -> \"5s\"",
                                            "cors.origins: [] -> [\"https://a.example\"]"));
}

TEST(Difference, SaysWhatWaitsForARestart) {
  server::Options after;
  after.shards = 3;
  EXPECT_THAT(texts({}, after), ElementsAre("server.shards: \"auto\" -> 3 (at the next start)"));
}

TEST(Difference, SeesThatRulesChanged) {
  server::Options before;
  server::ChannelRule rule;
  rule.match = "a/**";
  before.channels = {rule};
  server::Options after = before;
  EXPECT_THAT(texts(before, after), ElementsAre());
  after.channels[0].retry = 1s;
  server::RouteRule route;
  route.path = "/board";
  after.routes = {route};
  after.hooks.resize(1);
  EXPECT_THAT(texts(before, after),
              ElementsAre("[[channel]] rules changed", "[[route]] rules changed",
                          "[[hook]] rules changed"));
}

TEST(Difference, WhatWaitsForTheNextStartKeepsItsValueUntilThen) {
  server::Options running;
  running.limits.connections = 100;
  server::Options loaded;
  loaded.limits.connections = 200;
  loaded.listen.admin = "";
  loaded.delivery.heartbeat = 5s;
  const server::Options options = in_force(running, loaded);
  EXPECT_EQ(options.limits.connections, 100U);
  EXPECT_EQ(options.listen, running.listen);
  EXPECT_EQ(options.delivery.heartbeat, 5s);
  EXPECT_THAT(texts(options, loaded),
              ElementsAre("listen.admin: \"127.0.0.1:9180\" -> \"\" (at the next start)",
                          "limits.connections: 100 -> 200 (at the next start)"));
}

}  // namespace
}  // namespace fanfare::config
