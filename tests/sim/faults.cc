#include "tests/sim/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanfare::sim {
namespace {

// Off in `off` of the seeds; else spread evenly over the orders of magnitude from min to max.
double drawn_rate(Random& random, double off, double min, double max) {
  if (random.chance(off)) return 0;
  const double position = static_cast<double>(random.below(1001)) / 1000.0;
  return min * std::pow(max / min, position);
}

Duration drawn_duration(Random& random, double off, Duration max) {
  if (random.chance(off)) return Duration(0);
  return Duration(
      static_cast<std::int64_t>(drawn_rate(random, 0, 1e-4, 1) * static_cast<double>(max.count())));
}

std::size_t drawn_size(Random& random, std::size_t min, std::size_t max) {
  return static_cast<std::size_t>(
      drawn_rate(random, 0, static_cast<double>(min), static_cast<double>(max)));
}

}  // namespace

PlantedBug planted_bug(std::string_view name) {
#define X(bug, what) \
  if (name == #bug) return PlantedBug::bug;
  FANFARE_PLANTED_BUGS(X)
#undef X
  return PlantedBug::none;
}

std::string planted_bugs() {
  std::string text;
#define X(bug, what) text += fmt::format("  {:20}  {}\n", #bug, what);
  FANFARE_PLANTED_BUGS(X)
#undef X
  return text;
}

Faults Faults::drawn(Random& random) {
  Faults faults;
  faults.buffer_count = drawn_size(random, 4, 64);
  faults.buffer_size = drawn_size(random, 64, 4096);
  // A head and a heartbeat must fit into any real socket; below a few hundred bytes nothing is
  // learnt and every event takes minutes.
  faults.socket_buffer_min = drawn_size(random, 512, 16U << 10U);
  faults.socket_buffer_max = drawn_size(random, faults.socket_buffer_min, 256U << 10U);
  faults.backlog = drawn_size(random, 1, 128);
  faults.sends_at_once = random.chance(0.25);
  faults.latency_max = std::max(Duration(1000), drawn_duration(random, 0, 50ms));
  if (random.chance(0.05)) return faults;  // a calm day

  faults.accept_fails = drawn_rate(random, 0.7, 0.01, 0.5);
  faults.accept_ends = drawn_rate(random, 0.5, 0.01, 0.5);
  faults.adopt_fails = drawn_rate(random, 0.8, 0.01, 0.3);
  faults.receive_no_buffer = drawn_rate(random, 0.7, 0.01, 0.5);
  faults.receive_short = drawn_rate(random, 0.5, 0.01, 0.8);
  faults.send_short = drawn_rate(random, 0.4, 0.001, 0.5);
  faults.send_blocked = drawn_rate(random, 0.4, 0.001, 0.5);
  faults.reset = drawn_rate(random, 0.5, 0.0001, 0.02);
  faults.vanish = drawn_rate(random, 0.8, 0.0001, 0.005);
  faults.trickle = drawn_rate(random, 0.5, 0.01, 0.5);
  faults.straggle = drawn_rate(random, 0.6, 0.001, 0.2);
  faults.completion_delay_max = drawn_duration(random, 0.5, 20ms);
  faults.wake_delay_max = drawn_duration(random, 0.5, 100ms);
  return faults;
}

void Faults::draw_errors(Random random) {
  if (random.chance(0.15)) errors = drawn_rate(random, 0, 0.0003, 0.02);
}

void Faults::stop() {
  errors = 0;
  accept_fails = accept_ends = adopt_fails = 0;
  connect_fails = connect_stalls = 0;
  exhausted = false;
  receive_no_buffer = receive_short = send_short = send_blocked = 0;
  reset = vanish = trickle = straggle = 0;
  latency_max = std::min<Duration>(latency_max, 5ms);
  completion_delay_max = wake_delay_max = Duration(0);
}

}  // namespace fanfare::sim
