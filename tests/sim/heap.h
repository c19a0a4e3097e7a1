// Heap: what the whole test program has allocated, and poison on what it has given back: a day must
// give back all that it took, segments too, and whoever reads what was freed reads 0xdd. A
// sanitizer does this better; then nothing here is in force.
#pragma once

#include <cstdint>

namespace fanfare::sim::heap {

bool watched();

struct Count {
  std::int64_t blocks = 0;
  std::int64_t bytes = 0;
};
Count count();

}  // namespace fanfare::sim::heap
