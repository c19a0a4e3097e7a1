// Cursor: where a subscriber that is behind stands in the log, and which of its feed's losses it
// knows of. The second half matters to a subscriber of several channels: the busy one may have
// evicted up to 100 while the quiet one still holds event 50 for a subscriber that stands at 20. It
// is sent the gap once, then reads on from 49, and is not sent a gap for the same loss at 50; but
// if the quiet channel now evicts 60, it is sent another.
#pragma once

#include <cstdint>

#include "broker/fanout/event_id.h"

namespace fanfare::fanout {

struct Cursor {
  Sequence at = 0;  // everything up to here was received, or covered by a gap
  // How many losses of its feed were known when the cursor was made (losses.h). Means nothing to
  // another feed, or to this one after it was released.
  std::uint64_t losses_known = 0;
  std::uint64_t thinnings_known = 0;  // the same, of its thinnings (feed.h)

  Cursor() = default;
  // A bare place in the log, as a client presents it: no loss is known. Implicit on purpose.
  Cursor(Sequence sequence) : at(sequence) {}
  Cursor(Sequence sequence, std::uint64_t losses, std::uint64_t thinnings = 0)
      : at(sequence), losses_known(losses), thinnings_known(thinnings) {}
};

// What a client can no longer get: some of the events in (after, resumed].
struct Gap {
  Sequence after = 0;
  Sequence resumed = 0;
  // Continue reading from here: the newest place that every event still left, and newer than
  // `after`, follows. `cursor.at` is also the id that the gap event carries; it may be older than
  // `resumed` when one channel lost more than another.
  Cursor cursor;
  // Nothing but events that were not the latest of their keys: reading goes on where it stood.
  bool thinned = false;
  // Removals of keys are among them: what follows does not say which keys are gone.
  bool removals = false;
};

}  // namespace fanfare::fanout
