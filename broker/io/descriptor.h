// Descriptor: a file descriptor with an owner, which closes it.
#pragma once

#include <unistd.h>

#include <utility>

namespace fanfare::io {

// Move-only. -1 is none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {  // what it held goes with `other`
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  // Gives it up unclosed.
  int release() { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

}  // namespace fanfare::io
