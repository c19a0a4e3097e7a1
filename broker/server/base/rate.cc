#include "broker/server/base/rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/quotable.h"

namespace fanfare::server {
namespace {

constexpr std::uint32_t kCountMax = 1'000'000;

// The number that `text` begins with, which is removed; nothing if it is none from 1 to the most.
std::optional<std::uint32_t> take_count(std::string_view& text) {
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count == 0 || count > kCountMax) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return count;
}

std::optional<Duration> period_of(std::string_view word) {
  if (word == "s") return 1s;
  if (word == "min") return 1min;
  if (word == "h") return 1h;
  return std::nullopt;
}

std::optional<Rate> read(std::string_view text) {
  constexpr std::string_view kBurst = " burst ";
  const auto count = take_count(text);
  if (!count || !text.starts_with('/')) return std::nullopt;
  const std::size_t end = std::min(text.find(' '), text.size());
  const auto period = period_of(text.substr(1, end - 1));
  if (!period) return std::nullopt;
  text.remove_prefix(end);
  Rate rate{.count = *count, .period = *period, .burst = *count};
  if (text.empty()) return rate;
  if (!text.starts_with(kBurst)) return std::nullopt;
  text.remove_prefix(kBurst.size());
  const auto burst = take_count(text);
  if (!burst || !text.empty()) return std::nullopt;
  rate.burst = *burst;
  return rate;
}

}  // namespace

std::expected<Rate, std::string> parse_rate(std::string_view text) {
  if (text == "unlimited") return Rate{};
  if (const auto rate = read(text)) return *rate;
  return std::unexpected(
      fmt::format("\"{}\" is not a rate; write \"20/s\", \"600/min\" or \"1000/h\" (at most {} in "
                  "the time), with \"20/s burst 50\" for more at once, or \"unlimited\"",
                  quotable(text), kCountMax));
}

std::optional<Duration> wait_for(const Rate& rate, TimePoint& full_at, TimePoint now) {
  const Duration interval = rate.interval();
  const TimePoint from = std::max(full_at, now);
  const Duration beyond = (from - now) - interval * (rate.burst - 1);
  if (beyond > Duration(0)) return beyond;
  full_at = from + interval;
  return std::nullopt;
}

}  // namespace fanfare::server
