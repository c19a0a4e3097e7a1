#include "common/utc_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace fanfare {

std::string utc_text(std::chrono::sys_time<std::chrono::nanoseconds> time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::floor<std::chrono::milliseconds>(time - second);
  return fmt::format("{:%FT%T}.{:03}Z", second, rest.count());
}

}  // namespace fanfare
