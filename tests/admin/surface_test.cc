// The admin pages as a client of the admin listener meets them.
#include "broker/admin/surface.h"

#include <gtest/gtest.h>

#include <string>

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
  snapshot.draining = true;
  EXPECT_EQ(surface->answer("/readyz", snapshot).status, 503);
}

TEST(Surface, ServesMetricsInTheTextFormatOfPrometheus) {
  const auto surface = make_surface();
  const server::AdminAnswer answer = surface->answer("/metrics", one_shard());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST(Surface, TellsWhatExistsToWhoAsksForWhatDoesNot) {
  const auto surface = make_surface();
  const server::AdminAnswer answer = surface->answer("/nothing", one_shard());
  EXPECT_EQ(answer.status, 404);
  for (const char* path : {"/healthz", "/readyz", "/metrics"}) {
    EXPECT_NE(answer.body.find(path), std::string::npos) << path;
  }
}

}  // namespace
}  // namespace fanfare::admin
