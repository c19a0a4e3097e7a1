#include "broker/server/shard/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "broker/server/shard/shard.h"

#include "common/counted.h"

namespace fanfare::server {
namespace {

// SO_REUSEPORT spreads by hash: with six shards of 10,000 the fullest had 1.02 of the mean, of
// 1,000 1.15 (measured). A shard must hold that much more than its share.
constexpr double kSpread = 1.10;
// When there are few, chance alone sends more to one shard: eight standard deviations and a handful
// beyond the share are never reached, so no subscriber is sent away below [limits] connections.
std::uint64_t fullest_shard(std::uint64_t connections, std::uint32_t shards) {
  const double share = static_cast<double>(connections) / shards;
  const double most = std::max(share * kSpread, share + 8 * std::sqrt(share)) + 16;
  return std::min(connections, static_cast<std::uint64_t>(most));
}
// Descriptors of an epoll broker other than connections: standard streams, the log, signals, /proc;
// and for each shard its epoll, its doorbell and its listeners.
constexpr std::uint32_t kOtherDescriptors = 64;
constexpr std::uint32_t kShardDescriptors = 3;
// Under "auto", a shard for fewer subscribers is not worth its descriptors.
constexpr std::uint64_t kShardRoomMin = 256;

// The places on the lead that are for operators and refused publishers, not for publishers.
constexpr std::uint32_t kNoPublishers = kAdminSlots + kTurnedAwaySlots;

// Connections to applications, of each shard.
std::uint32_t upstream_slots(const Options& options) {
  const bool asked =
      std::ranges::any_of(options.routes, [](const RouteRule& r) { return !r.upstream.empty(); });
  return asked ? options.limits.upstream_connections : 0;
}

// Publishers, all on the lead.
std::uint32_t publisher_slots(const Options& options) {
  const LimitOptions& limits = options.limits;
  return limits.ingest_connections +
         (options.publish.listen.empty() ? 0 : limits.publish_connections);
}

// What the descriptors of this machine come to.
class Room {
 public:
  Room(const Options& options, const Machine& machine)
      : machine_(machine),
        lead_extra_(publisher_slots(options) + kNoPublishers),
        upstreams_(upstream_slots(options)),
        of_shard_(kShardDescriptors + options.listen.http.size() + upstreams_) {}

  // Subscribers of each of so many shards. Only the lead has publishers: where descriptors are
  // shared, the others need none for them.
  std::uint64_t of_each(std::uint64_t shards) const {
    const std::uint64_t apart = machine_.slots_shared ? fixed(shards) : reserved();
    if (machine_.slots_max <= apart) return 0;
    const std::uint64_t left = machine_.slots_max - apart;
    if (!machine_.slots_shared) return left;
    return left / shards - std::min<std::uint64_t>(left / shards, kSpareSlots);
  }
  // RLIMIT_NOFILE with which each shard has room for so many.
  std::uint64_t needed(std::uint64_t shards, std::uint64_t of_each) const {
    if (!machine_.slots_shared) return reserved() + of_each;
    return fixed(shards) + shards * (kSpareSlots + of_each);
  }
  // Slots of each ring that are not for subscribers.
  std::uint32_t reserved() const { return kSpareSlots + lead_extra_ + upstreams_; }
  // Publishers that could be given up for one subscriber on each shard; nothing: too few.
  std::optional<std::uint64_t> publishers_that_fit(std::uint64_t shards) const {
    const std::uint64_t apart = needed(shards, 1) - (lead_extra_ - kNoPublishers);
    if (machine_.slots_max <= apart) return {};
    return machine_.slots_max - apart;
  }

 private:
  std::uint64_t fixed(std::uint64_t shards) const {
    return kOtherDescriptors + lead_extra_ + shards * of_shard_;
  }

  const Machine& machine_;
  std::uint32_t lead_extra_;
  std::uint32_t upstreams_;
  std::uint64_t of_shard_;
};

std::uint32_t shards_of(const Options& options, const Machine& machine, const Room& room) {
  if (options.shards != 0) return options.shards;
  std::uint64_t shards = std::max(machine.cores, 1U);
  const auto wanted =
      static_cast<std::uint64_t>(static_cast<double>(options.limits.connections) * kSpread);
  if (!machine.slots_shared) {
    const std::uint64_t per_ring = std::max<std::uint64_t>(room.of_each(1), 1);
    return static_cast<std::uint32_t>(std::max(shards, (wanted + per_ring - 1) / per_ring));
  }
  const auto enough = [&] {
    return wanted == 0 ? kShardRoomMin : std::min(kShardRoomMin, wanted / shards + 1);
  };
  while (shards > 1 && room.of_each(shards) < enough()) --shards;
  return static_cast<std::uint32_t>(shards);
}

std::string no_room(const Options& options, const Machine& machine, const Room& room,
                    std::uint32_t shards) {
  const std::uint32_t publishers = options.limits.ingest_connections;
  std::string text = fmt::format(
      "this process may open {} descriptors, and {} with [limits] ingest_connections = {} "
      "need{} {} to serve one subscriber each: raise RLIMIT_NOFILE (ulimit -n, or LimitNOFILE= in "
      "the unit)",
      machine.slots_max, counted(shards, "shard"), publishers, shards == 1 ? "s" : "",
      room.needed(shards, 1));
  if (const auto fit = room.publishers_that_fit(shards); fit && *fit < publishers) {
    text += fmt::format(", or lower ingest_connections to {} or less", *fit);
  }
  if (machine.slots_shared && shards > 1) text += ", or set [server] shards lower or to \"auto\"";
  return text;
}

std::string sentence_of(const Options& options, const Machine& machine, const Plan& plan,
                        std::uint64_t capacity, std::uint32_t reserved) {
  std::string why;
  if (options.limits.connections > 0) {
    why =
        fmt::format("[limits] connections; this machine allows {} with that many shards", capacity);
  } else if (machine.slots_shared) {
    why = fmt::format(
        "{} descriptors in this process (RLIMIT_NOFILE), of which {} are not for "
        "subscribers; raise it for more",
        machine.slots_max, machine.slots_max - capacity);
  } else {
    why = fmt::format(
        "{} descriptors in each ring (RLIMIT_NOFILE), {} of each shard's kept in "
        "reserve; set [limits] connections for more shards and more",
        machine.slots_max, reserved);
  }
  return fmt::format("{}, up to {}: {}", counted(plan.shards, "shard"),
                     counted(plan.connections_max, "connection"), why);
}

}  // namespace

std::expected<Plan, std::string> make_plan(const Options& options, const Machine& machine) {
  const Room room(options, machine);
  Plan plan;
  plan.shards = shards_of(options, machine, room);
  const std::uint64_t most = room.of_each(plan.shards);
  if (most == 0) return std::unexpected(no_room(options, machine, room, plan.shards));
  const std::uint64_t capacity = most * plan.shards;
  const auto wanted = std::uint64_t{options.limits.connections};
  if (wanted > capacity) {
    return std::unexpected(fmt::format(
        "[limits] connections = {} is more than {} can hold with {} descriptors ({}): leave "
        "[server] shards to \"auto\", or raise RLIMIT_NOFILE to {} (ulimit -n, or LimitNOFILE= in "
        "the unit)",
        wanted, counted(plan.shards, "shard"), machine.slots_max, capacity,
        room.needed(plan.shards, fullest_shard(wanted, plan.shards))));
  }
  plan.connections_max = wanted == 0 ? capacity : wanted;
  const std::uint64_t share = fullest_shard(wanted, plan.shards);
  plan.subscribers_max =
      static_cast<std::uint32_t>(wanted == 0 ? most : std::min<std::uint64_t>(most, share));
  plan.slots = plan.subscribers_max + room.reserved();
  plan.descriptors = machine.slots_shared ? room.needed(plan.shards, plan.subscribers_max) : 0;
  plan.sentence = sentence_of(options, machine, plan, capacity, room.reserved());
  return plan;
}

}  // namespace fanfare::server
