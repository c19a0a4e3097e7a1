#include "tests/sim/day_plan.h"

#include <cstddef>

#include "tests/sim/transcript.h"

namespace fanfare::sim {

Duration between(Random& random, Duration min, Duration max) {
  return min + Duration(static_cast<std::int64_t>(
                   random.below(static_cast<std::uint64_t>((max - min).count()) + 1)));
}

server::Options drawn_configuration(Random& random) {
  server::Options options;
  options.history.events = one_of<std::uint32_t>(random, {0, 3, 10, 50, 1000});
  options.history.bytes = one_of<std::uint64_t>(random, {2'000, 20'000, 1U << 20U});
  options.history.age = one_of<Duration>(random, {Duration(0), Duration(5s), Duration(1h)});
  options.history.total_bytes =
      one_of<std::uint64_t>(random, {64U << 10U, 512U << 10U, 256U << 20U});
  options.delivery.heartbeat = between(random, 1s, 15s);
  options.delivery.retry = 100ms;
  if (random.chance(0.3)) options.delivery.end_event = kEndEvent;
  options.delivery.slow =
      one_of(random, {server::SlowPolicy::disconnect, server::SlowPolicy::skip});
  options.delivery.stall = between(random, 2s, 40s);
  options.delivery.announce_position =
      one_of(random, {server::AnnouncePosition::automatic, server::AnnouncePosition::always,
                      server::AnnouncePosition::never});
  if (random.chance(0.2)) options.delivery.coalesce = between(random, 1ms, 200ms);
  options.limits.head_time = between(random, 1s, 10s);
  options.limits.idle_time = between(random, 1s, 60s);
  options.limits.event_bytes = 64U << 10U;
  options.limits.ingest_pending_bytes = one_of<std::uint64_t>(random, {4'000, 64'000, 8U << 20U});
  options.limits.drain = between(random, 0s, 5s);
  return options;
}

std::vector<std::string> drawn_channels(Random& random) {
  const std::vector<std::string> all = {"news",     "prices/btc",     "prices/eth",
                                        "a/b/c",    "a/b/d",          "a/e",
                                        "orders/1", "orders/1/items", "metrics/cpu"};
  std::vector<std::string> channels;
  const std::size_t count = 1 + random.below(all.size());
  for (std::size_t i = 0; i < count; ++i) channels.push_back(all[i]);
  return channels;
}

}  // namespace fanfare::sim
