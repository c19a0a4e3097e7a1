// Seeds: runs a range of simulated days and reports how they went. What `test_sim --seeds A-B`
// does.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/broker_day.h"
#include "tests/sim/faults.h"

namespace fanfare::sim {

struct SeedsOptions {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  std::size_t trace_lines = 200;  // printed of a failing seed
  std::uint64_t failures_max = 1;
  bool progress = false;  // a line now and then
  bool live = false;      // trace while it happens
  PlantedBug bug = PlantedBug::none;
};

struct SeedsOutcome {
  std::uint64_t seeds = 0;
  std::uint64_t failed = 0;
  std::string first_problem;  // "seed 17: order: ..."
  DayVerdict sum;             // of the numbers only
};

// Prints every failing seed with its problems and its trace to standard error. If the broker aborts
// (a CHECK), its seed is printed first.
SeedsOutcome run_seeds(const SeedsOptions& options);

// "7" or "1-20000" into first and last. False: neither.
bool parse_range(const std::string& text, SeedsOptions& options);

}  // namespace fanfare::sim
