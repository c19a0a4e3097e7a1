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

// A number as it is written: the fraction is kept apart, so that whole numbers stay exact beyond
// what a double holds.
struct Number {
  std::uint64_t whole = 0;
  double fraction = 0;
  std::string_view rest;  // what follows it
  std::errc error{};
};

Number read_number(std::string_view text) {
  Number number;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [after, error] = std::from_chars(begin, end, number.whole);
  number.rest = {after, static_cast<std::size_t>(end - after)};
  number.error = error;
  if (error != std::errc{} || !number.rest.starts_with('.')) return number;
  const auto [last, failed] =
      std::from_chars(after, end, number.fraction, std::chars_format::fixed);
  number.rest = {last, static_cast<std::size_t>(end - last)};
  number.error = failed;
  return number;
}

// number × unit; the error is a sentence.
template <std::size_t kCount>
std::expected<std::int64_t, std::string> parse_with_units(std::string_view text,
                                                          const std::array<Unit, kCount>& units,
                                                          std::string_view what,
                                                          std::string_view example) {
  const auto too_large = [&] {
    return std::unexpected(fmt::format("\"{}\" is too large for a {}", text, what));
  };
  const Number number = read_number(text);
  if (number.error == std::errc::result_out_of_range) return too_large();
  if (text.starts_with('-') && read_number(text.substr(1)).error == std::errc{}) {
    return std::unexpected(
        fmt::format("\"{}\" is negative; write a {} like {}", text, what, example));
  }
  if (number.error != std::errc{}) {
    return std::unexpected(
        fmt::format("\"{}\" is not a {}; write a number and a unit, like {}", text, what, example));
  }
  if (number.rest.empty()) {
    return std::unexpected(
        fmt::format("\"{}\" has no unit; write a {} like {}", text, what, example));
  }
  for (const Unit& unit : units) {
    if (unit.name != number.rest) continue;
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto factor = static_cast<std::uint64_t>(unit.factor);
    if (number.whole >= kMax / factor) return too_large();
    const auto fraction = std::llround(number.fraction * static_cast<double>(factor));
    return static_cast<std::int64_t>(number.whole * factor) + fraction;
  }
  return std::unexpected(
      fmt::format("\"{}\" has an unknown unit; write a {} like {}", text, what, example));
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
  if (const auto below = duration.count() % 1'000; below != 0) {
    std::string text = fmt::format("{}.{:03}", duration.count() / 1'000, below);
    text.resize(text.find_last_not_of('0') + 1);
    return text + "us";
  }
  return format_with_units(duration.count(), kDurationUnits, "s");
}

std::string format_size(std::uint64_t bytes) {
  return format_with_units(static_cast<std::int64_t>(bytes), kSizeUnits, "B");
}

}  // namespace fanfare
