#include "broker/config/file_watch.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace fanfare::config {
namespace {

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileWatch::Stamp FileWatch::stamp(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {.path = path, .error = errno};
  return {.path = path,
          .device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .written_ns = nanoseconds(status.st_mtim),
          .changed_ns = nanoseconds(status.st_ctim)};
}

std::vector<FileWatch::Stamp> FileWatch::stamps(const std::vector<std::string>& paths) {
  std::vector<Stamp> found;
  found.reserve(paths.size());
  for (const std::string& path : paths) found.push_back(stamp(path));
  return found;
}

void FileWatch::know(const std::vector<std::string>& paths) {
  known_ = seen_ = stamps(paths);
}

bool FileWatch::changed(const std::vector<std::string>& paths) {
  std::vector<Stamp> now = stamps(paths);
  const bool rests = now == std::exchange(seen_, now);
  if (!rests || now == known_) return false;
  known_ = std::move(now);
  return true;
}

}  // namespace fanfare::config
