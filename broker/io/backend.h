// Backend: which kernel interface carries a ring, chosen once at start-up. io_uring where the
// machine allows it; epoll where it does not, with the reason, so that nobody has to wonder.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "broker/io/problem.h"
#include "broker/io/ring.h"

namespace fanfare::io {

enum class Backend : std::uint8_t { automatic, io_uring, epoll };

// A pool of receive buffers: `count` (a power of two, at most 32,768) of `size` bytes each. The
// memory is touched only as deep as it is used. Count 0: no such pool.
struct BufferPoolOptions {
  std::uint32_t size = 0;
  std::uint32_t count = 0;
};

struct RingOptions {
  // Connections the ring can hold; at most Choice::slots_max.
  std::uint32_t slots = 1024;
  // Requests queued between two submits before the ring submits by itself. A power of two.
  std::uint32_t submissions = 512;
  // Completions the shared ring holds. Any beyond these go to a list in the kernel, which loses
  // nothing but is slower. 16 bytes each, counted against RLIMIT_MEMLOCK. A power of two.
  std::uint32_t completions = 4096;
  BufferPoolOptions request{.size = 2048, .count = 256};
  BufferPoolOptions ingest{.size = 0, .count = 0};
};

// What this machine supports, and why.
struct Choice {
  Backend backend = Backend::io_uring;  // never automatic
  // The most slots that one ring can have. On io_uring per ring; on epoll all rings of the process
  // share this number, with every other descriptor it has.
  std::uint32_t slots_max = 0;
  // One sentence for the start-up line: "io_uring (kernel 6.18.44, 20000 connections per shard)",
  // or what is missing and that epoll runs instead.
  std::string why;
};

// Raises RLIMIT_NOFILE's soft limit to the hard one and returns it: every figure of connections
// follows from it.
std::uint32_t raise_descriptor_limit();

// Looks at the machine, after raise_descriptor_limit(). `wanted` io_uring: its absence is the
// error; automatic: it leads to epoll.
std::expected<Choice, Problem> choose_backend(Backend wanted);

// Makes a ring on the calling thread, which is the only one that may use it (but for wake()).
// `backend` is a Choice's.
std::expected<std::unique_ptr<Ring>, Problem> make_ring(Backend backend,
                                                        const RingOptions& options);

}  // namespace fanfare::io
