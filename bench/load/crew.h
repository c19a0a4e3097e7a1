// Crew: the worker processes of one run and the board they share. Processes, not threads: each has
// its own descriptor limit, and a server's CPU time is not mixed with theirs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "bench/load/board.h"
#include "bench/load/target.h"

#include "common/time.h"

namespace fanfare::load {

class Crew {
 public:
  struct Options {
    double stalled = 0;   // the share of connections that Order::hold stops
    bool narrow = false;  // one stream on each connection until widen()
  };
  // Forks enough workers for so many subscribers, which begin to connect at once. Subscriber i
  // listens to the channels of group i % groups; `target.streams` of them share a connection.
  Crew(const Target& target, std::uint32_t subscribers, std::uint32_t groups, Options options);
  Crew(const Target& target, std::uint32_t subscribers, std::uint32_t groups)
      : Crew(target, subscribers, groups, Options()) {}
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  Board& board() { return *board_; }
  std::uint32_t connections() const { return connections_; }
  // The other streams of each connection.
  void widen();
  void order(Order order);
  // Waits until `done()`; reports progress with `what` on a terminal. False after `limit`.
  template <class Done>
  bool wait(std::string_view what, Duration limit, Done&& done) {
    const TimePoint deadline = monotonic_now() + limit;
    while (!done()) {
      if (monotonic_now() > deadline || !pause(what)) return false;
    }
    return true;
  }
  // Every stream open that is to be. Throws std::runtime_error that says how many were refused, or
  // ended by the server (some tell a client to come back later in a stream that they end at once).
  void await_connected();
  // Streams that the server ended since the last reconnect was ordered.
  std::uint64_t ended() const;
  std::uint64_t events() const { return board_->sum(&WorkerRow::events); }
  void clear_latency();
  // For all workers together.
  void latency_into(Histogram& histogram) const;

 private:
  bool pause(std::string_view what);

  Board* board_ = nullptr;
  const std::uint32_t subscribers_;
  const std::uint32_t connections_;
  std::uint32_t wanted_;            // streams
  std::uint64_t ended_before_ = 0;  // streams, when the last reconnect was ordered
  std::vector<pid_t> workers_;
  TimePoint shown_{};
};

}  // namespace fanfare::load
