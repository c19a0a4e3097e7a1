// A pool of receive buffers for the ring on epoll: a list names the free ones.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "broker/io/buffers.h"

#include "common/check.h"

namespace fanfare::io {

class EpollBuffers {
 public:
  // Pool p names its buffers from p * kNamesPerPool.
  static constexpr std::uint32_t kNamesPerPool = 32768;

  EpollBuffers(BufferPoolOptions options, std::uint32_t pool)
      : buffers_(options), first_name_(pool * kNamesPerPool) {
    for (std::uint32_t i = options.count; i > 0; --i) free_.push_back(i - 1);
  }

  bool valid() const { return buffers_.valid(); }
  bool empty() const { return free_.empty(); }
  // The buffer the next bytes go into; not empty().
  std::span<std::byte> next() const { return buffers_.at(free_.back()); }
  // Takes it; returns its name.
  std::uint32_t take() {
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return first_name_ + index;
  }
  void recycle(std::uint32_t name) {
    CHECK(name - first_name_ < buffers_.count() && free_.size() < buffers_.count(),
          "a buffer comes back once, to its own pool");
    free_.push_back(name - first_name_);
  }

 private:
  Buffers buffers_;
  std::uint32_t first_name_;
  std::vector<std::uint32_t> free_;
};

}  // namespace fanfare::io
