// RingConformance: the fixture of ring_conformance.h. A ring, its peers, and a list of the
// completions that nobody has asked for yet.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/io/world.h"

namespace fanfare::io {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string text_of(const Completion& completion) {
  std::string text(completion.data.size(), '\0');
  if (!text.empty()) std::memcpy(text.data(), completion.data.data(), text.size());
  return text;
}

class RingConformance : public testing::TestWithParam<WorldFactory> {
 protected:
  static constexpr std::uint8_t kAccept = 1, kReceive = 2, kHangUp = 3, kWritable = 4, kSend = 5,
                                kClose = 6, kConnect = 7;

  // A connection with the slot it was adopted into.
  struct Connection {
    World::Peer peer;
    Slot slot;
  };

  void make_world(const RingOptions& options = {}) {
    world_ = GetParam()(options);
    ring_ = &world_->ring();
  }

  static Token token(std::uint8_t kind, std::uint32_t index, std::uint32_t generation = 0) {
    return {.kind = kind, .generation = generation, .index = index};
  }

  void collect() {
    std::vector<Completion> fresh;
    ring_->submit(fresh);
    for (const Completion& completion : fresh) seen_.push_back(completion);
  }
  // Turns the ring until `fact` holds; false if it does not within ten seconds.
  template <class Fact>
  bool until(Fact fact) {
    const TimePoint deadline = ring_->now() + 10s;
    for (;;) {
      if (fact()) return true;
      if (ring_->now() > deadline) return false;
      std::vector<Completion> fresh;
      ring_->wait(ring_->now() + 5ms, fresh);
      for (const Completion& completion : fresh) seen_.push_back(completion);
    }
  }
  bool has_seen(Token about) const {
    return std::ranges::find(seen_, about, &Completion::token) != seen_.end();
  }
  // Waits for the completion with this token and takes it out.
  Completion expect(Token about) {
    EXPECT_TRUE(until([&] { return has_seen(about); }))
        << "no completion of kind " << int{about.kind} << ", index " << about.index;
    const auto found = std::ranges::find(seen_, about, &Completion::token);
    if (found == seen_.end()) return {};
    const Completion completion = *found;
    seen_.erase(found);
    return completion;
  }
  // Lets the ring turn for a while in which nothing should come.
  void settle() {
    const TimePoint deadline = ring_->now() + 20ms;
    std::ignore = until([&] { return ring_->now() >= deadline; });
  }
  // Reads from the peer until `size` bytes have come or the stream has ended.
  std::string read(World::Peer peer, std::size_t size) {
    std::string bytes;
    std::ignore = until([&] {
      bytes += world_->read(peer, size - bytes.size());
      return bytes.size() == size || world_->end_of(peer) != World::End::open;
    });
    return bytes;
  }
  World::End end_of(World::Peer peer) {
    std::ignore = until([&] {
      std::ignore = world_->read(peer, 65536);
      return world_->end_of(peer) != World::End::open;
    });
    return world_->end_of(peer);
  }
  Connection connect(Slot slot) {
    if (!accepting_) ring_->accept(world_->listener(), token(kAccept, 0));
    accepting_ = true;
    const World::Peer peer = world_->connect();
    const Completion accepted = expect(token(kAccept, 0));
    EXPECT_GE(accepted.result, 0);
    EXPECT_TRUE(ring_->adopt(accepted.result, slot));
    return {.peer = peer, .slot = slot};
  }
  // Sends until nothing more fits; returns how many bytes went in.
  std::size_t fill(Slot slot) {
    const std::string block(65536, 'f');
    for (std::size_t sent = 0;;) {
      ring_->send(slot, bytes_of(block), token(kSend, slot));
      collect();
      if (!has_seen(token(kSend, slot))) {
        sent += block.size();
        continue;
      }
      const Completion cut = expect(token(kSend, slot));
      if (cut.result >= 0) {
        sent += static_cast<std::size_t>(cut.result);
        continue;
      }
      EXPECT_EQ(cut.result, -EAGAIN);
      return sent;
    }
  }

  void connect_to(World::Door door, Slot slot, std::uint32_t generation = 0) {
    ring_->connect(slot, world_->address_of(door), token(kConnect, slot, generation));
  }
  // The other end of a connection of the ring's own.
  World::Peer taken(World::Door door) {
    std::optional<World::Peer> peer;
    EXPECT_TRUE(until([&] { return peer || (peer = world_->take(door)); }));
    return peer.value_or(0);
  }

  std::unique_ptr<World> world_;
  Ring* ring_ = nullptr;
  std::deque<Completion> seen_;
  bool accepting_ = false;
};

}  // namespace fanfare::io
