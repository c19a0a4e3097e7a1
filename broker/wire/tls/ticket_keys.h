// TicketKeys: what session tickets are sealed with, so that a client that comes back makes a short
// handshake, on any shard and also after a reload. Nothing is kept of the sessions themselves.
//
// A new key is made every kTicketKeyLife; tickets of the two before are still good, and are
// replaced. Somebody who records traffic and later steals the keys can read nothing that was
// resumed with older ones.
//
// Thread: any.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>

#include "common/time.h"

namespace fanfare::tls {

inline constexpr Duration kTicketKeyLife = 8h;
// Seconds for which a client may use a ticket: as long as a key is known at least.
inline constexpr long kTicketSeconds = 2L * 8 * 3600;

class TicketKeys {
 public:
  using Name = std::array<unsigned char, 16>;
  struct Key {
    Name name{};
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
  };

  explicit TicketKeys(TimePoint now);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // Makes a new key if the newest has lived for long enough.
  void time_passes(TimePoint now);
  void rotate(TimePoint now);

  Key newest() const;
  struct Found {
    Key key;
    bool newest = false;
  };
  std::optional<Found> find(std::span<const unsigned char, 16> name) const;

 private:
  void replace(TimePoint now);  // mutex_ is held

  mutable std::mutex mutex_;
  std::array<Key, 3> keys_;  // the newest first
  std::size_t count_ = 0;
  TimePoint made_{};
};

}  // namespace fanfare::tls
