#include "tests/sim/agenda.h"

#include <algorithm>

namespace fanfare::sim {

void Agenda::schedule(Duration after, Actor& actor, std::uint64_t what) {
  entries_.push({now_ + std::max(after, Duration(0)), made_++, &actor, what});
}

std::optional<TimePoint> Agenda::next_due() const {
  if (entries_.empty()) return std::nullopt;
  return entries_.top().due;
}

bool Agenda::step(TimePoint limit) {
  if (entries_.empty() || limit < entries_.top().due) {
    now_ = std::max(now_, limit);
    return false;
  }
  const Entry entry = entries_.top();
  entries_.pop();
  now_ = std::max(now_, entry.due);
  ++steps_;
  entry.actor->act(entry.what);
  return true;
}

}  // namespace fanfare::sim
