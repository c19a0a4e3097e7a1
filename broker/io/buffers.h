// Buffers: the memory of one pool of receive buffers, `count` of `size` bytes, mapped as one piece
// and touched only as deep as it is used. Their user keeps track of which are free: the kernel
// (io/uring_buffers) or a list (io/epoll).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "broker/io/backend.h"

namespace fanfare::io {

class Buffers {
 public:
  // Maps `head_size` further bytes in front, page-aligned, for the owner's own use. CHECKs the
  // options; valid() is false if there is no memory.
  explicit Buffers(BufferPoolOptions options, std::size_t head_size = 0);
  ~Buffers();
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;

  bool valid() const { return memory_ != nullptr; }
  std::uint32_t count() const { return options_.count; }
  std::uint32_t size() const { return options_.size; }
  std::byte* head() const { return memory_; }
  std::span<std::byte> at(std::uint32_t index) const {
    return {memory_ + head_size_ + std::size_t{index} * options_.size, options_.size};
  }

 private:
  BufferPoolOptions options_;
  std::size_t head_size_;  // whole pages
  std::size_t mapped_size_;
  std::byte* memory_ = nullptr;
};

}  // namespace fanfare::io
