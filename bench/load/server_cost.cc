#include "bench/load/server_cost.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
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

std::uint64_t number_behind(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  return at == std::string_view::npos ? 0 : std::strtoull(&text[at + key.size()], nullptr, 10);
}

}  // namespace

ServerCost server_cost(int pid) {
  ServerCost cost;
  if (pid > 0) add_process(pid, cost);
  cost.slab_bytes = kilobytes_of("/proc/meminfo", "Slab:");
  return cost;
}

std::uint64_t socket_bytes(std::uint16_t port) {
  const std::string command = fmt::format("ss -tmnHO sport = :{} 2>/dev/null", port);
  std::FILE* const output = ::popen(command.c_str(), "r");
  if (output == nullptr) return 0;
  std::uint64_t bytes = 0;
  char line[1024];
  while (std::fgets(line, sizeof line, output) != nullptr) {
    const std::string_view text(line);
    const std::size_t at = text.find("skmem:(r");
    if (at == std::string_view::npos) continue;
    const std::string_view memory = text.substr(at + 6);
    bytes +=
        number_behind(memory, "(r") + number_behind(memory, ",f") + number_behind(memory, ",w");
  }
  ::pclose(output);
  return bytes;
}

}  // namespace fanfare::load
