#include "broker/wire/http/date.h"

#include <fmt/format.h>

namespace fanfare::http {
namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

}  // namespace

void Date::tell(std::chrono::sys_seconds now) {
  if (told_ && now == now_) return;
  told_ = true;
  now_ = now;
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(now - day);
  const auto weekday = std::chrono::weekday(day).c_encoding();
  fmt::format_to_n(text_, kSize, "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                   kDays.substr(weekday * std::size_t{3}, 3), static_cast<unsigned>(date.day()),
                   kMonths.substr((static_cast<unsigned>(date.month()) - 1) * std::size_t{3}, 3),
                   static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                   time.seconds().count());
}

}  // namespace fanfare::http
