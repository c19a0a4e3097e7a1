#include "broker/journal/disk.h"

#include <cerrno>
#include <utility>

namespace fanfare::journal {

bool Fault::full() const {
  return error == ENOSPC || error == EDQUOT;
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : disk_(std::exchange(other.disk_, nullptr)), file_(other.file_) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  close();
  disk_ = std::exchange(other.disk_, nullptr);
  file_ = other.file_;
  return *this;
}

void OpenFile::close() {
  if (disk_ != nullptr) std::exchange(disk_, nullptr)->close(file_);
}

Result<OpenFile> open_file(Disk& disk, const std::string& name, bool make) {
  const auto file = disk.open(name, make);
  if (!file) return std::unexpected(file.error());
  return OpenFile(disk, *file);
}

Result<std::string> read_file(Disk& disk, const std::string& name) {
  const auto file = open_file(disk, name, /*make=*/false);
  if (!file) return std::unexpected(file.error());
  const auto size = disk.size(file->number());
  if (!size) return std::unexpected(size.error());
  std::string content(*size, '\0');
  if (auto read = disk.read(file->number(), 0, content); !read) {
    return std::unexpected(read.error());
  }
  return content;
}

Result<> replace_file(Disk& disk, const std::string& name, std::string_view content) {
  const std::string made = name + ".new";
  {
    const auto file = open_file(disk, made, /*make=*/true);
    if (!file) return std::unexpected(file.error());
    auto done = disk.truncate(file->number(), 0);
    if (done) done = disk.write(file->number(), 0, content);
    if (done) done = disk.flush(file->number());
    if (!done) return done;
  }
  if (auto renamed = disk.rename(made, name); !renamed) return renamed;
  return disk.flush_folder();
}

}  // namespace fanfare::journal
