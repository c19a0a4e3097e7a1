// Durations and sizes as people write them in broker.toml and on the command line: "15s", "100ms",
// "2h", "64KiB", "1MiB". A bare number is refused, because people disagree about its unit.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/time.h"

namespace fanfare {

// Units us, ms, s, min (or m), h, d; a decimal fraction is allowed ("1.5s"). The error is a
// sentence that says what would be right.
std::expected<Duration, std::string> parse_duration(std::string_view text);

// Units B, KB, MB, GB (powers of 1000) and KiB, MiB, GiB (powers of 1024).
std::expected<std::uint64_t, std::string> parse_size(std::string_view text);

// Exact: parses back to the same. In the largest unit that leaves no remainder: "15s", "100ms",
// "64KiB".
std::string format_duration(Duration duration);
std::string format_size(std::uint64_t bytes);

}  // namespace fanfare
