// BrokerDay: one seed of the real broker: what kind of day it is (configuration, shards, clients,
// faults), the day itself, and the judgement in the evening.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/faults.h"

namespace fanfare::sim {

struct DayOptions {
  std::uint64_t seed = 1;
  std::size_t trace_lines = 0;
  bool trace_live = false;
  PlantedBug bug = PlantedBug::none;
};

struct DayVerdict {
  std::vector<std::string> problems;  // none: a good day
  std::vector<std::string> trace;
  std::uint64_t digest = 0;  // of everything that was sent and received
  std::uint64_t events = 0;  // received by readers
  std::uint64_t gaps = 0;    // told to readers
  std::uint64_t publications = 0;
  std::uint64_t streams = 0;  // opened
  std::uint64_t restarts = 0;
};

DayVerdict live_through(const DayOptions& options);

}  // namespace fanfare::sim
