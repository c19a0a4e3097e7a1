// HistoryLimits: how much of a channel is kept. An event leaves as soon as one of them is exceeded.
#pragma once

#include <cstdint>

#include "common/time.h"

namespace fanfare::fanout {

// 0 events: live only, no history.
struct HistoryLimits {
  std::uint32_t events = 1000;
  std::uint64_t bytes = 1U << 20U;
  Duration age = 1h;  // 0: no limit
};

}  // namespace fanfare::fanout
