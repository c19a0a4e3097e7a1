// The io_uring of a ring: how it is set up, with which flags and why. Shared by the ring itself and
// by the probe, so that what was probed is what runs.
#pragma once

#include <liburing.h>

#include <cstdint>

namespace fanfare::io {

// 0, or a negated errno (-EINVAL: a kernel before 6.1; -EPERM: forbidden; -ENOMEM: RLIMIT_MEMLOCK).
// The calling thread becomes the only one that may use the ring. Both sizes are powers of two.
int set_up_uring(io_uring& ring, std::uint32_t submissions, std::uint32_t completions);

// A table of `slots` empty places for descriptors. 0 or a negated errno (-EMFILE: more than
// RLIMIT_NOFILE allows one table).
int register_table(io_uring& ring, std::uint32_t slots);

}  // namespace fanfare::io
