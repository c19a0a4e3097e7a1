// Rate: how often something may happen: so many times a second, minute or hour, of which some may
// come at once. Each time takes its share of the period (a leaky bucket, GCRA): what was not used
// fills up again by itself, and no clock has to tick for it.
//
// Pure functions over values.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "common/time.h"

namespace fanfare::server {

struct Rate {
  std::uint32_t count = 0;  // 0: there is no limit
  Duration period{};
  std::uint32_t burst = 0;  // that many at once

  bool limited() const { return count > 0; }
  Duration interval() const { return period / count; }
  friend bool operator==(const Rate&, const Rate&) = default;
};

// "20/s", "600/min", "1000/h", which may be followed by " burst 50" (else the whole count may come
// at once); "unlimited". The error is a sentence that says what would be right.
std::expected<Rate, std::string> parse_rate(std::string_view text);

// `full_at` is when everything that was used will have filled up again. Nothing: it may happen now,
// and has been counted. Otherwise how long until it may; it was not counted.
std::optional<Duration> wait_for(const Rate& rate, TimePoint& full_at, TimePoint now);

}  // namespace fanfare::server
