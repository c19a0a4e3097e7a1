// NullRing: a Ring without a kernel, for measuring what is above the seam. Every send succeeds; it
// writes down what an io_uring would write into a submission (64 bytes), and no more.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tests/io/still_ring.h"

namespace fanfare::bench {

class NullRing final : public io::StillRing {
 public:
  explicit NullRing(std::uint32_t capacity) : StillRing(capacity) {}

  void send(io::Slot slot, std::span<const std::byte> bytes, io::Token token) override {
    submissions_[sends_++ % submissions_.size()] = {slot, bytes, token.pack(), {}};
  }

  std::uint64_t sends() const { return sends_; }

 private:
  struct alignas(64) Submission {
    io::Slot slot = 0;
    std::span<const std::byte> bytes;
    std::uint64_t token = 0;
    std::uint64_t rest[2] = {};
  };

  std::uint64_t sends_ = 0;
  std::array<Submission, 256> submissions_{};
};

}  // namespace fanfare::bench
