// What the kernel says about this process, from /proc/self: memory, descriptors, processor time.
#pragma once

#include <cstdint>

#include "common/time.h"

namespace fanfare::admin {

// A figure that cannot be read is 0.
struct ProcessFigures {
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t memory_max =
      0;  // resident: the least of what the machine, the cgroup and RLIMIT_RSS say
  std::uint64_t descriptors = 0;  // open, without connections in a ring's fixed table
  std::uint64_t descriptors_max = 0;
  std::uint64_t threads = 0;
  Duration cpu{};  // user and system, all threads
  std::int64_t start_unix_s = 0;
};

// Takes some tens of microseconds, and reads no list that grows with the number of connections
// (Linux 6.2 and later report the number of descriptors as the size of /proc/self/fd; on older ones
// the figure is 0).
ProcessFigures read_process();

}  // namespace fanfare::admin
