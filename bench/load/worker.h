// Worker: one process with some thousands of subscribers. Opens their streams, reads everything
// there is to read, checks every event for loss, repetition and order, and follows the orders on
// the board: hold, cut all connections, come back with the last id, stop reading on some.
#pragma once

#include <cstdint>

#include "bench/load/board.h"
#include "bench/load/target.h"

namespace fanfare::load {

struct WorkerOptions {
  std::size_t index = 0;               // row on the board
  std::uint32_t first = 0, count = 0;  // which subscribers are this worker's
  std::uint32_t groups = 1;            // subscriber i listens to the channels of i % groups
  std::uint32_t in_flight_max = 256;   // streams being opened at a time
};

// Until Order::stop.
void run_worker(const WorkerOptions& options, const Target& target, Board& board);

}  // namespace fanfare::load
