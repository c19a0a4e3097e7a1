// Board: what the processes of one run tell each other, in shared memory. Each worker writes its
// own row; the parent reads all of them and gives the orders.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "bench/load/histogram.h"

namespace fanfare::load {

inline constexpr std::size_t kWorkersMax = 128;

// What the parent wants of the workers.
enum class Order : std::uint32_t { connect, widen, hold, cut, reconnect, stop };

struct alignas(128) WorkerRow {
  std::atomic<std::uint64_t> connected{0};  // streams whose response head has come
  std::atomic<std::uint64_t> failed{0};     // connections refused, or answered with another status
  std::atomic<std::uint64_t> ended{0};      // streams that ended though nobody asked
  std::atomic<std::uint64_t> events{0};
  std::atomic<std::uint64_t> lost{0};      // numbers skipped
  std::atomic<std::uint64_t> repeated{0};  // numbers seen again, or out of order
  std::atomic<std::uint64_t> gaps{0};      // gap events
  std::atomic<std::uint64_t> bytes{0};
  Histogram latency;  // publish to receive, of everyone
};

struct Board {
  std::atomic<Order> order{Order::connect};
  std::atomic<std::uint32_t> generation{0};  // counts orders
  std::atomic<bool> measuring{false};        // latencies count only while set
  std::atomic<std::uint32_t> stalled{0};     // per mille of the connections that are not read
  std::atomic<std::uint32_t> streams{1};     // to be opened on each connection (HTTP/2)
  std::size_t workers = 0;
  WorkerRow rows[kWorkersMax];

  std::uint64_t sum(std::atomic<std::uint64_t> WorkerRow::* field) const {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < workers; ++i) total += (rows[i].*field).load();
    return total;
  }
};

}  // namespace fanfare::load
