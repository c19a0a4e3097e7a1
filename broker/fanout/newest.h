// Newest: a wish for the newest events of each channel, instead of all events from one place on: up
// to `through`, the newest `of_each` of each, or of channels that keep them the latest of each key;
// from there on, everything.
#pragma once

#include <cstdint>

#include "broker/fanout/cursor.h"

namespace fanfare::fanout {

struct Newest {
  std::uint32_t of_each = 0;  // 0: there is no such wish
  Sequence through = 0;
  bool of_keys = false;         // the latest of each key
  Sequence removals_after = 0;  // of keys: those that are newer are wanted, too
  // Beside keys: everything newer of channels that have none. A newcomer wants nothing of them.
  Sequence others_after = UINT64_MAX;

  bool wanted(Sequence at) const { return (of_each > 0 || of_keys) && at < through; }
};

// Where a subscriber with such a wish begins.
struct NewestStart {
  Cursor cursor;
  Newest newest;
  // There were more channels than it may have: it gets those that had events last.
  bool cut = false;
};

}  // namespace fanfare::fanout
