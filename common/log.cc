#include "common/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

#include "common/counted.h"

namespace fanfare::log {
namespace {

std::atomic<Level> current_level{Level::info};

spdlog::logger& logger() {
  // A function-local static: made at the first line, after main has started.
  static const std::shared_ptr<spdlog::logger> kLogger = [] {
    auto made = std::make_shared<spdlog::logger>(
        "fanfare", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *kLogger;
}

constexpr spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void set_level(Level level) {
  current_level.store(level, std::memory_order_relaxed);
}
Level level() {
  return current_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view line) {
  if (level < log::level()) return;
  logger().log(to_spdlog(level), "{}", line);
}

std::string left_out_note(std::int64_t left_out) {
  if (left_out <= 0) return {};
  return fmt::format(" ({} like it left out)", counted(left_out, "more line"));
}

}  // namespace fanfare::log
