// Publisher: puts numbered, time-stamped events into the target, in any of the dialects, pipelined.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/load/target.h"

#include "common/time.h"

namespace fanfare::load {

class Publisher {
 public:
  // Connects; throws std::runtime_error with a sentence if it cannot. `event_bytes` of data each.
  Publisher(const Target& target, std::uint32_t channels, std::size_t event_bytes);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Appends one event on `channel` to what flush() sends. `stamp`: when it was meant to be sent;
  // latencies count from there, so that a server that holds its publisher up does not look fast.
  void add(std::uint32_t channel, TimePoint stamp);
  void add(std::uint32_t channel) { add(channel, monotonic_now()); }
  // Sends everything; may wait for the socket, and takes what acks there are meanwhile.
  void flush();
  // Takes acks until `count` in all have come, or no more come for 10 s (false).
  bool await_acks(std::uint64_t count);
  // Takes what acks there are.
  void take_acks() {
    while (take_acks(0)) continue;
  }
  std::uint64_t published() const { return published_; }
  std::uint64_t acked() const { return acked_; }
  std::uint64_t refused() const { return refused_; }

 private:
  bool take_acks(int timeout_ms);

  Target target_;
  int descriptor_ = -1;
  std::size_t event_bytes_;
  std::vector<std::uint64_t> numbers_;  // the last of each group of channels
  std::string padding_;
  std::string out_;
  std::string in_;
  std::uint64_t published_ = 0, acked_ = 0, refused_ = 0;
};

}  // namespace fanfare::load
