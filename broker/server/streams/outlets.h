// Outlets: the outlets of one shard's subscribers, between Delivery, which knows subscribers and
// bytes, and the ring, which knows slots. Something is offered to a subscriber at most once between
// two flushes; a flush reports those of whom it was not taken whole. No report is success.
//
// Thread: the shard's.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "broker/io/ring.h"
#include "broker/server/base/loop_time.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/streams/outlet.h"
#include "broker/server/streams/subscriber.h"

namespace fanfare::server {

class Outlets {
 public:
  Outlets(io::Ring& ring, ConnectionTable& connections, Subscribers& subscribers, LoopTime& loop)
      : ring_(ring), connections_(connections), subscribers_(subscribers), loop_(loop) {}
  // Before the first subscriber that has a box; without any, this is not needed.
  void share(Outboxes& boxes) { boxes_ = &boxes; }

  // Not all was taken of what a subscriber was offered.
  struct Cut {
    Member subscriber = 0;
    std::size_t taken = 0;  // bytes
    bool broken = false;    // nothing will be, ever
  };

  // The bytes stay where they are until flush() has returned.
  void offer(std::span<const Member> subscribers, std::string_view bytes) {
    // Kept out of the loop: after a virtual call they would be read again for each.
    io::Ring& ring = ring_;
    const Subscriber* const table = &subscribers_[0];
    for (const Member subscriber : subscribers) {
      const Outlet outlet = table[subscriber].outlet;
      if (outlet.is_box()) [[unlikely]] {
        put(outlet, subscriber, bytes);
        continue;
      }
      ring.send(outlet.slot(), std::as_bytes(std::span(bytes)), send_token(subscriber));
    }
  }
  void offer(Member subscriber, std::string_view bytes) { offer(std::span(&subscriber, 1), bytes); }
  // Hands everything to the kernel in one submit, and returns when that was done. Completions other
  // than those of sends are appended to `completions`.
  TimePoint flush(std::vector<io::Completion>& completions, std::vector<Cut>& cuts);
  // The same for what is in boxes, when no subscriber has been offered anything.
  void flush_boxes(std::vector<io::Completion>& completions);
  // Delivery::room() follows, when more may be taken than was.
  void await_room(Member subscriber);
  // The subscriber has sent everything. What a socket's peer learns of that is up to its
  // connection.
  void end(Member subscriber, Ending ending);

 private:
  // No connection's: those have generations above 0.
  static io::Token send_token(Member subscriber) {
    return {.kind = static_cast<std::uint8_t>(Op::send), .generation = 0, .index = subscriber};
  }
  void put(Outlet outlet, Member subscriber, std::string_view bytes);

  io::Ring& ring_;
  ConnectionTable& connections_;
  Subscribers& subscribers_;
  LoopTime& loop_;
  Outboxes* boxes_ = nullptr;
  std::vector<Cut> box_cuts_;                   // since the last flush
  std::vector<io::Completion> sends_of_boxes_;  // in a flush: those that did not go whole
};

}  // namespace fanfare::server
