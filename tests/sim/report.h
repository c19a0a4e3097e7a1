// Report: what went wrong in one simulated world, and what happened before. A world runs on after a
// failure is noted (the first one counts); the trace is kept only when asked for, because a failing
// seed is simply run again with it.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/time.h"

namespace fanfare::sim {

class Report {
 public:
  // Keep the last `lines` lines of trace; 0: none. `live`: print them as they come, too.
  explicit Report(std::size_t lines = 0, bool live = false)
      : lines_max_(live && lines == 0 ? 1 : lines), live_(live) {}

  void fail(TimePoint now, std::string problem);
  bool failed() const { return !problems_.empty(); }
  const std::vector<std::string>& problems() const { return problems_; }

  bool tracing() const { return lines_max_ > 0; }
  template <class... Args>
  void trace(TimePoint now, fmt::format_string<Args...> format, Args&&... args) {
    if (tracing()) keep(now, fmt::format(format, std::forward<Args>(args)...));
  }
  const std::deque<std::string>& lines() const { return lines_; }

  // Mixed into a digest of everything that was seen: two runs of one seed must agree.
  void observe(std::uint64_t fact);
  std::uint64_t digest() const { return digest_; }

 private:
  void keep(TimePoint now, std::string line);

  std::size_t lines_max_;
  bool live_;
  std::deque<std::string> lines_;
  std::vector<std::string> problems_;
  std::uint64_t digest_ = 0xcbf29ce484222325U;
};

// FNV-1a, eight bytes at a time: detects bytes that changed.
std::uint64_t checksum(const void* bytes, std::size_t size);

}  // namespace fanfare::sim
