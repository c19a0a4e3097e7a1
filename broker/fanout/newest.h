// Newest: a wish for the newest events of each channel, instead of all events from one place on: up
// to `through`, the newest `of_each` of each; from there on, everything.
#pragma once

#include <cstdint>

#include "broker/fanout/cursor.h"

namespace fanfare::fanout {

struct Newest {
  std::uint32_t of_each = 0;  // 0: there is no such wish
  Sequence through = 0;

  bool wanted(Sequence at) const { return of_each > 0 && at < through; }
};

// Where a subscriber with such a wish begins.
struct NewestStart {
  Cursor cursor;
  Newest newest;
  // There were more channels than it may have: it gets those that had events last.
  bool cut = false;
};

}  // namespace fanfare::fanout
