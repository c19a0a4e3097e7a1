// StillRing: a Ring without a kernel, on which nothing ever happens. What needs a Ring but looks at
// one or two of its verbs only overrides those.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "broker/io/ring.h"

namespace fanfare::io {

class StillRing : public Ring {
 public:
  explicit StillRing(std::uint32_t capacity = 0) : capacity_(capacity) {}

  std::string_view name() const override { return "still"; }
  std::uint32_t capacity() const override { return capacity_; }
  TimePoint now() const override { return {1'000'000'000}; }
  void accept(int, Token) override {}
  void cancel_accept(Token) override {}
  void hold_handshakes(int) override {}
  void stop_listening(int, std::vector<int>&) override {}
  bool adopt(int, Slot) override { return true; }
  void refuse(int, std::string_view) override {}
  PeerAddress peer_of(int) override { return {}; }
  void connect(Slot, const PeerAddress&, Token) override {}
  int lend(Slot) override { return -1; }
  void receive(Slot, Token, BufferClass) override {}
  void recycle(const Completion&) override {}
  void poll(Slot, Interest, Token) override {}
  void send(Slot, std::span<const std::byte>, Token) override {}
  void shutdown_write(Slot) override {}
  void close(Slot, std::span<const Token>, Token, bool) override {}
  void submit(std::vector<Completion>&) override {}
  void wait(TimePoint, std::vector<Completion>&) override {}
  void wake() override {}

 private:
  std::uint32_t capacity_;
};

}  // namespace fanfare::io
