// What `fanfare top` draws: one screen of text from two readings of /metrics. Pure.
#pragma once

#include <string>
#include <string_view>

#include "broker/cli/metrics_reading.h"

namespace fanfare::cli {

// Several lines, each ended by a line feed; `address` is named in the first.
std::string top_screen(std::string_view address, const MetricsReading& before,
                       const MetricsReading& after);
// The head of the other pages: three lines.
std::string top_summary(std::string_view address, const MetricsReading& before,
                        const MetricsReading& after);
// The same on one line, for logs and pipes: name=value pairs.
std::string top_line(const MetricsReading& before, const MetricsReading& after);

// Thousands as 12,345; from 10 million on as 12.3 M.
std::string readable_count(double count);
// 1.2 MiB, 640 B.
std::string readable_bytes(double bytes);
// 870 us, 1.2 ms, 3.4 s.
std::string readable_seconds(double seconds);

}  // namespace fanfare::cli
