// The rough modes: everybody comes back at once, some stop reading, streams come and go.
#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>

#include "bench/load/crew.h"
#include "bench/load/figures.h"
#include "bench/load/modes.h"
#include "bench/load/pacer.h"
#include "bench/load/publisher.h"
#include "bench/load/server_cost.h"

namespace fanfare::load {
namespace {

constexpr Duration kQuiet = 5s;  // before it begins
constexpr Duration kSettling = 500ms;

Histogram& latency_of(Crew& crew, std::unique_ptr<Histogram>& into) {
  into = std::make_unique<Histogram>();
  crew.latency_into(*into);
  return *into;
}

// Those who have nothing to do with what is going on, on `channels` of their own, with events at a
// steady rate.
class Bystanders {
 public:
  Bystanders(const Settings& settings, std::uint32_t channels)
      : target_(named(settings.target)),
        crew_(target_, settings.live, channels),
        publisher_(target_, channels, settings.event_bytes) {
    crew_.await_connected();
    pacer_.emplace(publisher_, settings.live_rate, channels);
    crew_.board().measuring.store(true);
  }
  void step() { pacer_->step(); }
  Crew& crew() { return crew_; }

 private:
  static Target named(Target target) {
    target.prefix += "-live";
    target.channels_each = 1;
    return target;
  }

  Target target_;
  Crew crew_;
  Publisher publisher_;
  std::optional<Pacer> pacer_;
};

// One event for each channel, received by everybody: nobody can resume without an id.
void give_ids(const Settings& settings, Crew& crew, Publisher& publisher) {
  for (std::uint32_t channel = 0; channel < settings.channels; ++channel) publisher.add(channel);
  publisher.flush();
  const std::uint64_t wanted = std::uint64_t{settings.subscribers} * settings.target.channels_each;
  if (!crew.wait("first event", 60s, [&] { return crew.events() >= wanted; })) {
    throw std::runtime_error("the first event did not reach everybody");
  }
}

}  // namespace

Figures measure_storm(const Settings& settings) {
  Crew crew(settings.target, settings.subscribers, settings.groups());
  crew.await_connected();
  Publisher publisher(settings.target, settings.channels, settings.event_bytes);
  give_ids(settings, crew, publisher);
  std::optional<Bystanders> live;
  std::unique_ptr<Histogram> quiet, stormy;
  if (settings.live > 0) {
    live.emplace(settings, 1);
    crew.wait("quiet", kQuiet, [&] {
      live->step();
      return false;
    });
    latency_of(live->crew(), quiet);
  }
  // The bystanders' events go on being due: what waits for its publisher is not the server's delay.
  const auto step = [&] {
    if (live) live->step();
  };
  crew.order(Order::cut);
  crew.wait("cutting", 60s, [&] {
    step();
    return crew.board().sum(&WorkerRow::connected) == 0;
  });
  for (std::uint32_t i = 0; i < settings.missed * settings.groups(); ++i) {
    publisher.add(i % settings.groups() * settings.target.channels_each);
  }
  publisher.flush();
  publisher.await_acks(publisher.published());
  crew.wait("settling", kSettling, [&] {
    step();
    return false;
  });
  const ServerCost before = server_cost(settings.server_pid);
  const TimePoint begin = monotonic_now();
  const std::uint64_t wanted =
      crew.events() + std::uint64_t{settings.subscribers} * settings.missed;
  if (live) live->crew().clear_latency();
  crew.order(Order::reconnect);
  const bool all = crew.wait("storm", 120s, [&] {
    step();
    return crew.events() >= wanted;
  });
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
  if (live) {
    add_latency(figures, *quiet, "live_quiet_");
    add_latency(figures, latency_of(live->crew(), stormy), "live_storm_");
    figures.emplace_back("live_lost", live->crew().board().sum(&WorkerRow::lost));
  }
  return figures;
}

Figures measure_beside(const Settings& settings) {
  if (settings.live == 0) throw std::runtime_error("beside whom? give --live");
  Crew crew(settings.target, settings.subscribers, settings.groups());
  crew.await_connected();
  Publisher publisher(settings.target, settings.channels, settings.event_bytes);
  give_ids(settings, crew, publisher);
  Bystanders live(settings, settings.live);
  std::unique_ptr<Histogram> quiet, beside, loud;
  crew.wait("quiet", kQuiet, [&] {
    live.step();
    return false;
  });
  latency_of(live.crew(), quiet);
  live.crew().clear_latency();
  crew.board().measuring.store(true);
  const std::uint64_t per_event = settings.subscribers / settings.groups();
  const ServerCost before = server_cost(settings.server_pid);
  const TimePoint begin = monotonic_now();
  std::uint64_t wanted = crew.events();
  const std::uint64_t first = wanted;
  bool all = true;
  for (std::uint64_t count = 0; all && monotonic_now() - begin < duration_of(settings.seconds);) {
    for (std::uint32_t i = 0; i < settings.window; ++i) {
      publisher.add(static_cast<std::uint32_t>(count++ % settings.channels));
    }
    publisher.flush();
    wanted += settings.window * per_event;
    all = crew.wait("beside", 60s, [&] {
      live.step();
      publisher.take_acks();
      return crew.events() >= wanted;
    });
  }
  const double took = seconds_of(monotonic_now() - begin);
  const double cpu = server_cost(settings.server_pid).cpu_seconds - before.cpu_seconds;
  Figures figures = {
      {"deliveries_per_second", static_cast<double>(crew.events() - first) / took},
      {"server_cores", cpu / took},
      {"missing", all ? 0 : static_cast<double>(wanted - crew.events())},
  };
  add_latency(figures, latency_of(crew, loud), "loud_");
  add_latency(figures, *quiet, "live_quiet_");
  add_latency(figures, latency_of(live.crew(), beside), "live_beside_");
  add_faults(figures, crew.board());
  figures.emplace_back("live_lost", live.crew().board().sum(&WorkerRow::lost));
  return figures;
}

Figures measure_slow(const Settings& settings) {
  Crew crew(settings.target, settings.subscribers, settings.groups(),
            {.stalled = settings.stalled});
  crew.await_connected();
  Publisher publisher(settings.target, settings.channels, settings.event_bytes);
  Pacer pacer(publisher, settings.rate > 0 ? settings.rate : 5, settings.channels);
  crew.board().measuring.store(true);
  crew.wait("before", duration_of(settings.seconds / 4), [&] {
    pacer.step();
    return false;
  });
  std::unique_ptr<Histogram> quiet, stalled;
  latency_of(crew, quiet);
  const ServerCost before = server_cost(settings.server_pid);
  const std::uint64_t sockets_before = socket_bytes(settings.target.port);
  std::uint64_t rss_peak = before.rss_bytes, sockets_peak = sockets_before;
  crew.order(Order::hold);
  crew.clear_latency();
  TimePoint sampled = monotonic_now();
  crew.wait("stalled", duration_of(settings.seconds), [&] {
    pacer.step();
    // Looked at rarely, since looking costs CPU that the server wants.
    if (monotonic_now() - sampled > 5s) {
      sockets_peak = std::max(sockets_peak, socket_bytes(settings.target.port));
      rss_peak = std::max(rss_peak, server_cost(settings.server_pid).rss_bytes);
      sampled = monotonic_now();
    }
    return false;
  });
  latency_of(crew, stalled);
  const double count = settings.subscribers * settings.stalled;
  const auto growth = [&](std::uint64_t from, std::uint64_t to) {
    return (static_cast<double>(to) - static_cast<double>(from)) / count;
  };
  Figures figures = {
      {"stalled", count},
      {"rss_growth_bytes_per_stalled", growth(before.rss_bytes, rss_peak)},
      {"socket_growth_bytes_per_stalled", growth(sockets_before, sockets_peak)},
  };
  add_latency(figures, *quiet, "before_");
  add_latency(figures, *stalled, "others_");
  add_faults(figures, crew.board());
  return figures;
}

Figures measure_churn(const Settings& settings) {
  Crew crew(settings.target, settings.subscribers, settings.groups());
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
