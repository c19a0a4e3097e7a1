#include "tests/sim/pulse.h"

#include <fmt/format.h>

#include <algorithm>

namespace fanfare::sim {
namespace {

// Ticks of 100 ms, and the way to the reader.
constexpr Duration kSlack = 300ms;
// A heartbeat comes up to an eighth early, by chance, and up to a second early, because a
// connection is looked at once a second.
constexpr Duration kAheadMax = 1s;
constexpr Duration kLeast = 900ms;

}  // namespace

void Pulse::begin(TimePoint now, Interval interval) {
  interval_ = interval;
  told_ = now;
  beat_.reset();
}

void Pulse::told(TimePoint now, std::uint64_t heartbeats) {
  if (!interval_) return;
  judge_silence(now);
  told_ = now;
  if (heartbeats == 0) return;
  const Duration least = std::max<Duration>(kLeast, interval_->min * 7 / 8 - kAheadMax) - kSlack;
  const bool often = heartbeats > 1 || (beat_ && now - *beat_ < least);
  if (often && problem_.empty()) {
    problem_ = fmt::format("was sent {} heartbeats {} ms after the one before; due every {} ms",
                           heartbeats, beat_ ? (now - *beat_) / 1ms : 0, interval_->min / 1ms);
  }
  beat_ = now;
}

void Pulse::end(TimePoint now) {
  if (!interval_) return;
  judge_silence(now);
  interval_.reset();
}

void Pulse::judge_silence(TimePoint now) {
  if (!problem_.empty() || now - told_ <= interval_->max + kSlack) return;
  problem_ = fmt::format("was told nothing for {} ms; a heartbeat is due every {} ms",
                         (now - told_) / 1ms, interval_->max / 1ms);
}

}  // namespace fanfare::sim
