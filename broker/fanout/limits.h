// HistoryLimits: how much of a channel is kept. An event leaves as soon as one of them is exceeded.
// LogLimits: what all channels together may come to.
#pragma once

#include <cstdint>

#include "common/time.h"

namespace fanfare::fanout {

// 0 events: live only, no history.
struct HistoryLimits {
  std::uint32_t events = 1000;
  std::uint64_t bytes = 1U << 20U;
  Duration age = 1h;  // 0: no limit
  // Beside that, the latest event of each key stays, however old it is. Counts when a channel
  // appears, or is deleted.
  bool keep_latest = false;
  bool journal = true;  // where there is one, the channel's events are in it
  std::uint32_t keys_max = 100'000;
  std::uint64_t keys_bytes = 64U << 20U;  // of their latest events
};

// May change while the log is written: the sequencer reads it where it uses it.
struct LogLimits {
  std::uint64_t total_bytes = 256U << 20U;  // of segments
  std::uint32_t channels_max = 1'000'000;
  std::uint32_t keys_max = 100'000;  // idempotency keys that are remembered,
  Duration keys_age = 5min;          // and for how long
  // Another number: every channel is asked for its HistoryLimits anew.
  std::uint32_t revision = 0;
};

}  // namespace fanfare::fanout
