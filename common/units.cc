#include "common/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace fanfare {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::array kDurationUnits{Unit{"d", 86'400 * kSecond},
                                    Unit{"h", 3'600 * kSecond},
                                    Unit{"min", 60 * kSecond},
                                    Unit{"m", 60 * kSecond},
                                    Unit{"s", kSecond},
                                    Unit{"ms", 1'000'000},
                                    Unit{"us", 1'000}};
constexpr std::array kSizeUnits{Unit{"GiB", 1LL << 30},
                                Unit{"MiB", 1LL << 20},
                                Unit{"KiB", 1LL << 10},
                                Unit{"GB", 1'000'000'000},
                                Unit{"MB", 1'000'000},
                                Unit{"KB", 1'000},
                                Unit{"B", 1}};

// number × unit, or nothing if the text is not of that form or does not fit.
template <std::size_t kCount>
std::expected<std::int64_t, std::string> parse_with_units(std::string_view text,
                                                          const std::array<Unit, kCount>& units,
                                                          std::string_view what,
                                                          std::string_view example) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  const std::string_view unit_name(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc{} || !(number >= 0)) {  // from_chars also reads "nan"
    return std::unexpected(
        fmt::format("\"{}\" is not a {}; write a number and a unit, like {}", text, what, example));
  }
  if (unit_name.empty()) {
    return std::unexpected(
        fmt::format("\"{}\" has no unit; write a {} like {}", text, what, example));
  }
  for (const Unit& unit : units) {
    if (unit.name != unit_name) continue;
    const double value = number * static_cast<double>(unit.factor);
    if (value >= 9.2e18) {
      return std::unexpected(fmt::format("\"{}\" is too large for a {}", text, what));
    }
    return static_cast<std::int64_t>(std::llround(value));
  }
  return std::unexpected(
      fmt::format("\"{}\" has no unit of a {}; write one like {}", text, what, example));
}

template <std::size_t kCount>
std::string format_with_units(std::int64_t value, const std::array<Unit, kCount>& units,
                              std::string_view smallest) {
  if (value == 0) return fmt::format("0{}", smallest);
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.name);
  }
  return fmt::format("{}{}", value, smallest);
}

}  // namespace

std::expected<Duration, std::string> parse_duration(std::string_view text) {
  const auto value =
      parse_with_units(text, kDurationUnits, "duration", R"("15s", "100ms" or "2h")");
  if (!value) return std::unexpected(value.error());
  return Duration(*value);
}

std::expected<std::uint64_t, std::string> parse_size(std::string_view text) {
  const auto value = parse_with_units(text, kSizeUnits, "size", R"("64KiB", "1MiB" or "2GB")");
  if (!value) return std::unexpected(value.error());
  return static_cast<std::uint64_t>(*value);
}

std::string format_duration(Duration duration) {
  if (duration.count() % 1'000 != 0) {
    return fmt::format("{}us", static_cast<double>(duration.count()) / 1'000);
  }
  return format_with_units(duration.count(), kDurationUnits, "s");
}

std::string format_size(std::uint64_t bytes) {
  return format_with_units(static_cast<std::int64_t>(bytes), kSizeUnits, "B");
}

}  // namespace fanfare
