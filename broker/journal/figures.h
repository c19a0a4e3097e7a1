// Figures: what a journal does, in numbers.
#pragma once

#include <cstdint>

namespace fanfare::journal {

struct Figures {
  std::uint64_t writes = 0, written_bytes = 0;
  std::uint64_t flushes = 0;
  double flush_seconds = 0;
  std::uint64_t segment_bytes = 0;  // written since the last image
  std::uint64_t image_bytes = 0;
  std::uint64_t rewrites = 0;
  bool full = false;    // it waits for room
  bool failed = false;  // nothing is written any more
};

}  // namespace fanfare::journal
