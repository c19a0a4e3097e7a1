#include "bench/load/server_cost.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace fanfare::load {
namespace {

namespace fs = std::filesystem;

// The number behind `key` in a file of "Key:   123 kB" lines, in bytes.
std::uint64_t kilobytes_of(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return std::stoull(line.substr(key.size())) * 1024;
  }
  return 0;
}

void add_process(int pid, ServerCost& cost) {
  std::error_code error;
  for (const auto& task : fs::directory_iterator(fmt::format("/proc/{}/task", pid), error)) {
    std::ifstream schedstat(task.path() / "schedstat");
    std::uint64_t nanoseconds = 0;
    if (schedstat >> nanoseconds) cost.cpu_seconds += static_cast<double>(nanoseconds) / 1e9;
    std::ifstream children(task.path() / "children");
    for (int child = 0; children >> child;) add_process(child, cost);
  }
  cost.rss_bytes += kilobytes_of(fmt::format("/proc/{}/status", pid), "VmRSS:");
}

}  // namespace

ServerCost server_cost(int pid) {
  ServerCost cost;
  if (pid > 0) add_process(pid, cost);
  cost.slab_bytes = kilobytes_of("/proc/meminfo", "Slab:");
  return cost;
}

}  // namespace fanfare::load
