// Courier: carries everything that is not an event stream: answers, acks, interim responses. The
// text stays with its owner (an exchange, a publisher) until the result says how much of it went.
// One text per connection between two flushes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/io/ring.h"
#include "broker/server/base/loop_time.h"
#include "broker/server/sockets/connection.h"

namespace fanfare::server {

class Courier {
 public:
  Courier(io::Ring& ring, ConnectionTable& connections, LoopTime& loop)
      : ring_(ring), connections_(connections), loop_(loop) {}

  struct Result {
    io::Slot slot = 0;
    std::uint32_t generation = 0;
    std::int32_t result = 0;  // bytes that went, all or fewer; or a negated errno other than "full"
  };

  // `text` is not empty, and stays where it is until flush() has returned or the connection is
  // closed.
  void queue(io::Slot slot, std::string_view text);
  bool waiting() const { return !queued_.empty(); }
  // Sends what is queued to connections that are still open, in one submit of its own (whoever
  // submits hears what the ring says of the sends); appends a Result for each, and other
  // completions to `completions`.
  void flush(std::vector<io::Completion>& completions, std::vector<Result>& results);

 private:
  io::Ring& ring_;
  ConnectionTable& connections_;
  LoopTime& loop_;
  struct Queued {
    io::Token token;
    std::string_view text;
  };
  std::vector<Queued> queued_;
};

}  // namespace fanfare::server
