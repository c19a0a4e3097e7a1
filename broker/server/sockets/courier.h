// Courier: carries everything that is not an event stream: answers, acks, interim responses. The
// text stays with its owner (an exchange, a publisher) until the result says how much of it went.
// One text per connection between two flushes. An answer that rests on the log waits here until the
// log has been told so far.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "broker/io/ring.h"
#include "broker/server/base/heads.h"
#include "broker/server/base/loop_time.h"
#include "broker/server/sockets/connection.h"

namespace fanfare::server {

class Courier {
 public:
  // All outlive this. `heads` is the log's, as the lead shard writes it.
  Courier(io::Ring& ring, ConnectionTable& connections, LoopTime& loop, const Heads& heads)
      : ring_(ring), connections_(connections), loop_(loop), heads_(heads) {}

  struct Result {
    io::Slot slot = 0;
    std::uint32_t generation = 0;
    std::int32_t result = 0;  // bytes that went, all or fewer; or a negated errno other than "full"
  };

  enum class After : std::uint8_t {
    nothing,
    log,  // what was appended until now, which is sealed before the next flush(), has been told
  };
  // `text` is not empty, and stays where it is until its Result has come or the connection is
  // closed.
  void queue(io::Slot slot, std::string_view text, After after = After::nothing);
  // flush() would send something, or look at it for the first time.
  bool waiting() const {
    return !queued_.empty() || (!held_.empty() && held_.front().place <= heads_.told.batches);
  }
  // Sends what is queued to connections that are still open, in one submit of its own (the
  // completions of a send come back to the submit that issued it); appends a Result for each, and
  // other completions to `completions`.
  void flush(std::vector<io::Completion>& completions, std::vector<Result>& results);
  // What waits for the log will never be sent: whose it was.
  std::vector<io::Token> drop_held();

 private:
  io::Ring& ring_;
  ConnectionTable& connections_;
  LoopTime& loop_;
  const Heads& heads_;
  struct Queued {
    io::Token token;
    std::string_view text;
    After after{};
  };
  struct Held {
    io::Token token;
    std::string_view text;
    std::uint64_t place = 0;  // of the log (Head::batches); ascends from front to back
  };
  void send(io::Token token, std::string_view text, std::vector<Result>& results);

  std::vector<Queued> queued_;
  std::deque<Held> held_;
};

}  // namespace fanfare::server
