// Quotas: what each client holds of the broker, counted over all shards and therefore exactly:
// connections, event streams, and how often it asks. A client is a key of 16 bytes: an address, or
// the bearer of a token.
//
// A client is known here while it holds something, or until its rate has filled up again. At most
// so many are known at a time; to make room, those that hold nothing are forgotten, the one that
// loses least by it first. If all of them hold something, one more is let in uncounted: nobody is
// turned away for what others hold.
//
// Thread: any. The keys are spread over a few locks, each held for a look-up: per connection, per
// stream and per request, never per event.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/server/base/rate.h"

#include "common/time.h"

namespace fanfare::server {

using QuotaKey = std::array<std::uint8_t, 16>;

class Quotas {
 public:
  // What is held until it is given back.
  enum class Kind : std::uint8_t { connection, stream };
  // Names the client that holds something; four bytes for each thing held.
  using Share = std::uint32_t;
  static constexpr Share kUncounted = ~Share{0};

  Quotas();

  // Nothing: the client has `most` of them.
  std::optional<Share> take(const QuotaKey& client, Kind kind, std::uint32_t most,
                            std::size_t clients_max);
  // The share that take() gave for one of that kind.
  void give_back(Share share, Kind kind);
  // The client asks for something. Nothing: it may; else how long until it may.
  std::optional<Duration> wait_for(const QuotaKey& client, const Rate& rate,
                                   std::size_t clients_max, TimePoint now);

  std::size_t clients() const { return clients_.load(std::memory_order_relaxed); }
  // By all clients together.
  std::uint64_t held(Kind kind) const;

 private:
  struct Client {
    QuotaKey key{};
    std::array<std::uint32_t, 2> held{};  // by Kind
    TimePoint full_at{};                  // of its rate; the clock's beginning: it is full

    bool holds() const { return held[0] + held[1] > 0; }
  };
  // Keys may be chosen by those who are counted: they cannot know which collide.
  struct Hash {
    std::uint64_t seed = 0;
    std::size_t operator()(const QuotaKey& key) const;
  };
  struct Part {
    explicit Part(std::uint64_t seed) : by_key(0, Hash{seed}) {}
    std::mutex mutex{};
    std::vector<Client> clients{};
    std::vector<std::uint32_t> free{};
    std::unordered_map<QuotaKey, std::uint32_t, Hash> by_key;
    std::set<std::pair<TimePoint, std::uint32_t>>
        idle{};  // that hold nothing, by when they are full
  };
  static constexpr std::uint32_t kParts = 16;  // a power of two

  static std::uint32_t part_of(const QuotaKey& key);
  // Null: there is no room for one more.
  Client* find_or_add(Part& part, const QuotaKey& key, std::size_t clients_max);
  void rest(Part& part, std::uint32_t index);
  void forget(Part& part, std::uint32_t index);

  std::vector<std::unique_ptr<Part>> parts_;
  std::atomic<std::size_t> clients_{0};
  std::array<std::atomic<std::uint64_t>, 2> held_{};
};

}  // namespace fanfare::server
