// Checkers: what a client may rely on, each as a function of what clients received and what
// publishers were told; nothing from inside the broker. A problem is a sentence; no problem is an
// empty list.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/ledger.h"
#include "tests/sim/transcript.h"

namespace fanfare::sim {

using Problems = std::vector<std::string>;

// order: places in the log increase strictly, over reconnections too, and every event lies where
// its publisher was told and belongs to the subscription.
Problems check_order(const Transcript& transcript, const Ledger& ledger);

// gap: whatever is missing before the newest thing heard lies in (after, resumed] of a gap that was
// told; and no gap is told where nothing is missing.
Problems check_gap(const Transcript& transcript, const Ledger& ledger);

// ack: a live subscription was sent every acknowledged event, or told of its loss; so was one that
// was told that its stream is complete.
Problems check_ack(const Transcript& transcript, const Ledger& ledger);

// What the live subscription must still receive before the world can be called quiet; empty: has
// all.
Problems missing_yet(const Transcript& transcript, const Ledger& ledger);

}  // namespace fanfare::sim
