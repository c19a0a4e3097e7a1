// Pacer: publishes at given times, whatever the server does (an open loop). Each event is stamped
// with the time at which it was due, not with the time at which there was room for it: else a
// server that blocks its publisher would hide its worst latencies ("co-ordinated omission").
#pragma once

#include <cstdint>

#include "bench/load/publisher.h"

#include "common/time.h"

namespace fanfare::load {

class Pacer {
 public:
  // `rate` events a second from now on, over the channels in turn.
  Pacer(Publisher& publisher, double rate, std::uint32_t channels)
      : publisher_(publisher), rate_(rate), channels_(channels), start_(monotonic_now()) {}

  // Publishes what is due.
  void step() {
    const TimePoint now = monotonic_now();
    bool any = false;
    for (TimePoint due = next(); due <= now; due = next(), any = true) {
      publisher_.add(static_cast<std::uint32_t>(count_++ % channels_), due);
    }
    if (!any) return;
    publisher_.flush();
    publisher_.take_acks();
  }
  std::uint64_t count() const { return count_; }

 private:
  TimePoint next() const {
    return start_ + Duration(static_cast<std::int64_t>(static_cast<double>(count_) * 1e9 / rate_));
  }

  Publisher& publisher_;
  double rate_;
  std::uint32_t channels_;
  TimePoint start_;
  std::uint64_t count_ = 0;
};

}  // namespace fanfare::load
