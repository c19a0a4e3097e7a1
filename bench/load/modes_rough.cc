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

constexpr Duration kQuietBeforeStorm = 5s;

Histogram& latency_of(Crew& crew, std::unique_ptr<Histogram>& into) {
  into = std::make_unique<Histogram>();
  crew.latency_into(*into);
  return *into;
}

// Those who stay during a storm, on a channel of their own, with events at a steady rate.
class Bystanders {
 public:
  explicit Bystanders(const Settings& settings)
      : target_(named(settings.target)),
        crew_(target_, settings.live, 1),
        publisher_(target_, 1, settings.event_bytes) {
    crew_.await_connected();
    pacer_.emplace(publisher_, settings.live_rate, 1);
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

void cut(Crew& crew) {
  crew.order(Order::cut);
  crew.wait("cutting", 60s, [&] { return crew.board().sum(&WorkerRow::connected) == 0; });
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
    live.emplace(settings);
    crew.wait("quiet", kQuietBeforeStorm, [&] {
      live->step();
      return false;
    });
    latency_of(live->crew(), quiet);
  }
  cut(crew);
  for (std::uint32_t i = 0; i < settings.missed * settings.groups(); ++i) {
    publisher.add(i % settings.groups() * settings.target.channels_each);
  }
  publisher.flush();
  publisher.await_acks(publisher.published());
  const ServerCost before = server_cost(settings.server_pid);
  const TimePoint begin = monotonic_now();
  const std::uint64_t wanted =
      crew.events() + std::uint64_t{settings.subscribers} * settings.missed;
  if (live) live->crew().clear_latency();
  crew.order(Order::reconnect);
  const bool all = crew.wait("storm", 120s, [&] {
    if (live) live->step();
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

Figures measure_slow(const Settings& settings) {
  Crew crew(settings.target, settings.subscribers, settings.groups(), settings.stalled);
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
