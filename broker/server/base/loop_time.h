// LoopTime: where the time of one shard's loop goes. A turn is what happens between two waits; its
// time is read off the ring's clock at the end of each step that had something to do, five times in
// a busy turn. Whether steps are bounded shows in /metrics, and in a line of the log that names the
// longest step of a turn over 100 ms.
//
// Thread: the shard's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/io/ring.h"
#include "broker/server/base/counters.h"

#include "common/log.h"
#include "common/time.h"

namespace fanfare::server {

enum class TurnStep : std::uint8_t {
  completions,  // what the kernel brought: requests, publishes, hang-ups
  mailbox,      // what other shards posted: the log, attendance
  time,         // the sweep, heartbeats, ages, once a second the snapshot and the live page
  seal,         // the lead's batch
  answers,
  streams,  // rounds, and subscribers that are behind
};
inline constexpr std::size_t kTurnSteps = 6;
std::string_view name_of(TurnStep step);

inline constexpr Duration kLongTurn = 100ms;

class LoopTime {
 public:
  explicit LoopTime(const io::Ring& ring) : ring_(ring), step_began_(ring.now()) {}

  // wait() has returned.
  void turn_begins(TimePoint now);
  // The step is over; its time counts from the end of the step before.
  void step_ends(TurnStep step);
  // What follows the last step is not measured. `shard` is for the log.
  void turn_ends(std::uint32_t shard);

  // What the kernel takes to carry out a batch of sends, which happens inside of a step.
  void submit_begins() { submit_began_ = ring_.now(); }
  void submit_ends() { times_.submitting += ring_.now() - submit_began_; }

  const LoopTimes& times() const { return times_; }

 private:
  const io::Ring& ring_;
  LoopTimes times_;
  TimePoint began_{};
  TimePoint step_began_{};  // when the step before ended, or the wait
  TimePoint submit_began_{};
  std::array<Duration, kTurnSteps> steps_{};
  // The longest turn of this half minute and of the one before it.
  Duration longest_now_{};
  Duration longest_before_{};
  TimePoint half_minute_{};
  log::Limit long_turn_log_;
};

}  // namespace fanfare::server
