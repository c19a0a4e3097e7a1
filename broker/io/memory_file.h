// MemoryFile: a file without a name, in memory, by which a process hands another one bytes that are
// too many for a message (memfd_create(2)).
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "broker/io/descriptor.h"

namespace fanfare::io {

class MemoryFile {
 public:
  // Empty. Or why not: the machine has none to give, or a sandbox forbids the call.
  static std::expected<MemoryFile, std::error_code> make();

  int descriptor() const { return descriptor_.number(); }
  // Appends. False: there is no memory left for it.
  bool write(std::string_view bytes);

 private:
  explicit MemoryFile(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  Descriptor descriptor_;
};

// All bytes of such a file, for as long as this lives.
class MappedFile {
 public:
  // Nothing: it is empty, or cannot be mapped.
  static std::optional<MappedFile> map(const Descriptor& file);
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();

  std::string_view bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}

  std::string_view bytes_;
};

}  // namespace fanfare::io
