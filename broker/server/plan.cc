#include "broker/server/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "broker/server/shard.h"

namespace fanfare::server {
namespace {

// SO_REUSEPORT spreads by hash: with six shards of 10,000 the fullest had 1.02 of the mean, of
// 1,000 1.15 (facts/io_uring.md). A shard must hold that much more than its share.
constexpr double kSpread = 1.10;
// Of a few, chance alone sends more to one shard: eight standard deviations and a handful beyond
// the share are never seen, and nobody is sent away below [limits] connections.
std::uint64_t fullest_shard(std::uint64_t connections, std::uint32_t shards) {
  const double share = static_cast<double>(connections) / shards;
  const double most = std::max(share * kSpread, share + 8 * std::sqrt(share)) + 16;
  return std::min(connections, static_cast<std::uint64_t>(most));
}
// Descriptors of the process besides connections: listeners, rings, the log, /proc.
constexpr std::uint32_t kOtherDescriptors = 128;

}  // namespace

std::expected<Plan, std::string> make_plan(const Options& options, const Machine& machine) {
  const std::uint32_t lead_extra = options.limits.ingest_connections + kAdminSlots;
  const std::uint32_t reserved = kSpareSlots + lead_extra;
  std::uint32_t ring_slots = machine.slots_max;
  if (machine.slots_shared) ring_slots -= std::min(ring_slots, kOtherDescriptors);
  if (ring_slots <= reserved * 2) {
    return std::unexpected(fmt::format(
        "this process may open {} descriptors, too few for [limits] ingest_connections = {}: raise "
        "RLIMIT_NOFILE (ulimit -n, or LimitNOFILE= in the unit)",
        machine.slots_max, options.limits.ingest_connections));
  }
  const auto wanted = std::uint64_t{options.limits.connections};
  Plan plan;
  plan.shards = options.shards;
  if (plan.shards == 0) {
    plan.shards = std::max(machine.cores, 1U);
    if (!machine.slots_shared && wanted > 0) {
      const auto needed = static_cast<std::uint64_t>(static_cast<double>(wanted) * kSpread);
      const std::uint64_t per_ring = ring_slots - reserved;
      plan.shards =
          std::max(plan.shards, static_cast<std::uint32_t>((needed + per_ring - 1) / per_ring));
    }
  }
  const std::uint32_t share = machine.slots_shared ? ring_slots / plan.shards : ring_slots;
  const std::uint64_t capacity = std::uint64_t{share - std::min(share, reserved)} * plan.shards;
  if (wanted > capacity) {
    return std::unexpected(fmt::format(
        "[limits] connections = {} is more than {} shards of {} descriptors hold ({}): leave "
        "[server] shards to \"auto\", or raise RLIMIT_NOFILE (ulimit -n, or LimitNOFILE= in the "
        "unit)",
        wanted, plan.shards, share, capacity));
  }
  plan.connections_max = wanted == 0 ? capacity : wanted;
  if (wanted == 0) {
    plan.slots = share;
  } else {
    const std::uint64_t slots = fullest_shard(wanted, plan.shards) + reserved;
    plan.slots = static_cast<std::uint32_t>(std::min<std::uint64_t>(share, slots));
  }
  plan.subscribers_max = plan.slots - reserved;
  plan.sentence = fmt::format(
      "{} shard{}, up to {} connections: {}", plan.shards, plan.shards == 1 ? "" : "s",
      plan.connections_max,
      wanted > 0
          ? fmt::format("[limits] connections; this machine allows {} with as many shards",
                        capacity)
          : fmt::format("{} descriptors {} (RLIMIT_NOFILE), {} of each shard's kept in reserve; "
                        "set [limits] connections for more shards and more",
                        machine.slots_max,
                        machine.slots_shared ? "in this process" : "in each ring", reserved));
  return plan;
}

}  // namespace fanfare::server
