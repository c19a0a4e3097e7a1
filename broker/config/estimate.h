// Estimate: what one configuration can come to on one machine: shards, connections, memory and
// descriptors, each with its arithmetic. A pure function over values; the figures per connection
// were measured. It is what `fanfare check` prints, and how an operator sizes a machine.
#pragma once

#include <cstdint>
#include <expected>
#include <limits>
#include <string>
#include <vector>

#include "broker/server/base/options.h"
#include "broker/server/shard/plan.h"

namespace fanfare::config {

struct Resources {
  server::Machine rings;
  std::uint64_t memory_bytes = 0;                                              // 0: unknown
  std::uint64_t locked_bytes_max = std::numeric_limits<std::uint64_t>::max();  // RLIMIT_MEMLOCK
};

struct Estimate {
  // When the bytes are needed: with every connection open and idle; with a full history as well;
  // and with every client and publisher doing its worst as well.
  enum class When : std::uint8_t { idle, full, worst };

  struct Item {
    When when{};
    bool kernel = false;  // the kernel's memory, not the process's
    std::uint64_t bytes = 0;
    std::string what;
    std::string arithmetic;  // "20000 x 140 B"
  };

  server::Plan plan;              // the one by which the broker would start
  std::uint64_t descriptors = 0;  // of the process's own table
  std::vector<Item> items;
  // What the journal may take on its disk, while it is written anew; 0: there is none.
  std::uint64_t journal_bytes = 0;
  // What this machine has too little of, and what is unwise; a sentence each.
  std::vector<std::string> warnings;

  // Sums over the items needed at `when` and before.
  std::uint64_t user_bytes(When when) const;
  std::uint64_t kernel_bytes(When when) const;
  // A table for people, with its sums and warnings; ends with a line break.
  std::string text() const;
};

// `options` has passed the checks of load(). The error is the broker's own: why it would not start.
std::expected<Estimate, std::string> estimate(const server::Options& options,
                                              const Resources& machine);

}  // namespace fanfare::config
