// Time as the broker uses it: one monotonic clock, read once per turn of the loop and handed down
// as a value. Nothing below floor 3 reads a clock itself, so that simulations own time.
#pragma once

#include <chrono>
#include <cstdint>

namespace fanfare {

using Duration = std::chrono::nanoseconds;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

// Rounded towards zero.
constexpr std::int64_t whole_seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}
// With their fraction, as they are shown.
constexpr double fractional_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// A reading of CLOCK_MONOTONIC (or of a simulation's clock); only differences have a meaning.
struct TimePoint {
  std::int64_t nanoseconds = 0;

  friend constexpr auto operator<=>(TimePoint, TimePoint) = default;
  friend constexpr Duration operator-(TimePoint a, TimePoint b) {
    return Duration(a.nanoseconds - b.nanoseconds);
  }
  friend constexpr TimePoint operator+(TimePoint t, Duration d) {
    return {t.nanoseconds + d.count()};
  }
  friend constexpr TimePoint operator-(TimePoint t, Duration d) {
    return {t.nanoseconds - d.count()};
  }
  // Since the clock's own zero.
  friend constexpr std::int64_t whole_seconds(TimePoint t) {
    return whole_seconds(Duration(t.nanoseconds));
  }
};

// CLOCK_MONOTONIC now. For io/ and for programs without a ring (clients, load tools).
TimePoint monotonic_now();

}  // namespace fanfare
