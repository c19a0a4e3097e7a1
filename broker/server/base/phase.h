// Phase: what the broker is doing as a whole, from its first listener to its last. /readyz names
// it, and is 200 in one of them only. Each shard keeps the further steps of its own stopping
// (broker/server/shard/shard_drain.cc).
//
//   binding ──▶ recovering ──▶ serving ──▶ draining
//
// From `recovering` on the admin listener answers; subscribers and publishers are accepted from
// `serving` on, and wait in the listeners' backlogs until then. With history in memory only there
// is nothing to bring back, and `recovering` is over as soon as every shard has been made.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace fanfare::server {

enum class BrokerPhase : std::uint8_t { binding, recovering, serving, draining };

inline constexpr std::array kBrokerPhases = {BrokerPhase::binding, BrokerPhase::recovering,
                                             BrokerPhase::serving, BrokerPhase::draining};

constexpr std::string_view name_of(BrokerPhase phase) {
  switch (phase) {
    case BrokerPhase::binding:
      return "binding";
    case BrokerPhase::recovering:
      return "recovering";
    case BrokerPhase::serving:
      return "serving";
    case BrokerPhase::draining:
      return "draining";
  }
  std::unreachable();
}

}  // namespace fanfare::server
