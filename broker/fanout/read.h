// Read: what a member that is behind gets next, and where it stands then.
#pragma once

#include <cstdint>
#include <optional>

#include "broker/fanout/cursor.h"
#include "broker/fanout/span.h"

namespace fanfare::fanout {

struct Read {
  std::optional<Gap> gap;       // set: nothing was read; report the gap, continue from gap->cursor
  Span span;                    // at most bytes_max, but at least one event if there is one to send
  std::uint32_t conflated = 0;  // events of the span that are there as the latest of their keys
  Cursor cursor;                // where the member stands once the span is sent
  bool caught_up = false;  // cursor.at == target(feed): join() may follow once the span is sent
  // The cursor is beyond target(feed): this shard has not applied that much yet, or a round that
  // will get there is on its way. Read again after the next apply() or round.
  bool ahead = false;
};

}  // namespace fanfare::fanout
