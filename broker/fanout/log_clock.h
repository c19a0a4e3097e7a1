// LogClock: the time by which the log counts ages, of events and of idempotency keys. It begins at
// the wall clock, so that it can be written down and read again after a reboot, and then runs with
// the monotonic clock that it is handed: what happens to the wall clock meanwhile changes no age.
// After a restart it continues from where it stood. Only the wall clock can say how long the broker
// was away, and it may be wrong: it is believed between zero and a day, and the clock makes up for
// that time by running at twice the speed for as long.
//
// So whatever the wall clock does, an event stays for at least half of its age and at most all of
// it, counted in the time that the broker runs: a clock that is years ahead throws no history away,
// and one that is years behind keeps none for ever.
#pragma once

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>

#include "common/time.h"

namespace fanfare::fanout {

using WallTime = std::chrono::sys_time<Duration>;

// A reading of a LogClock: nanoseconds since 1970, but for the steps of the wall clock.
struct LogTime {
  std::int64_t nanoseconds = 0;

  std::int64_t whole_seconds() const { return nanoseconds / Duration(1s).count(); }

  friend constexpr auto operator<=>(LogTime, LogTime) = default;
  friend constexpr Duration operator-(LogTime a, LogTime b) {
    return Duration(a.nanoseconds - b.nanoseconds);
  }
  friend constexpr LogTime operator+(LogTime t, Duration d) { return {t.nanoseconds + d.count()}; }
  friend constexpr LogTime operator-(LogTime t, Duration d) { return {t.nanoseconds - d.count()}; }
};

class LogClock {
 public:
  static constexpr Duration kAwayMax = 24h;

  // Where a log's clock stands when the wall clock shows `wall`: to be kept with the log.
  struct Mark {
    LogTime log;
    WallTime wall;
  };

  // Shows the time that it is handed.
  LogClock() = default;
  // For a new log.
  LogClock(TimePoint now, WallTime wall)
      : begun_(now), began_at_{wall.time_since_epoch().count()} {}
  // For a log that continues after `last`.
  LogClock(const Mark& last, TimePoint now, WallTime wall)
      : begun_(now),
        began_at_(last.log),
        away_(std::clamp(wall - last.wall, Duration(0), kAwayMax)) {}

  // Never goes back while `now` does not.
  LogTime at(TimePoint now) const {
    const Duration up = now - begun_;
    return began_at_ + (up + std::min(up, away_));
  }
  Mark mark(TimePoint now, WallTime wall) const {
    return {.log = at(now), .wall = wall - (away_ - std::min(now - begun_, away_))};
  }

 private:
  TimePoint begun_;
  LogTime began_at_;
  Duration away_{0};  // still to be made up for when it began
};

}  // namespace fanfare::fanout
