// Outlet: where the bytes of one subscriber go. Four bytes, of one of two kinds:
//
//   a socket   the subscriber has a connection of its own (HTTP/1.1). What it is offered is sent
//              from where it lies, the same bytes to each of a feed: one send, no copy.
//   a box      several subscribers share a connection, which collects what they have to say, in its
//              own way (frames, records), for one send between two submits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/fanout/members.h"
#include "broker/io/ring.h"
#include "broker/server/streams/stream_end.h"

namespace fanfare::server {

// The connections of one shard that several subscribers share, by number: a box each.
class Outboxes {
 public:
  virtual ~Outboxes() = default;

  // Takes as much of what the subscriber has to say as the box has room for, and answers how many
  // bytes that was: they are not needed any more. If it was not all, the box owes the subscriber
  // Delivery::room(). Nothing: the connection has no future.
  virtual std::optional<std::size_t> take(std::uint32_t box, fanout::Member subscriber,
                                          std::string_view bytes) = 0;
  // The subscriber has said all, and is nobody's any more when this returns.
  virtual void end(std::uint32_t box, fanout::Member subscriber, Ending ending) = 0;
  // Before each submit: queues the one send of each box that took something since the last.
  virtual void flush() = 0;
};

class Outlet {
 public:
  Outlet() = default;
  static Outlet socket(io::Slot slot) { return Outlet(slot); }
  static Outlet box(std::uint32_t number) { return Outlet(kBox | number); }

  bool is_box() const { return (bits_ & kBox) != 0; }
  io::Slot slot() const { return bits_; }  // of a socket
  std::uint32_t box() const { return bits_ & ~kBox; }

 private:
  static constexpr std::uint32_t kBox = 1U << 31U;  // no ring has so many slots

  explicit Outlet(std::uint32_t bits) : bits_(bits) {}

  std::uint32_t bits_ = 0;
};

}  // namespace fanfare::server
