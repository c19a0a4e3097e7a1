// NullRing: a Ring without a kernel, for measuring what is above the seam. Every send succeeds; it
// writes down what an io_uring would write into a submission (64 bytes), and no more.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "broker/io/ring.h"

namespace fanfare::bench {

class NullRing final : public io::Ring {
 public:
  explicit NullRing(std::uint32_t capacity) : capacity_(capacity) {}

  std::string_view name() const override { return "null"; }
  std::uint32_t capacity() const override { return capacity_; }
  TimePoint now() const override { return {1'000'000'000}; }
  void accept(int, io::Token) override {}
  void cancel_accept(io::Token) override {}
  void hold_handshakes(int) override {}
  void stop_listening(int, std::vector<int>&) override {}
  bool adopt(int, io::Slot) override { return true; }
  void refuse(int) override {}
  io::PeerAddress peer_of(int) override { return {}; }
  void receive(io::Slot, io::Token, io::BufferClass) override {}
  void recycle(const io::Completion&) override {}
  void poll(io::Slot, io::Interest, io::Token) override {}
  void send(io::Slot slot, std::span<const std::byte> bytes, io::Token token) override {
    submissions_[sends_++ % submissions_.size()] = {slot, bytes, token.pack(), {}};
  }
  void shutdown_write(io::Slot) override {}
  void close(io::Slot, std::span<const io::Token>, io::Token, bool) override {}
  void submit(std::vector<io::Completion>&) override {}
  void wait(TimePoint, std::vector<io::Completion>&) override {}
  void wake() override {}

  std::uint64_t sends() const { return sends_; }

 private:
  struct alignas(64) Submission {
    io::Slot slot = 0;
    std::span<const std::byte> bytes;
    std::uint64_t token = 0;
    std::uint64_t rest[2] = {};
  };

  std::uint32_t capacity_;
  std::uint64_t sends_ = 0;
  std::array<Submission, 256> submissions_{};
};

}  // namespace fanfare::bench
