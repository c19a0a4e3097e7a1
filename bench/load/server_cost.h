// ServerCost: what the server under load has used so far: CPU time of all its threads
// (/proc/PID/task/*/schedstat), resident memory (VmRSS), and the kernel's memory for sockets and
// rings as far as the machine shows it (Slab of /proc/meminfo, both ends of loopback counted).
//
// CPU time leaves out softirq work that moved to ksoftirqd (facts: up to a quarter at 19,000
// connections), the same for every server on the machine.
#pragma once

#include <cstdint>

namespace fanfare::load {

struct ServerCost {
  double cpu_seconds = 0;
  std::uint64_t rss_bytes = 0;
  std::uint64_t slab_bytes = 0;  // of the whole machine
};

// The cost of `pid` and, for servers with worker processes, of its children.
ServerCost server_cost(int pid);

// What the sockets of a server on `port` hold in the kernel's queues, both directions and what is
// set aside for them (skmem of ss). 0 without ss(8). Takes some 10 ms for 10,000 sockets.
std::uint64_t socket_bytes(std::uint16_t port);

}  // namespace fanfare::load
