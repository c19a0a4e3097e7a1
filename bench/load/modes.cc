#include "bench/load/modes.h"

#include <memory>

#include "bench/load/crew.h"
#include "bench/load/figures.h"
#include "bench/load/pacer.h"
#include "bench/load/publisher.h"
#include "bench/load/server_cost.h"

namespace fanfare::load {
namespace {

// Publishes for `settings.seconds`, window by window or at a rate; returns the number published.
std::uint64_t publish_events(const Settings& settings, Crew& crew, Publisher& publisher) {
  const std::uint32_t per_event = settings.subscribers / settings.groups();
  const std::uint64_t before = crew.events();
  const std::uint64_t published_before = publisher.published();
  const Duration time = duration_of(settings.seconds);
  if (settings.rate > 0) {
    Pacer pacer(publisher, settings.rate, settings.channels);
    crew.wait("publishing", time, [&] {
      pacer.step();
      return false;
    });
    publisher.await_acks(published_before + pacer.count());
    return pacer.count();
  }
  const TimePoint end = monotonic_now() + time;
  std::uint64_t count = 0;
  while (monotonic_now() < end) {
    // Without a window: some hundred at a time, the next when those are acknowledged.
    const std::uint32_t burst = settings.window == 0 ? 256 : settings.window;
    for (std::uint32_t i = 0; i < burst; ++i) {
      publisher.add(static_cast<std::uint32_t>(count++ % settings.channels));
    }
    publisher.flush();
    if (settings.window == 0) {
      publisher.await_acks(published_before + count);
    } else {
      const std::uint64_t wanted = before + count * per_event;
      // Acks are read all the while: a server rightly stops reading from a publisher who does not
      // take its answers (some 280 of them fill a Unix socket).
      const bool all = crew.wait("publishing", 60s, [&] {
        publisher.take_acks();
        return crew.events() >= wanted;
      });
      if (!all) break;
    }
  }
  publisher.await_acks(published_before + count);
  return count;
}

void warm_up(const Settings& settings, Crew& crew, Publisher& publisher) {
  Settings warm = settings;
  warm.seconds = 1;
  warm.rate = 0;
  warm.window = 1;
  publish_events(warm, crew, publisher);
}

// The streams are alive: every one of them gets these events.
void verify(const Settings& settings, Crew& crew, Figures& figures) {
  Publisher publisher(settings.target, settings.channels, settings.event_bytes);
  crew.board().measuring.store(true);
  const TimePoint begin = monotonic_now();
  const std::uint64_t wanted =
      std::uint64_t{settings.verify} * settings.subscribers * settings.target.channels_each;
  for (std::uint32_t i = 0; i < settings.verify * settings.channels; ++i) {
    publisher.add(i % settings.channels);
  }
  publisher.flush();
  const bool all = crew.wait("verifying", 120s, [&] {
    publisher.take_acks();
    return crew.events() >= wanted;
  });
  figures.emplace_back("verify_seconds", seconds_of(monotonic_now() - begin));
  figures.emplace_back("missing", all ? 0 : static_cast<double>(wanted - crew.events()));
}

}  // namespace

Figures measure_idle(const Settings& settings) {
  const ServerCost empty = server_cost(settings.server_pid);
  const bool shared = settings.target.streams > 1;
  Crew crew(settings.target, settings.subscribers, settings.groups(), {.narrow = shared});
  crew.await_connected();
  const ServerCost full = server_cost(settings.server_pid);
  const double connections = crew.connections();
  const auto each = [](double before, double after, double count) {
    return (after - before) / count;
  };
  const auto rss = [&](const ServerCost& before, const ServerCost& after, double count) {
    return each(static_cast<double>(before.rss_bytes), static_cast<double>(after.rss_bytes), count);
  };
  Figures figures = {
      {"connections", connections},
      {"rss_bytes_per_connection", rss(empty, full, connections)},
      {"slab_bytes_per_connection_both_ends",
       each(static_cast<double>(empty.slab_bytes), static_cast<double>(full.slab_bytes),
            connections)},
      {"setup_cpu_us_per_connection", each(empty.cpu_seconds, full.cpu_seconds, connections) * 1e6},
  };
  if (shared) {
    crew.widen();
    crew.await_connected();
    const ServerCost wide = server_cost(settings.server_pid);
    const double streams = settings.subscribers - connections;
    figures.emplace_back("rss_bytes_per_extra_stream", rss(full, wide, streams));
    figures.emplace_back("setup_cpu_us_per_extra_stream",
                         each(full.cpu_seconds, wide.cpu_seconds, streams) * 1e6);
  }
  const ServerCost before = server_cost(settings.server_pid);
  const TimePoint begin = monotonic_now();
  crew.wait("holding", duration_of(settings.seconds), [&crew] { return crew.ended() > 0; });
  crew.await_connected();
  const ServerCost held = server_cost(settings.server_pid);
  figures.emplace_back("idle_cpu_percent_of_a_core", (held.cpu_seconds - before.cpu_seconds) * 100 /
                                                         seconds_of(monotonic_now() - begin));
  figures.emplace_back("rss_bytes", static_cast<double>(held.rss_bytes));
  figures.emplace_back("rss_bytes_in_all_per_connection",
                       static_cast<double>(held.rss_bytes) / connections);
  if (settings.verify > 0) verify(settings, crew, figures);
  add_faults(figures, crew.board());
  return figures;
}

Figures measure_fanout(const Settings& settings) {
  Crew crew(settings.target, settings.subscribers, settings.groups());
  crew.await_connected();
  Publisher publisher(settings.target, settings.channels, settings.event_bytes);
  warm_up(settings, crew, publisher);
  crew.board().measuring.store(true);
  crew.clear_latency();
  const ServerCost before = server_cost(settings.server_pid);
  const std::uint64_t events_before = crew.events();
  const TimePoint begin = monotonic_now();
  const std::uint64_t count = publish_events(settings, crew, publisher);
  const std::uint64_t wanted = events_before + count * (settings.subscribers / settings.groups());
  const bool all = crew.wait("draining", 60s, [&] { return crew.events() >= wanted; });
  const Duration took = monotonic_now() - begin;
  const ServerCost after = server_cost(settings.server_pid);
  const auto deliveries = static_cast<double>(crew.events() - events_before);
  const double cpu = after.cpu_seconds - before.cpu_seconds;
  Figures figures = {
      {"subscribers", settings.subscribers},
      {"channels", settings.channels},
      {"window", settings.window},
      {"rate", settings.rate},
      {"events", static_cast<double>(count)},
      {"deliveries", deliveries},
      {"missing", all ? 0 : static_cast<double>(wanted - crew.events())},
      {"seconds", seconds_of(took)},
      {"server_cpu_seconds", cpu},
      {"deliveries_per_second", deliveries / seconds_of(took)},
      {"deliveries_per_cpu_second", cpu > 0 ? deliveries / cpu : 0},
      {"refused", static_cast<double>(publisher.refused())},
  };
  const auto latency = std::make_unique<Histogram>();
  crew.latency_into(*latency);
  add_latency(figures, *latency);
  add_faults(figures, crew.board());
  return figures;
}

Figures measure_publish(const Settings& settings) {
  Publisher publisher(settings.target, settings.channels, settings.event_bytes);
  constexpr std::uint32_t kBurst = 1024;
  std::uint64_t count = 0;
  const ServerCost before = server_cost(settings.server_pid);
  const TimePoint begin = monotonic_now();
  const TimePoint end = begin + duration_of(settings.seconds);
  while (monotonic_now() < end) {
    for (std::uint32_t i = 0; i < kBurst; ++i) {
      publisher.add(static_cast<std::uint32_t>(count++ % settings.channels));
    }
    publisher.flush();
    if (count > 16 * kBurst) publisher.await_acks(count - 16 * kBurst);
  }
  publisher.await_acks(count);
  const double took = seconds_of(monotonic_now() - begin);
  const ServerCost after = server_cost(settings.server_pid);
  const double cpu = after.cpu_seconds - before.cpu_seconds;
  return {{"events", static_cast<double>(count)},
          {"refused", static_cast<double>(publisher.refused())},
          {"seconds", took},
          {"events_per_second", static_cast<double>(count) / took},
          {"events_per_cpu_second", cpu > 0 ? static_cast<double>(count) / cpu : 0}};
}

}  // namespace fanfare::load
