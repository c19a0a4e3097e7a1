// Probe: may and can this process use io_uring here, and how large can a ring be? Every answer but
// yes is a Problem that says exactly what is missing and what to do about it, because people who
// start a broker seldom know what forbids io_uring (a container's profile, a sysctl, a limit).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "broker/io/problem.h"

namespace fanfare::io {

// What the machine says about itself.
struct Surroundings {
  std::string kernel;               // uname -r
  int io_uring_disabled = -1;       // the sysctl kernel.io_uring_disabled; -1: there is none
  std::uint64_t descriptors = 0;    // RLIMIT_NOFILE, soft
  std::uint64_t locked_memory = 0;  // RLIMIT_MEMLOCK, soft, bytes; ~0 for no limit
  bool seccomp = false;             // a filter watches this process (/proc/self/status)

  static Surroundings read();
};

struct Capabilities {
  std::string kernel;
  std::uint32_t slots_max = 0;  // of one ring's table
};

// The questions in the order they are asked. Each answer is >= 0 or a negated errno. The real one
// is uring_under_probe(); tests give answers of their own.
class UnderProbe {
 public:
  virtual ~UnderProbe() = default;
  // Sets a small ring up, with the flags of every ring; must succeed before the rest is asked.
  virtual int set_up() = 0;
  // The names of features that are missing ("NODROP"), empty if none.
  virtual std::string missing_features() = 0;
  // The same for operations ("SEND").
  virtual std::string missing_operations() = 0;
  virtual int register_table(std::uint32_t slots) = 0;
  virtual int register_buffers() = 0;
  // Sends and receives on a socket pair as the broker will; empty, or what went wrong.
  virtual std::string self_test() = 0;
};

std::expected<Capabilities, Problem> probe(UnderProbe& kernel, const Surroundings& surroundings);
// Asks the real kernel; the ring it makes is gone when this returns.
std::expected<Capabilities, Problem> probe();

// Sentences shared with the making of rings. `error` is a positive errno.
Problem setup_problem(int error, const Surroundings& surroundings);
Problem table_problem(int error, std::uint32_t slots, const Surroundings& surroundings);
// "<what>: <text of the errno>".
Problem system_problem(std::string_view what, int error);

}  // namespace fanfare::io
