#include "broker/admin/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>

namespace fanfare::admin {
namespace {

// The first bytes of a small file of /proc; empty if it cannot be read.
std::string_view read_small(const char* path, std::array<char, 4096>& buffer) {
  const int descriptor = ::open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return {};
  const ssize_t size = ::read(descriptor, buffer.data(), buffer.size());
  ::close(descriptor);
  return size <= 0 ? std::string_view{}
                   : std::string_view(buffer.data(), static_cast<std::size_t>(size));
}

// The `index`-th (from 0) number of a text of words separated by single spaces; 0 if there is none.
std::uint64_t number_at(std::string_view text, std::size_t index) {
  for (; index > 0; --index) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return 0;
    text.remove_prefix(space + 1);
  }
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::uint64_t line_number(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return 0;
  text.remove_prefix(at + key.size());
  const std::size_t digit = text.find_first_of("0123456789");
  return digit == std::string_view::npos ? 0 : number_at(text.substr(digit), 0);
}

Duration from_timeval(timeval value) {
  return std::chrono::seconds(value.tv_sec) + std::chrono::microseconds(value.tv_usec);
}

// Field 22 of /proc/self/stat is in ticks since the machine started; the name, field 2, may contain
// spaces and parentheses, so that counting begins after the last ')'.
std::int64_t start_unix_s(std::array<char, 4096>& buffer) {
  const std::string_view stat = read_small("/proc/self/stat", buffer);
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos) return 0;
  const auto ticks = static_cast<std::int64_t>(number_at(stat.substr(name_end + 2), 19));
  timespec now{};
  timespec up{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  ::clock_gettime(CLOCK_BOOTTIME, &up);
  return now.tv_sec - up.tv_sec + ticks / ::sysconf(_SC_CLK_TCK);
}

// memory.max of this process's cgroup (version 2) and of those above it; nothing where there is
// none. Inside a container the path is "/", and the container's own limit stands there.
std::uint64_t cgroup_memory_max(std::array<char, 4096>& buffer) {
  const std::string_view groups = read_small("/proc/self/cgroup", buffer);
  const std::size_t at = groups.find("0::/");
  std::string path = "/sys/fs/cgroup";
  const std::size_t top = path.size();
  if (at != std::string_view::npos) path += groups.substr(at + 3, groups.find('\n', at) - at - 3);
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  while (path.size() >= top) {
    const std::string_view text = read_small((path + "/memory.max").c_str(), buffer);
    const std::uint64_t bytes = number_at(text, 0);  // "max": 0
    if (bytes > 0) least = std::min(least, bytes);
    path.resize(path.rfind('/'));
  }
  return least;
}

std::uint64_t memory_max(std::array<char, 4096>& buffer, std::uint64_t page) {
  std::uint64_t least = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page;
  rlimit limit{};  // the kernel does not hold a process to it; it says how much is meant
  if (::getrlimit(RLIMIT_RSS, &limit) == 0) least = std::min<std::uint64_t>(least, limit.rlim_cur);
  return std::min(least, cgroup_memory_max(buffer));
}

}  // namespace

ProcessFigures read_process() {
  ProcessFigures figures;
  std::array<char, 4096> buffer;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::string_view statm = read_small("/proc/self/statm", buffer);
  figures.virtual_bytes = number_at(statm, 0) * page;
  figures.resident_bytes = number_at(statm, 1) * page;
  figures.memory_max = memory_max(buffer, page);
  figures.threads = line_number(read_small("/proc/self/status", buffer), "Threads:");
  figures.start_unix_s = start_unix_s(buffer);

  struct stat descriptors{};
  if (::stat("/proc/self/fd", &descriptors) == 0) {
    figures.descriptors = static_cast<std::uint64_t>(descriptors.st_size);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.descriptors_max = limit.rlim_cur;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    figures.cpu = from_timeval(usage.ru_utime) + from_timeval(usage.ru_stime);
  }
  return figures;
}

}  // namespace fanfare::admin
