// What the modes share in reporting.
#pragma once

#include <string>

#include "bench/load/board.h"
#include "bench/load/histogram.h"
#include "bench/load/modes.h"

#include "common/time.h"

namespace fanfare::load {

inline double seconds_of(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}
inline Duration duration_of(double seconds) {
  return Duration(static_cast<std::int64_t>(seconds * 1e9));
}

void add_latency(Figures& figures, const Histogram& latency, const std::string& prefix = "");
void add_faults(Figures& figures, const Board& board);

}  // namespace fanfare::load
