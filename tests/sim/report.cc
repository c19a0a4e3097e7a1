#include "tests/sim/report.h"

#include <cstdio>
#include <cstring>

namespace fanfare::sim {

void Report::fail(TimePoint now, std::string problem) {
  constexpr std::size_t kProblemsMax = 20;
  if (tracing()) keep(now, "FAILED: " + problem);
  if (problems_.size() < kProblemsMax) problems_.push_back(std::move(problem));
}

void Report::keep(TimePoint now, std::string line) {
  if (lines_.size() == lines_max_) lines_.pop_front();
  lines_.push_back(fmt::format("{:12.6f} {}", static_cast<double>(now.nanoseconds) * 1e-9, line));
  if (live_) fmt::print(stderr, "{}\n", lines_.back());
}

void Report::observe(std::uint64_t fact) {
  digest_ = (digest_ ^ fact) * 0x100000001b3U;
}

std::uint64_t checksum(const void* bytes, std::size_t size) {
  const auto* at = static_cast<const char*>(bytes);
  std::uint64_t sum = 0xcbf29ce484222325U ^ size;
  for (; size >= sizeof(std::uint64_t); at += sizeof(std::uint64_t), size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    sum = (sum ^ word) * 0x9e3779b97f4a7c15U;
    sum ^= sum >> 32U;
  }
  std::uint64_t word = 0;
  if (size > 0) std::memcpy(&word, at, size);
  return (sum ^ word) * 0x9e3779b97f4a7c15U;
}

}  // namespace fanfare::sim
