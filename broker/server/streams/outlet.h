// Outlet: where the bytes of one subscriber go. Four bytes: a connection, of one of two kinds:
//
//   a socket   the connection is the subscriber's own (HTTP/1.1). What it is offered is sent from
//              where it lies, the same bytes to each of a feed: one send, no copy.
//   a box      several subscribers share the connection, which collects what they have to send, in
//              its own form (frames, records), for one send between two submits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "broker/fanout/members.h"
#include "broker/io/ring.h"
#include "broker/server/streams/stream_end.h"

namespace fanfare::server {

// The connections of one shard that several subscribers share, by slot: a box each.
class Outboxes {
 public:
  virtual ~Outboxes() = default;

  // Takes as much of what the subscriber has to send as the box has room for, and returns how many
  // bytes that was: they are no longer needed. If it was not all, the box owes the subscriber
  // Delivery::room(). Nothing: the connection is broken.
  virtual std::optional<std::size_t> take(io::Slot slot, fanout::Member subscriber,
                                          std::string_view bytes) = 0;
  // The subscriber has sent everything, and is forgotten when this returns.
  virtual void end(io::Slot slot, fanout::Member subscriber, Ending ending) = 0;
  // Before each submit: queues the one send of each box that has something to send and whose socket
  // is not full. The send's token is ConnectionTable::token(Op::send, slot).
  virtual void flush() = 0;
  // After that submit: `cuts` are the completions of those sends that did not go whole.
  virtual void flushed(std::span<const io::Completion> cuts) = 0;
};

class Outlet {
 public:
  Outlet() = default;
  static Outlet socket(io::Slot slot) { return Outlet(slot); }
  static Outlet box(io::Slot slot) { return Outlet(kBox | slot); }

  bool is_box() const { return (bits_ & kBox) != 0; }
  io::Slot slot() const { return bits_ & ~kBox; }  // of the connection, shared or not

 private:
  static constexpr std::uint32_t kBox = 1U << 31U;  // no ring has so many slots

  explicit Outlet(std::uint32_t bits) : bits_(bits) {}

  std::uint32_t bits_ = 0;
};

}  // namespace fanfare::server
