// Counts what the program allocates: counting_new.cc replaces the global operator new.
#pragma once

#include <cstddef>

namespace fanfare::fanout {

// Since the program began.
std::size_t allocation_count();
// That were not given back yet.
std::size_t live_allocation_count();

}  // namespace fanfare::fanout
