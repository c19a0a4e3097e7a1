// Packer and Unpacker: values written one after another, for another process of the same machine
// and build of numbers: native byte order, no names. What is read is believed only as far as it
// goes: an Unpacker never reads beyond its bytes, and remembers that it would have had to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace fanfare {

class Packer {
 public:
  // Appends to `out`, which outlives it.
  explicit Packer(std::string& out) : out_(out) {}

  template <class T>
    requires std::is_trivially_copyable_v<T>
  Packer& value(const T& what) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &what, sizeof(T));
    out_.append(bytes, sizeof(T));
    return *this;
  }
  Packer& text(std::string_view what) {
    value(std::uint64_t{what.size()});
    out_.append(what);
    return *this;
  }

 private:
  std::string& out_;
};

class Unpacker {
 public:
  // The bytes outlive it, and what text() returns.
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

  template <class T>
    requires std::is_trivially_copyable_v<T>
  T value() {
    if constexpr (std::is_same_v<T, bool>) return flag();
    T what{};
    const std::string_view bytes = take(sizeof(T));
    if (bytes.size() == sizeof(T)) std::memcpy(static_cast<void*>(&what), bytes.data(), sizeof(T));
    return what;
  }
  std::string_view text() { return take(value<std::uint64_t>()); }
  // So many bytes, or none if there are not as many.
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) {
      whole_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  // Everything that was asked for was there, and could be what it was taken for.
  bool whole() const { return whole_; }
  std::string_view rest() const { return rest_; }

 private:
  bool flag() {
    const auto byte = value<std::uint8_t>();
    if (byte > 1) whole_ = false;
    return byte == 1;
  }

  std::string_view rest_;
  bool whole_ = true;
};

}  // namespace fanfare
