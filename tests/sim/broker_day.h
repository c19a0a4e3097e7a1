// BrokerDay: one seed of the real broker: what kind of day it is (configuration, shards, clients,
// faults), the day itself, and the judgement in the evening.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/sim/day_verdict.h"
#include "tests/sim/faults.h"

namespace fanfare::sim {

struct DayOptions {
  std::uint64_t seed = 1;
  std::size_t trace_lines = 0;
  bool trace_live = false;
  PlantedBug bug = PlantedBug::none;
};

DayVerdict live_through(const DayOptions& options);

}  // namespace fanfare::sim
