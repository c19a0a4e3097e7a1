// Counts what the program allocates: counting_new.cc replaces the global operator new.
#pragma once

#include <cstddef>

namespace fanfare::fanout {

// Since the program began.
std::size_t allocation_count();

}  // namespace fanfare::fanout
