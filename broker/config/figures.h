// Figures: the limits in force as numbers, for /metrics, from the one table of keys: every key of
// [history], [delivery] and [limits] that is a number.
#pragma once

#include <vector>

#include "broker/server/base/admin_surface.h"
#include "broker/server/base/options.h"

namespace fanfare::config {

// "head_bytes", "head_time_seconds", "history_events", "delivery_stall_seconds", … in the order of
// the table. A count of 0 that stands for a word ("auto") is left out: the broker knows the number.
std::vector<server::LimitFigure> limit_figures(const server::Options& options);

}  // namespace fanfare::config
