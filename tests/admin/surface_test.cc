// The admin pages as a client of the admin listener meets them.
#include "broker/admin/surface.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>

namespace fanfare::admin {
namespace {

server::Snapshot one_shard() {
  server::Snapshot snapshot;
  snapshot.shards.resize(1);
  return snapshot;
}

TEST(Surface, IsHealthyAsSoonAsItAnswers) {
  const auto surface = make_surface();
  const server::AdminAnswer answer = surface->answer("/healthz", {});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "ok\n");
}

TEST(Surface, IsReadyFromTheFirstSnapshotUntilItDrains) {
  const auto surface = make_surface();
  EXPECT_EQ(surface->answer("/readyz", {}).status, 503);
  server::Snapshot snapshot = one_shard();
  EXPECT_EQ(surface->answer("/readyz", snapshot).status, 200);
  snapshot.phase = server::BrokerPhase::draining;
  EXPECT_EQ(surface->answer("/readyz", snapshot).status, 503);
}

TEST(Surface, NamesThePhaseInWhichTheBrokerIsNotReady) {
  const auto surface = make_surface();
  server::Snapshot snapshot = one_shard();
  for (const auto phase : {server::BrokerPhase::binding, server::BrokerPhase::recovering,
                           server::BrokerPhase::draining}) {
    snapshot.phase = phase;
    const server::AdminAnswer answer = surface->answer("/readyz", snapshot);
    EXPECT_EQ(answer.status, 503);
    EXPECT_TRUE(answer.body.starts_with(std::string(server::name_of(phase)) + ": ")) << answer.body;
    EXPECT_EQ(surface->answer("/healthz", snapshot).status, 200);
  }
  snapshot.phase = server::BrokerPhase::serving;
  EXPECT_EQ(surface->answer("/readyz", snapshot).status, 200);
}

TEST(Surface, CountsTheLastSubscriberInTheSingular) {
  const auto surface = make_surface();
  server::Snapshot snapshot = one_shard();
  snapshot.phase = server::BrokerPhase::draining;
  snapshot.streams = 1;
  EXPECT_EQ(surface->answer("/readyz", snapshot).body,
            "draining: the broker is stopping; 1 subscriber still to be told to come back\n");
  snapshot.streams = 2;
  EXPECT_EQ(surface->answer("/readyz", snapshot).body,
            "draining: the broker is stopping; 2 subscribers still to be told to come back\n");
  snapshot.phase = server::BrokerPhase::serving;
  snapshot.connections_max = snapshot.streams = 1;
  EXPECT_TRUE(surface->answer("/readyz", snapshot).body.starts_with("full: 1 event stream open, "));
}

TEST(Surface, SaidThatAFullBrokerIsReady) {
  const auto surface = make_surface();
  server::Snapshot snapshot = one_shard();
  snapshot.connections_max = 100;
  snapshot.streams = 99;
  EXPECT_EQ(surface->answer("/readyz", snapshot).status, 200);
  snapshot.streams = 100;
  EXPECT_EQ(surface->answer("/readyz", snapshot).status, 503);
  EXPECT_EQ(surface->answer("/readyz", snapshot).body.find("full: 100 event streams"), 0U);
  EXPECT_EQ(surface->answer("/healthz", snapshot).status, 200);
}

TEST(Surface, SaidThatABrokerWhoseLogIsStuckIsReady) {
  const auto surface = make_surface();
  server::Snapshot snapshot = one_shard();
  snapshot.log_stalled = 9s;
  EXPECT_EQ(surface->answer("/readyz", snapshot).status, 200) << "a slow disk";
  snapshot.log_stalled = 31s;
  EXPECT_EQ(surface->answer("/readyz", snapshot).status, 503);
  EXPECT_EQ(surface->answer("/readyz", snapshot).body.find("stuck: nothing"), 0U);
  EXPECT_NE(surface->answer("/readyz", snapshot).body.find(" for 31 s;"), std::string::npos);
  EXPECT_EQ(surface->answer("/healthz", snapshot).status, 200) << "a restart does not mend a disk";
}

TEST(Surface, ServesMetricsInTheTextFormatOfPrometheus) {
  const auto surface = make_surface();
  const server::AdminAnswer answer = surface->answer("/metrics", one_shard());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
}

std::string field(const server::AdminAnswer& answer, std::string_view name) {
  for (const server::AdminField& field : answer.fields) {
    if (field.name == name) return field.value;
  }
  return {};
}

TEST(Surface, ServesPagesThatMayLoadNothingFromElsewhere) {
  const auto surface = make_surface();
  const server::AdminAnswer answer = surface->answer("/", one_shard());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "text/html; charset=utf-8");
  EXPECT_FALSE(answer.fixed.empty());
  EXPECT_LT(answer.fixed_gzip.size(), answer.fixed.size());
  EXPECT_EQ(field(answer, "Cache-Control"), "no-cache");
  const std::string policy = field(answer, "Content-Security-Policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'self';")) << policy;
  EXPECT_TRUE(policy.ends_with("connect-src 'self'")) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
}

TEST(Surface, MakesALiveEventFromTheSecondSnapshotOn) {
  const auto surface = make_surface();
  server::Snapshot snapshot = one_shard();
  EXPECT_EQ(surface->live_event(snapshot), "");
  snapshot.uptime += 1s;
  EXPECT_TRUE(surface->live_event(snapshot).starts_with("{\"t\":"));
}

TEST(Surface, ListsItsPathsInA404) {
  const auto surface = make_surface();
  const server::AdminAnswer answer = surface->answer("/nothing<b>", one_shard());
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(answer.body.find("<b>"), std::string::npos);
  std::istringstream lines(answer.body);
  int found = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  /")) continue;
    ++found;
    const std::string path = line.substr(2, line.find(' ', 2) - 2);
    if (path == "/events" || path.starts_with("/api/")) continue;  // the server's own
    EXPECT_NE(surface->answer(path, one_shard()).status, 404) << path;
  }
  EXPECT_GE(found, 15);
}

}  // namespace
}  // namespace fanfare::admin
