#include "broker/server/base/quotas.h"

#include <cstring>
#include <numeric>

#include "common/check.h"
#include "common/random.h"

namespace fanfare::server {
namespace {

// At each call, at most: the rest waits for the next.
constexpr int kForgottenAtOnce = 4;

}  // namespace

std::size_t Quotas::Hash::operator()(const QuotaKey& key) const {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::memcpy(&first, key.data(), sizeof first);
  std::memcpy(&second, key.data() + sizeof first, sizeof second);
  return Random(Random(seed ^ first).next() ^ second).next();
}

Quotas::Quotas() {
  for (std::uint32_t i = 0; i < kParts; ++i)
    parts_.push_back(std::make_unique<Part>(random_seed()));
}

// The same in every run, so that a simulation is.
std::uint32_t Quotas::part_of(const QuotaKey& key) {
  return std::accumulate(key.begin(), key.end(), std::uint32_t{0}) % kParts;
}

Quotas::Client* Quotas::find_or_add(Part& part, const QuotaKey& key, std::size_t clients_max) {
  if (const auto known = part.by_key.find(key); known != part.by_key.end()) {
    Client& client = part.clients[known->second];
    part.idle.erase({client.full_at, known->second});
    return &client;
  }
  if (clients() >= clients_max) {
    if (part.idle.empty()) return nullptr;
    forget(part, part.idle.begin()->second);
  }
  std::uint32_t index = 0;
  if (part.free.empty()) {
    index = static_cast<std::uint32_t>(part.clients.size());
    part.clients.emplace_back();
  } else {
    index = part.free.back();
    part.free.pop_back();
  }
  part.clients[index] = {.key = key};
  part.by_key.emplace(key, index);
  ++clients_;
  return &part.clients[index];
}

void Quotas::forget(Part& part, std::uint32_t index) {
  Client& client = part.clients[index];
  part.idle.erase({client.full_at, index});
  part.by_key.erase(client.key);
  part.free.push_back(index);
  --clients_;
}

// A client that holds nothing any more is kept for its rate alone.
void Quotas::rest(Part& part, std::uint32_t index) {
  const Client& client = part.clients[index];
  if (client.holds()) return;
  if (client.full_at == TimePoint{}) return forget(part, index);
  part.idle.emplace(client.full_at, index);
}

std::optional<Quotas::Share> Quotas::take(const QuotaKey& key, Kind kind, std::uint32_t most,
                                          std::size_t clients_max) {
  const std::uint32_t number = part_of(key);
  Part& part = *parts_[number];
  const std::lock_guard lock(part.mutex);
  Client* const client = find_or_add(part, key, clients_max);
  if (client == nullptr) return kUncounted;
  const auto index = static_cast<std::uint32_t>(client - part.clients.data());
  std::uint32_t& held = client->held[std::to_underlying(kind)];
  if (held >= most) {
    rest(part, index);
    return std::nullopt;
  }
  ++held;
  held_[std::to_underlying(kind)].fetch_add(1, std::memory_order_relaxed);
  return index * kParts + number;
}

void Quotas::give_back(Share share, Kind kind) {
  if (share == kUncounted) return;
  Part& part = *parts_[share % kParts];
  const std::lock_guard lock(part.mutex);
  std::uint32_t& held = part.clients[share / kParts].held[std::to_underlying(kind)];
  CHECK(held > 0, "a share is given back once");
  --held;
  held_[std::to_underlying(kind)].fetch_sub(1, std::memory_order_relaxed);
  rest(part, share / kParts);
}

std::optional<Duration> Quotas::wait_for(const QuotaKey& key, const Rate& rate,
                                         std::size_t clients_max, TimePoint now) {
  Part& part = *parts_[part_of(key)];
  const std::lock_guard lock(part.mutex);
  for (int i = 0; i < kForgottenAtOnce && !part.idle.empty(); ++i) {
    if (part.idle.begin()->first > now) break;
    forget(part, part.idle.begin()->second);
  }
  Client* const client = find_or_add(part, key, clients_max);
  if (client == nullptr) return std::nullopt;
  const auto wait = server::wait_for(rate, client->full_at, now);
  rest(part, static_cast<std::uint32_t>(client - part.clients.data()));
  return wait;
}

std::uint64_t Quotas::held(Kind kind) const {
  return held_[std::to_underlying(kind)].load(std::memory_order_relaxed);
}

}  // namespace fanfare::server
