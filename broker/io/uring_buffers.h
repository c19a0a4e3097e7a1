// A pool of receive buffers that the kernel itself draws from: io_uring's provided-buffer ring. The
// ring (16 bytes a buffer, page-aligned, shared with the kernel) lies in front of the buffers.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <span>

#include "broker/io/buffers.h"

namespace fanfare::io {

class UringBuffers {
 public:
  // Buffers are named by 16 bits that come back in the completion; the group does not. So group g
  // names its own from g * kNamesPerGroup.
  static constexpr std::uint32_t kNamesPerGroup = 32768;

  UringBuffers(BufferPoolOptions options, std::uint16_t group)
      : buffers_(options, options.count * sizeof(io_uring_buf)), group_(group) {}

  // Registers the pool under its group and gives every buffer to the kernel. 0 or a negated errno.
  // Stays registered as long as the ring; must outlive it.
  int register_with(io_uring& ring);

  std::span<const std::byte> received(std::uint32_t name, std::size_t size) const {
    return buffers_.at(name % kNamesPerGroup).first(size);
  }
  // Gives a buffer back to the kernel.
  void recycle(std::uint32_t name);

 private:
  void offer(std::uint32_t index, int place);
  io_uring_buf_ring* shared() const {
    // NOLINTNEXTLINE(bugprone-casting-through-void): page-aligned memory that the kernel reads
    return static_cast<io_uring_buf_ring*>(static_cast<void*>(buffers_.head()));
  }

  Buffers buffers_;
  std::uint16_t group_;
};

}  // namespace fanfare::io
