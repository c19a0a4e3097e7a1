// What the kernel says about this process, from /proc/self: memory, descriptors, processor time.
#pragma once

#include <cstdint>

#include "common/time.h"

namespace fanfare::admin {

// A figure that cannot be read is 0.
struct ProcessFigures {
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t descriptors = 0;  // open; connections in a ring's fixed table are none
  std::uint64_t descriptors_max = 0;
  std::uint64_t threads = 0;
  Duration cpu{};  // user and system, all threads
  std::int64_t start_unix_s = 0;
};

// Some tens of microseconds; reads no list that grows with the number of connections (Linux 6.2 and
// later tell the number of descriptors as the size of /proc/self/fd; before that, it is 0).
ProcessFigures read_process();

}  // namespace fanfare::admin
