#include "broker/io/memory_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace fanfare::io {

std::expected<MemoryFile, std::error_code> MemoryFile::make() {
  Descriptor made(::memfd_create("fanfare", MFD_CLOEXEC));
  if (!made) return std::unexpected(std::error_code(errno, std::system_category()));
  return MemoryFile(std::move(made));
}

bool MemoryFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_.number(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::optional<MappedFile> MappedFile::map(const Descriptor& file) {
  struct stat about{};
  if (::fstat(file.number(), &about) != 0 || about.st_size <= 0) return std::nullopt;
  const auto size = static_cast<std::size_t>(about.st_size);
  void* const begin = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (begin == MAP_FAILED) return std::nullopt;
  return MappedFile({static_cast<const char*>(begin), size});
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace fanfare::io
