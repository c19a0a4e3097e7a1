// NameHash: hashes channel names with a seed, so that a client that may choose names (a subscriber
// may) cannot make them collide on purpose. The seed is the epoch: fresh with each life of the
// broker, and the same in each run of a simulation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/fanout/event_id.h"

namespace fanfare::fanout {

class NameHash {
 public:
  using is_transparent = void;

  explicit NameHash(const Epoch& epoch);
  std::size_t operator()(std::string_view name) const noexcept;

 private:
  std::uint64_t seed_;
};

// Looked up by a view, without a copy.
template <class T>
using NameMap = std::unordered_map<std::string, T, NameHash, std::equal_to<>>;

}  // namespace fanfare::fanout
