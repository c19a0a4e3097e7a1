#include "bench/load/modes.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "bench/load/crew.h"
#include "bench/load/publisher.h"
#include "bench/load/server_cost.h"

namespace fanfare::load {
namespace {

double seconds_of(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}
Duration duration_of(double seconds) {
  return Duration(static_cast<std::int64_t>(seconds * 1e9));
}

void add_latency(Figures& figures, const Histogram& latency, const std::string& prefix = "") {
  for (const auto& [name, q] :
       {std::pair("p50", 0.5), {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}}) {
    figures.emplace_back(prefix + "latency_" + name + "_ms",
                         static_cast<double>(latency.quantile(q)) / 1e6);
  }
}

void add_faults(Figures& figures, const Board& board) {
  figures.emplace_back("lost", board.sum(&WorkerRow::lost));
  figures.emplace_back("repeated", board.sum(&WorkerRow::repeated));
  figures.emplace_back("gaps", board.sum(&WorkerRow::gaps));
  figures.emplace_back("ended", board.sum(&WorkerRow::ended));
}

// Sleeps are pacing here, not waiting: to publish at a given time.
void sleep_until(TimePoint when) {
  const Duration left = when - monotonic_now();
  if (left.count() > 0) ::usleep(static_cast<useconds_t>(left.count() / 1000));
}

// Publishes for `settings.seconds`, window by window or at a rate; returns the number published.
std::uint64_t publish_events(const Settings& settings, Crew& crew, Publisher& publisher) {
  const std::uint32_t per_event = settings.subscribers / settings.channels;
  const std::uint64_t before = crew.events();
  const std::uint64_t published_before = publisher.published();
  const TimePoint start = monotonic_now();
  const TimePoint end = start + duration_of(settings.seconds);
  std::uint64_t count = 0;
  while (monotonic_now() < end) {
    if (settings.rate > 0) {
      sleep_until(start + duration_of(static_cast<double>(count) / settings.rate));
      publisher.add(static_cast<std::uint32_t>(count++ % settings.channels));
      publisher.flush();
      continue;
    }
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
      if (!crew.wait("publishing", 60s, [&] { return crew.events() >= wanted; })) break;
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

}  // namespace

Figures measure_idle(const Settings& settings) {
  const ServerCost empty = server_cost(settings.server_pid);
  Crew crew(settings.target, settings.subscribers, settings.channels);
  crew.await_connected();
  const ServerCost full = server_cost(settings.server_pid);
  const TimePoint begin = monotonic_now();
  crew.wait("holding", duration_of(settings.seconds), [] { return false; });
  const ServerCost held = server_cost(settings.server_pid);
  const double connections = settings.subscribers;
  Figures figures = {
      {"connections", connections},
      {"rss_bytes_per_connection",
       (static_cast<double>(full.rss_bytes) - static_cast<double>(empty.rss_bytes)) / connections},
      {"slab_bytes_per_connection_both_ends",
       (static_cast<double>(full.slab_bytes) - static_cast<double>(empty.slab_bytes)) /
           connections},
      {"setup_cpu_us_per_connection", (full.cpu_seconds - empty.cpu_seconds) * 1e6 / connections},
      {"idle_cpu_percent_of_a_core",
       (held.cpu_seconds - full.cpu_seconds) * 100 / seconds_of(monotonic_now() - begin)},
      {"rss_bytes", static_cast<double>(held.rss_bytes)},
  };
  add_faults(figures, crew.board());
  return figures;
}

Figures measure_fanout(const Settings& settings) {
  Crew crew(settings.target, settings.subscribers, settings.channels);
  crew.await_connected();
  Publisher publisher(settings.target, settings.channels, settings.event_bytes);
  warm_up(settings, crew, publisher);
  crew.board().measuring.store(true);
  crew.clear_latency();
  const ServerCost before = server_cost(settings.server_pid);
  const std::uint64_t events_before = crew.events();
  const TimePoint begin = monotonic_now();
  const std::uint64_t count = publish_events(settings, crew, publisher);
  const std::uint64_t wanted = events_before + count * (settings.subscribers / settings.channels);
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

Figures measure_storm(const Settings& settings) {
  Crew crew(settings.target, settings.subscribers, settings.channels);
  crew.await_connected();
  Publisher publisher(settings.target, settings.channels, settings.event_bytes);
  // One event for each channel first: nobody can resume without an id.
  for (std::uint32_t channel = 0; channel < settings.channels; ++channel) publisher.add(channel);
  publisher.flush();
  std::uint64_t wanted = settings.subscribers;
  if (!crew.wait("first event", 60s, [&] { return crew.events() >= wanted; })) {
    throw std::runtime_error("the first event did not reach everybody");
  }
  crew.order(Order::cut);
  crew.wait("cutting", 60s, [&] { return crew.board().sum(&WorkerRow::connected) == 0; });
  for (std::uint32_t i = 0; i < settings.missed * settings.channels; ++i) {
    publisher.add(i % settings.channels);
  }
  publisher.flush();
  publisher.await_acks(publisher.published());
  const ServerCost before = server_cost(settings.server_pid);
  const TimePoint begin = monotonic_now();
  wanted += std::uint64_t{settings.subscribers} * settings.missed;
  crew.order(Order::reconnect);
  const bool all = crew.wait("storm", 120s, [&] { return crew.events() >= wanted; });
  const double took = seconds_of(monotonic_now() - begin);
  const ServerCost after = server_cost(settings.server_pid);
  Figures figures = {
      {"clients", settings.subscribers},
      {"missed_each", settings.missed},
      {"seconds", took},
      {"missing", all ? 0 : static_cast<double>(wanted - crew.events())},
      {"cpu_us_per_client", (after.cpu_seconds - before.cpu_seconds) * 1e6 / settings.subscribers},
  };
  add_faults(figures, crew.board());
  return figures;
}

Figures measure_slow(const Settings& settings) {
  Crew crew(settings.target, settings.subscribers, settings.channels);
  crew.await_connected();
  Publisher publisher(settings.target, settings.channels, settings.event_bytes);
  Settings paced = settings;
  paced.rate = settings.rate > 0 ? settings.rate : 5;
  crew.board().measuring.store(true);
  publish_events(paced, crew, publisher);
  const auto quiet = std::make_unique<Histogram>();
  crew.latency_into(*quiet);
  const ServerCost before = server_cost(settings.server_pid);
  crew.board().stalled.store(static_cast<std::uint32_t>(settings.stalled * 1000));
  crew.order(Order::hold);
  crew.clear_latency();
  const double peak_of = settings.seconds;
  paced.seconds = peak_of;
  publish_events(paced, crew, publisher);
  const ServerCost after = server_cost(settings.server_pid);
  const auto stalled = std::make_unique<Histogram>();
  crew.latency_into(*stalled);
  const double count = settings.subscribers * settings.stalled;
  Figures figures = {
      {"stalled", count},
      {"rss_growth_bytes_per_stalled",
       (static_cast<double>(after.rss_bytes) - static_cast<double>(before.rss_bytes)) / count},
      {"slab_growth_bytes_per_stalled",
       (static_cast<double>(after.slab_bytes) - static_cast<double>(before.slab_bytes)) / count},
  };
  add_latency(figures, *quiet, "before_");
  add_latency(figures, *stalled, "others_");
  add_faults(figures, crew.board());
  return figures;
}

Figures measure_churn(const Settings& settings) {
  Crew crew(settings.target, settings.subscribers, settings.channels);
  crew.await_connected();
  const ServerCost before = server_cost(settings.server_pid);
  const TimePoint begin = monotonic_now();
  std::uint64_t opened = 0;
  while (monotonic_now() - begin < duration_of(settings.seconds)) {
    crew.order(Order::cut);
    crew.wait("cutting", 60s, [&] { return crew.board().sum(&WorkerRow::connected) == 0; });
    crew.order(Order::reconnect);
    crew.await_connected();
    opened += settings.subscribers;
  }
  const ServerCost after = server_cost(settings.server_pid);
  return {
      {"opened_and_closed", static_cast<double>(opened)},
      {"per_second", static_cast<double>(opened) / seconds_of(monotonic_now() - begin)},
      {"cpu_us_each", (after.cpu_seconds - before.cpu_seconds) * 1e6 / static_cast<double>(opened)},
      {"rss_growth_bytes",
       static_cast<double>(after.rss_bytes) - static_cast<double>(before.rss_bytes)}};
}

}  // namespace fanfare::load
