// Walks: what operators ask about the connections of this shard, answered from its tables. A walk
// looks at each place once, a slice in each turn, and keeps the best rows in a heap of the size
// that the answer may need; the lead then says which of all shards' rows are shown, and only these
// are put into words and asked of the kernel. Nothing is kept for anybody while nobody asks.
//
//   lead                              shards
//   ── walk ───────────────────────▶  all: slice by slice over slots, then over subscribers
//   ◀─ how many, and the first rows ─
//   ── describe ───────────────────▶  those that are shown: text, TCP
//   ◀─ rows ─────────────────────────
//
// With a Dismissal, what the walk finds is ended instead: turn() names it, and the shard does it.
//
// Thread: the shard's.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "broker/fanout/replica.h"
#include "broker/io/ring.h"
#include "broker/server/base/listing.h"
#include "broker/server/base/switchboard.h"
#include "broker/server/sockets/access_book.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/sockets/tls_ring.h"
#include "broker/server/streams/delivery.h"
#include "broker/server/streams/presence.h"
#include "broker/server/streams/shared_port.h"
#include "broker/server/streams/subscriber.h"

namespace fanfare::server {

class Walks {
 public:
  struct Parts {
    std::uint32_t shard = 0;
    io::Ring& ring;
    const TlsRing* tls = nullptr;  // may be null
    ConnectionTable& connections;
    Subscribers& subscribers;
    const fanout::Replica& replica;
    const Delivery& delivery;
    const Presence& presence;
    const AccessBook& access;
    Switchboard& switchboard;
  };
  explicit Walks(const Parts& parts) : parts_(parts) {}
  // Before the first walk, where connections may carry several streams.
  void share(const SharedPort& shared) { shared_ = &shared; }

  void take(const WalkMessage& order);
  void take(const DescribeMessage& order);

  bool work_waiting() const { return !walks_.empty() || !descriptions_.empty(); }
  // What is to be ended: a stream, or a connection with all that is on it.
  struct Dismissed {
    bool is_stream = false;
    std::uint32_t place = 0;
    bool leaves = false;  // a stream's connection is to carry no further request
    std::shared_ptr<const WalkOrder> order;
  };
  // A slice of what is to be done.
  std::vector<Dismissed> turn(Tick tick);

 private:
  struct Walk {
    std::uint64_t call = 0;
    std::shared_ptr<const WalkOrder> order;
    std::uint32_t next = 0;     // the next place of…
    bool over_streams = false;  // …the subscribers; else of the slots
    std::uint64_t total = 0;
    std::vector<FoundConnection> best = {};  // a heap, the last in the order at its top
  };
  struct Description {
    std::uint64_t call = 0;
    std::vector<FoundConnection> found;
    std::vector<std::optional<ConnectionRow>> rows = {};
  };
  // What is known of a stream's place in the log.
  struct Place {
    Delivery::Standing standing;
    fanout::Lag lag;
    Duration lag_time{};
  };

  bool walk_on(Walk& walk, std::vector<Dismissed>& dismissed);
  void look_for(Walk& walk, std::vector<Dismissed>& dismissed);
  bool has_slot(const ConnectionFilter& filter, io::Slot slot) const;
  bool has_stream(const ConnectionFilter& filter, Member member);
  bool has_connection(const ConnectionFilter& filter, io::Slot slot) const;
  bool carries_streams(io::Slot slot) const;
  void found(Walk& walk, FoundConnection found, std::vector<Dismissed>& dismissed);
  FoundConnection found_slot(const WalkOrder& order, io::Slot slot) const;
  FoundConnection found_stream(const WalkOrder& order, Member member);
  void finish(Walk& walk);
  bool describe_on(Description& description);
  std::optional<ConnectionRow> describe(const FoundConnection& found);
  void describe_connection(ConnectionRow& row, io::Slot slot) const;
  void describe_stream(ConnectionRow& row, Member member);

  Place place_of(Member member);
  Duration age_of(Member member) const;
  ConnectionState state_of(Member member) const;
  ConnectionState state_of(const Connection& connection) const;
  ConnectionName name_of_slot(io::Slot slot) const;

  Parts parts_;
  const SharedPort* shared_ = nullptr;
  std::deque<Walk> walks_;  // they take turns
  std::deque<Description> descriptions_;
  Tick tick_ = 0;
  TimePoint now_{};
  // For this slice: the feeds that get the filter's channel, and the feed that was looked at last.
  std::vector<std::uint32_t> feeds_;
  std::uint32_t known_feed_ = kNone;
  Place known_;
};

}  // namespace fanfare::server
