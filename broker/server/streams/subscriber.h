// Subscriber: the owner of a cursor, which is served by rounds or reads the backlog. Its index in
// the shard's table is what fanout calls a Member. It knows nothing of sockets: its bytes go to its
// Outlet, which on HTTP/1.1 is a connection of its own.
//
//   joined   at the place of its feed; costs this struct and nothing else
//   behind   with a record in Delivery, for as long as that lasts
//
// `due` is its one deadline, in ticks: of the next heartbeat, of its patience while it is blocked,
// of its farewell, and never later than `expires`. A sweep looks at it once a second.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "broker/fanout/members.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/streams/heartbeats.h"
#include "broker/server/streams/outlet.h"

#include "common/free_indexes.h"
#include "common/paged_array.h"

namespace fanfare::server {

using fanout::Member;

// What is sent at the end, when the broker stops or the stream expires.
enum class Farewell : std::uint8_t {
  none,
  due,      // its client is told to come back when it is due
  said,     // that is on its way; when `due` comes, the time to read it is up
  expired,  // the same, since it has come to the end that was set for it
};

struct Subscriber {
  Outlet outlet;
  std::uint32_t feed = kNone;  // its number; none: the place is free
  union {
    std::uint32_t behind = kNone;  // its record in Delivery…
    Tick quiet_since;              // …or, joined, the last heartbeat (events count by feed)
  };
  Tick due = kNever;
  Tick expires = kNever;             // when it ends: what granted it counts no more, or…
  std::uint32_t began = 0;           // which of the shard's streams it is, modulo 2^32
  std::uint32_t heartbeat : 20 = 0;  // ticks (of 29 hours at most); 0: it gets none
  std::uint32_t heartbeat_event : 7 = Heartbeats::kUnseen;  // a Heartbeats::Name
  Farewell farewell : 2 = Farewell::none;
  bool ages : 1 = false;  // …it has lived for as long as it may
  bool joined : 1 = false;
  bool live_page : 1 = false;  // an operator's, who is not among the subscribers

  void look_again(Tick tick) { due = std::min(tick, expires); }
};
// With its connection, an idle subscriber's whole share of user space besides its peer's address
// and its place in a feed.
static_assert(sizeof(Subscriber) + sizeof(Connection) <= 52);

// The subscribers of one shard. Thread: the shard's. Like ConnectionTable it never shrinks, and its
// memory is touched as it is used.
class Subscribers {
 public:
  explicit Subscribers(std::uint32_t capacity) : subscribers_(capacity) {}

  std::uint32_t capacity() const { return static_cast<std::uint32_t>(subscribers_.capacity()); }
  bool in_use(Member member) const {
    return member < high_water() && subscribers_[member].feed != kNone;
  }
  // A free place, the lowest there is. Precondition: fewer than capacity() are in use.
  Member allocate();
  void free(Member member);

  Subscriber& operator[](Member member) { return subscribers_[member]; }
  const Subscriber& operator[](Member member) const { return subscribers_[member]; }
  // Places at or above this were never used.
  Member high_water() const { return static_cast<Member>(subscribers_.size()); }

 private:
  PagedArray<Subscriber> subscribers_;
  FreeIndexes free_;  // below high_water()
};

}  // namespace fanfare::server
