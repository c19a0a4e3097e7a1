// Round: a slice of the work that the Replica hands out: one span, and the members of one feed that
// are to be sent it next.
#pragma once

#include <span>

#include "broker/fanout/members.h"
#include "broker/fanout/span.h"

#include "common/time.h"

namespace fanfare::fanout {

class Feed;

struct Round {
  Feed* feed = nullptr;
  Span span;  // no bytes: nothing to send, only `ends`, or not even that (then no members)
  // Valid until the next call of any non-const member function of the Replica.
  std::span<const Member> members;
  // After the span these members are to leave: their stream is complete, or they have lost
  // something that a round cannot say (then there is no span).
  bool ends = false;
  TimePoint committed;  // of the oldest batch in the span, for the latency histogram
};

}  // namespace fanfare::fanout
