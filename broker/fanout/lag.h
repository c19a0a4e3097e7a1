// Lag: what lies between a place in the log and its head, of the channels of one feed.
#pragma once

#include <cstdint>

#include "broker/fanout/event_id.h"

#include "common/time.h"

namespace fanfare::fanout {

struct Lag {
  std::uint64_t events = 0;
  bool at_least = false;  // more channels have something new than were looked at
  Sequence next = 0;      // the first of these events; 0: there is none
  TimePoint committed;    // and about when that was committed
};

}  // namespace fanfare::fanout
