// Pulse: the heartbeat checker. While nothing is published, an open stream must be sent something
// at least every heartbeat, and not much more often: each heartbeat costs a send to every
// subscriber there is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/time.h"

namespace fanfare::sim {

class Pulse {
 public:
  // Which heartbeat the stream may have been given; the same: exactly that one.
  struct Interval {
    Duration min{};
    Duration max{};
  };

  // Watches from now on; nothing is owed before.
  void begin(TimePoint now, Interval interval);
  // Any bytes of the stream arrived; so many heartbeats were among them.
  void told(TimePoint now, std::uint64_t heartbeats);
  // The stream or the calm is over.
  void end(TimePoint now);
  bool watching() const { return interval_.has_value(); }

  // What was wrong first; empty: nothing.
  const std::string& problem() const { return problem_; }

 private:
  void judge_silence(TimePoint now);

  std::optional<Interval> interval_;
  TimePoint told_{};
  std::optional<TimePoint> beat_;
  std::string problem_;
};

}  // namespace fanfare::sim
