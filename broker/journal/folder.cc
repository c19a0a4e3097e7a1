#include "broker/journal/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace fanfare::journal {
namespace {

constexpr const char* kLock = "lock";

}  // namespace

std::string Folder::path(std::string_view name) const {
  return fmt::format("{}/{}", path_, name);
}

// What errno says.
std::unexpected<Fault> Folder::fault(std::string_view verb, std::string_view name) const {
  const int error = errno;
  return std::unexpected(
      Fault{.error = error,
            .sentence = fmt::format("cannot {} {}: {}", verb, name.empty() ? path_ : path(name),
                                    std::strerror(error))});
}

std::unexpected<Fault> Folder::fault_of(std::string_view verb, File file) const {
  const int error = errno;
  std::array<char, 4096> name{};
  const auto size =
      ::readlink(fmt::format("/proc/self/fd/{}", file).c_str(), name.data(), name.size());
  const std::string_view known(name.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return std::unexpected(
      Fault{.error = error,
            .sentence = fmt::format("cannot {} {}: {}", verb, known, std::strerror(error))});
}

Result<std::unique_ptr<Folder>> Folder::open(const std::string& path) {
  std::error_code made;
  std::filesystem::create_directories(path, made);
  if (made) {
    return std::unexpected(
        Fault{made.value(), fmt::format("cannot make the folder {}: {}", path, made.message())});
  }
  const int number = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::unique_ptr<Folder> folder(new Folder(path, number));
  if (number < 0) return folder->fault("open");
  if (auto locked = folder->lock(); !locked) return std::unexpected(locked.error());
  return folder;
}

// By flock: the kernel gives it back however the process ends.
Result<> Folder::lock() {
  lock_ = ::openat(folder_, kLock, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (lock_ < 0) return fault("open", kLock);
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return fault("lock", kLock);
  return std::unexpected(Fault{
      .error = EWOULDBLOCK,
      .sentence = fmt::format("another broker writes the journal in {}: each needs a folder of its "
                              "own ([journal] path)",
                              path_)});
}

Folder::~Folder() {
  if (lock_ >= 0) ::close(lock_);
  if (folder_ >= 0) ::close(folder_);
}

Result<Disk::File> Folder::open(const std::string& name, bool make) {
  const int flags = O_RDWR | O_CLOEXEC | (make ? O_CREAT : 0);
  const int file = ::openat(folder_, name.c_str(), flags, 0640);
  if (file < 0) return fault("open", name);
  return file;
}

void Folder::close(File file) {
  ::close(file);
}

Result<std::uint64_t> Folder::size(File file) {
  struct stat found{};
  if (::fstat(file, &found) != 0) return fault_of("look at", file);
  return static_cast<std::uint64_t>(found.st_size);
}

Result<> Folder::write(File file, std::uint64_t at, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto done = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return fault_of("write", file);
    bytes.remove_prefix(static_cast<std::size_t>(done));
    at += static_cast<std::uint64_t>(done);
  }
  return {};
}

Result<> Folder::read(File file, std::uint64_t at, std::span<char> to) {
  while (!to.empty()) {
    const auto done = ::pread(file, to.data(), to.size(), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done == 0) errno = EIO;  // it has become shorter
    if (done <= 0) return fault_of("read", file);
    to = to.subspan(static_cast<std::size_t>(done));
    at += static_cast<std::uint64_t>(done);
  }
  return {};
}

Result<> Folder::truncate(File file, std::uint64_t size) {
  if (::ftruncate(file, static_cast<off_t>(size)) != 0) return fault_of("truncate", file);
  return {};
}

Result<> Folder::flush(File file) {
  if (::fdatasync(file) != 0) return fault_of("flush", file);
  return {};
}

Result<> Folder::rename(const std::string& from, const std::string& to) {
  if (::renameat(folder_, from.c_str(), folder_, to.c_str()) != 0) return fault("rename", from);
  return {};
}

Result<> Folder::remove(const std::string& name) {
  if (::unlinkat(folder_, name.c_str(), 0) != 0) return fault("remove", name);
  return {};
}

Result<> Folder::flush_folder() {
  if (::fsync(folder_) != 0) return fault("flush");
  return {};
}

Result<std::vector<std::string>> Folder::names() {
  std::vector<std::string> found;
  std::error_code error;
  std::filesystem::directory_iterator entry(path_, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->path().filename() != kLock) found.push_back(entry->path().filename().string());
  }
  if (error) {
    return std::unexpected(
        Fault{error.value(), fmt::format("cannot list {}: {}", path_, error.message())});
  }
  return found;
}

}  // namespace fanfare::journal
