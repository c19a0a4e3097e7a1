// A moment as JSON and logs write it (RFC 3339): "2026-11-27T09:30:00.125Z", UTC, milliseconds.
#pragma once

#include <chrono>
#include <string>

namespace fanfare {

// Cut, not rounded: what has happened is never written as later than it was.
std::string utc_text(std::chrono::sys_time<std::chrono::nanoseconds> time);

}  // namespace fanfare
