// Agenda: simulated time. The clock moves only when the next entry is taken, so a second in which
// nothing happens costs nothing, and the same seed gives the same order of everything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>

#include "common/time.h"

namespace fanfare::sim {

// Anything that can be called when its time has come. Must outlive the agenda's last step.
class Actor {
 public:
  virtual ~Actor() = default;
  // `what` is the actor's own numbering.
  virtual void act(std::uint64_t what) = 0;
};

class Agenda {
 public:
  TimePoint now() const { return now_; }
  void schedule(Duration after, Actor& actor, std::uint64_t what);
  // When the next entry is due.
  std::optional<TimePoint> next_due() const;
  // Moves the clock to the next entry due at or before `limit` and runs it. False, with the clock
  // at `limit` (if that is later than now): there is none.
  bool step(TimePoint limit);
  std::uint64_t steps() const { return steps_; }

 private:
  struct Entry {
    TimePoint due;
    std::uint64_t order;  // entries due together run in the order of their making
    Actor* actor;
    std::uint64_t what;
    bool operator<(const Entry& other) const {
      return due != other.due ? other.due < due : other.order < order;
    }
  };

  TimePoint now_{1'000'000'000};
  std::priority_queue<Entry> entries_;
  std::uint64_t made_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace fanfare::sim
