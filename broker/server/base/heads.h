// Heads: how far the log goes, three times.
//
//   appended  numbered, written and sealed in a batch. Only the lead knows of it.
//   durable   safe from whatever the operator wants it to be safe from (broker/server/base/gate.h).
//   told      posted to every shard: subscribers may see it and hold its ids, and an answer that
//             rests on it may leave.
//
//   appended >= durable >= told
//
// None ever falls. When the lead has sealed its turn, all that is durable is told; without a
// journal, all that is appended is durable, and the three are one number.
//
// Thread: the lead shard's. Other shards know of `told` only (Switchboard::head).
#pragma once

#include <cstdint>

#include "broker/fanout/event_id.h"

namespace fanfare::server {

// A place in the log: after one batch and before the next.
struct Head {
  // Batches up to here. What an ack waits for is counted in them, not in events: a turn that only
  // finished a channel is a batch, too.
  std::uint64_t batches = 0;
  fanout::Sequence sequence = 0;  // of the newest event in them
};

struct Heads {
  Head appended, durable, told;
  // What is appended and not told never will be (Gate::failure), and nothing more is appended.
  bool stopped = false;

  // An answer that was made now has to wait.
  bool waits() const { return told.batches < appended.batches && !stopped; }
};

}  // namespace fanfare::server
