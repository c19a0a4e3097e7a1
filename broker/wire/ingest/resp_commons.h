// RespCommons: what all RESP publishers of a broker have in common. The commands they have queued
// between MULTI and EXEC share one bound, and a script that one of them has sent is known to all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fanfare::ingest {

// The SHA-1 names of the scripts that were sent and are served. Bounded: they are spellings of one
// loop, and a client whose spelling was dropped sends it again (-NOSCRIPT).
class KnownScripts {
 public:
  static constexpr std::size_t kCountMax = 64;

  bool contains(std::string_view name) const { return std::ranges::count(names_, name) != 0; }
  void add(std::string name) {
    if (contains(name)) return;
    if (names_.size() == kCountMax) names_.erase(names_.begin());
    names_.push_back(std::move(name));
  }
  void clear() { names_.clear(); }

 private:
  std::vector<std::string> names_;  // oldest first
};

struct RespCommons {
  std::uint64_t transaction_bytes_max = 16U << 20U;  // [limits] ingest_batch_bytes
  std::uint64_t queued_bytes_max = 64U << 20U;       // [limits] bodies_bytes, of all together
  std::uint64_t queued_bytes = 0;
  // MULTI ... EXEC: carried out; answered with EXECABORT; commands that found no room to wait.
  std::uint64_t transactions_total = 0;
  std::uint64_t transactions_refused_total = 0;
  std::uint64_t queue_full_total = 0;
  KnownScripts scripts = {};
};

}  // namespace fanfare::ingest
