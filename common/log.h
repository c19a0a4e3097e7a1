// The operator's log: one line a fact, on standard error, through spdlog. Call sites use fmt
// syntax. What a peer or the environment can repeat at will goes through Limit, so that a storm is
// one line a second with a count, not a full disk.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/time.h"

namespace fanfare::log {

enum class Level : std::uint8_t { debug, info, warn, error };

// Once, before the first line; the default is info.
void set_level(Level level);
Level level();
void write(Level level, std::string_view line);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (level() <= Level::debug)
    write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warn, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

// One per kind of line: lets one line through a second and counts the rest. Not thread-safe: each
// shard has its own.
class Limit {
 public:
  // The number of lines left out since the last one that was let through, or -1 if this one must be
  // left out too.
  std::int64_t admit(TimePoint now) {
    if (now < next_) {
      ++left_out_;
      return -1;
    }
    next_ = now + Duration(1'000'000'000);
    return std::exchange(left_out_, 0);
  }

 private:
  TimePoint next_{};
  std::int64_t left_out_ = 0;
};

// The note that such a line carries about those left out: empty if there were none.
std::string left_out_note(std::int64_t left_out);

}  // namespace fanfare::log
