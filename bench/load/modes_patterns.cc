// What patterns cost those who have nothing to do with them: the publisher, and the next stream.
#include "bench/load/crew.h"
#include "bench/load/figures.h"
#include "bench/load/modes.h"
#include "bench/load/publisher.h"
#include "bench/load/server_cost.h"

namespace fanfare::load {
namespace {

constexpr std::uint32_t kFewPatterns = 100;
constexpr std::uint32_t kNewStreams = 500;
constexpr std::uint32_t kLoaded = 10;       // connections with
constexpr std::uint32_t kLoadedEach = 128;  // patterns

Target with_topics(const Settings& settings, std::string_view prefix, std::string_view suffix) {
  Target target = settings.target;
  target.prefix = prefix;
  target.suffix = suffix;
  return target;
}

double publishes_per_cpu_second(const Settings& settings) {
  Settings part = settings;
  part.seconds = settings.seconds / 4;
  for (const auto& [name, value] : measure_publish(part)) {
    if (name == "events_per_cpu_second") return value;
  }
  return 0;
}

// The server's CPU for each of some streams with a pattern of its own, in microseconds.
double opening_us(const Settings& settings, std::string_view prefix) {
  const ServerCost before = server_cost(settings.server_pid);
  Crew crew(with_topics(settings, prefix, "/**"), kNewStreams, kNewStreams);
  crew.await_connected();
  const ServerCost after = server_cost(settings.server_pid);
  return (after.cpu_seconds - before.cpu_seconds) * 1e6 / kNewStreams;
}

}  // namespace

Figures measure_patterns(const Settings& settings) {
  publishes_per_cpu_second(settings);  // fills the history
  const double alone = publishes_per_cpu_second(settings);
  double names = 0, patterns = 0, loaded = 0, few_us = 0, many_us = 0;
  {
    Crew crew(with_topics(settings, "users", "/x"), settings.subscribers, settings.subscribers);
    crew.await_connected();
    names = publishes_per_cpu_second(settings);
  }
  {
    Crew crew(with_topics(settings, "users", "/**"), kFewPatterns, kFewPatterns);
    crew.await_connected();
    few_us = opening_us(settings, "few");
  }
  {
    Crew crew(with_topics(settings, "users", "/**"), settings.subscribers, settings.subscribers);
    crew.await_connected();
    patterns = publishes_per_cpu_second(settings);
    many_us = opening_us(settings, "many");
  }
  {
    Target target = with_topics(settings, "loaded", "/**");
    target.channels_each = kLoadedEach;
    Crew crew(target, kLoaded, kLoaded);
    crew.await_connected();
    loaded = publishes_per_cpu_second(settings);
  }
  return {{"alone_events_per_cpu_second", alone},       {"names_events_per_cpu_second", names},
          {"patterns_events_per_cpu_second", patterns}, {"loaded_events_per_cpu_second", loaded},
          {"beside_few_us_per_stream", few_us},         {"beside_many_us_per_stream", many_us}};
}

}  // namespace fanfare::load
