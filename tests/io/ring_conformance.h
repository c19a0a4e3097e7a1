// What every ring promises, written once. A test program includes this file and says
//   INSTANTIATE_TEST_SUITE_P(Uring, RingConformance, testing::Values(factory));
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
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
                                kClose = 6;

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

  std::unique_ptr<World> world_;
  Ring* ring_ = nullptr;
  std::deque<Completion> seen_;
  bool accepting_ = false;
};

// ---- accept

TEST_P(RingConformance, AcceptsEveryConnectionAndNamesItsPeer) {
  make_world();
  ring_->accept(world_->listener(), token(kAccept, 7));
  for (Slot slot = 0; slot < 3; ++slot) {
    world_->connect();
    const Completion accepted = expect(token(kAccept, 7));
    ASSERT_GE(accepted.result, 0);
    EXPECT_TRUE(accepted.more);
    EXPECT_GT(ring_->peer_of(accepted.result).size, 0U);
    EXPECT_TRUE(ring_->adopt(accepted.result, slot));
  }
}

TEST_P(RingConformance, ACancelledAcceptCompletesOnceMoreAndCanBeArmedAgain) {
  make_world();
  connect(0);
  ring_->cancel_accept(token(kAccept, 0));
  const Completion last = expect(token(kAccept, 0));
  EXPECT_EQ(last.result, -ECANCELED);
  EXPECT_FALSE(last.more);
  world_->connect();
  settle();
  EXPECT_FALSE(has_seen(token(kAccept, 0)));
  ring_->accept(world_->listener(), token(kAccept, 1));
  EXPECT_GE(expect(token(kAccept, 1)).result, 0);
}

TEST_P(RingConformance, ARefusedConnectionIsClosed) {
  make_world();
  ring_->accept(world_->listener(), token(kAccept, 0));
  const World::Peer peer = world_->connect();
  ring_->refuse(expect(token(kAccept, 0)).result);
  EXPECT_NE(end_of(peer), World::End::open);
}

// ---- receive

TEST_P(RingConformance, ReceivesWhatCameBeforeAndWhatComesAfter) {
  make_world();
  const Connection c = connect(3);
  world_->write(c.peer, "early");
  ring_->receive(c.slot, token(kReceive, 3));
  const Completion early = expect(token(kReceive, 3));
  EXPECT_EQ(text_of(early), "early");
  EXPECT_EQ(early.result, 5);
  ring_->recycle(early);
  ring_->receive(c.slot, token(kReceive, 3));
  settle();
  EXPECT_FALSE(has_seen(token(kReceive, 3)));
  world_->write(c.peer, "late");
  const Completion late = expect(token(kReceive, 3));
  EXPECT_EQ(text_of(late), "late");
  ring_->recycle(late);
}

TEST_P(RingConformance, BuffersThatAreRecycledLastForEver) {
  make_world({.request = {.size = 64, .count = 2}});
  const Connection c = connect(0);
  for (int i = 0; i < 100; ++i) {
    const std::string message = "message " + std::to_string(i);
    world_->write(c.peer, message);
    ring_->receive(c.slot, token(kReceive, 0));
    const Completion received = expect(token(kReceive, 0));
    ASSERT_EQ(text_of(received), message);
    ring_->recycle(received);
  }
}

TEST_P(RingConformance, WhatExceedsABufferComesInPieces) {
  make_world({.request = {.size = 16, .count = 4}});
  const Connection c = connect(0);
  const std::string message(100, 'm');
  world_->write(c.peer, message);
  std::string got;
  while (got.size() < message.size()) {
    ring_->receive(c.slot, token(kReceive, 0));
    const Completion received = expect(token(kReceive, 0));
    ASSERT_GT(received.result, 0);
    ASSERT_LE(received.result, 16);
    got += text_of(received);
    ring_->recycle(received);
  }
  EXPECT_EQ(got, message);
}

TEST_P(RingConformance, TheTwoPoolsOfBuffersAreApart) {
  make_world({.request = {.size = 16, .count = 1}, .ingest = {.size = 4096, .count = 1}});
  const Connection a = connect(0);
  const Connection b = connect(1);
  const std::string large(1000, 'l');
  world_->write(a.peer, large);
  world_->write(b.peer, "small");
  ring_->receive(b.slot, token(kReceive, 1), BufferClass::request);
  const Completion small = expect(token(kReceive, 1));
  EXPECT_EQ(text_of(small), "small");
  ring_->receive(a.slot, token(kReceive, 0), BufferClass::ingest);
  const Completion poured = expect(token(kReceive, 0));
  EXPECT_EQ(text_of(poured), large);
  EXPECT_EQ(text_of(small), "small") << "still the caller's";
  ring_->recycle(small);
  ring_->recycle(poured);
}

TEST_P(RingConformance, WithoutABufferSaysSoAndLosesNothing) {
  make_world({.request = {.size = 64, .count = 2}});
  std::vector<Completion> kept;
  for (Slot slot = 0; slot < 2; ++slot) {
    const Connection c = connect(slot);
    world_->write(c.peer, "holds");
    ring_->receive(slot, token(kReceive, slot));
    kept.push_back(expect(token(kReceive, slot)));
    EXPECT_EQ(text_of(kept.back()), "holds");
  }
  const Connection c = connect(2);
  world_->write(c.peer, "patient");
  ring_->receive(c.slot, token(kReceive, 2));
  const Completion none = expect(token(kReceive, 2));
  EXPECT_EQ(none.result, -ENOBUFS);
  EXPECT_TRUE(none.data.empty());
  for (const Completion& completion : kept) ring_->recycle(completion);
  ring_->receive(c.slot, token(kReceive, 2));
  const Completion received = expect(token(kReceive, 2));
  EXPECT_EQ(text_of(received), "patient");
  ring_->recycle(received);
}

TEST_P(RingConformance, AFinIsAReceiveOfNothing) {
  make_world();
  const Connection c = connect(0);
  world_->write(c.peer, "last words");
  world_->finish(c.peer);
  ring_->receive(c.slot, token(kReceive, 0));
  const Completion words = expect(token(kReceive, 0));
  EXPECT_EQ(text_of(words), "last words");
  ring_->recycle(words);
  for (int i = 0; i < 2; ++i) {
    ring_->receive(c.slot, token(kReceive, 0));
    const Completion fin = expect(token(kReceive, 0));
    EXPECT_EQ(fin.result, 0);
    EXPECT_TRUE(fin.data.empty());
  }
}

TEST_P(RingConformance, AFinUsesUpNoBuffer) {
  make_world({.request = {.size = 64, .count = 2}});
  for (Slot slot = 0; slot < 6; ++slot) {
    const Connection c = connect(slot);
    ring_->receive(c.slot, token(kReceive, slot));
    world_->finish(c.peer);
    EXPECT_EQ(expect(token(kReceive, slot)).result, 0);
  }
}

TEST_P(RingConformance, AResetEndsAReceive) {
  make_world();
  const Connection c = connect(0);
  ring_->receive(c.slot, token(kReceive, 0));
  collect();
  world_->reset(c.peer);
  EXPECT_EQ(expect(token(kReceive, 0)).result, -ECONNRESET);
}

// ---- send

TEST_P(RingConformance, ACompleteSendIsSilentAndItsBytesAreFreeAfterSubmit) {
  make_world();
  const Connection c = connect(0);
  std::string said = "fanfare";
  ring_->send(c.slot, bytes_of(said), token(kSend, 0));
  collect();
  said = "silence";
  EXPECT_EQ(read(c.peer, 7), "fanfare");
  settle();
  EXPECT_FALSE(has_seen(token(kSend, 0)));
}

TEST_P(RingConformance, AShortSendSaysHowMuchAndAFullSocketSaysEagain) {
  make_world();
  const Connection c = connect(0);
  const std::string flood(std::size_t{64} << 20U, 'f');
  ring_->send(c.slot, bytes_of(flood), token(kSend, 0));
  collect();
  ASSERT_TRUE(has_seen(token(kSend, 0))) << "in the same submit";
  const Completion cut = expect(token(kSend, 0));
  ASSERT_GT(cut.result, 0);
  ASSERT_LT(static_cast<std::size_t>(cut.result), flood.size());
  const auto more = fill(c.slot);
  EXPECT_EQ(read(c.peer, static_cast<std::size_t>(cut.result) + more).size(),
            static_cast<std::size_t>(cut.result) + more);
  settle();
  EXPECT_EQ(world_->read(c.peer, 1), "") << "nothing is sent that was not reported";
}

TEST_P(RingConformance, ABlockedSenderHearsWhenThereIsRoomAndGoesOnExactly) {
  make_world();
  const Connection c = connect(0);
  std::string stream;
  for (std::size_t i = 0; stream.size() < (std::size_t{8} << 20U); ++i) {
    stream += std::to_string(i) + ' ';
  }
  std::string got;
  std::size_t blocked = 0;
  for (std::size_t sent = 0; sent < stream.size();) {
    const std::string_view rest = std::string_view(stream).substr(sent, 1U << 20U);
    ring_->send(c.slot, bytes_of(rest), token(kSend, 0));
    collect();
    if (!has_seen(token(kSend, 0))) {
      sent += rest.size();
      continue;
    }
    ++blocked;
    const Completion cut = expect(token(kSend, 0));
    if (cut.result > 0) sent += static_cast<std::size_t>(cut.result);
    ASSERT_TRUE(cut.result >= 0 || cut.result == -EAGAIN) << cut.result;
    ring_->poll(c.slot, Interest::writable, token(kWritable, 0));
    ASSERT_TRUE(until([&] {
      got += world_->read(c.peer, 1U << 20U);
      return has_seen(token(kWritable, 0));
    }));
    EXPECT_NE(expect(token(kWritable, 0)).result & POLLOUT, 0);
  }
  EXPECT_GT(blocked, 0U);
  got += read(c.peer, stream.size() - got.size());
  EXPECT_TRUE(got == stream);
}

TEST_P(RingConformance, MoreSendsThanTheQueueHoldsAllRunAndAllFailuresAreTold) {
  constexpr Slot kConnections = 40;
  make_world({.submissions = 8, .completions = 16});
  std::vector<Connection> connections;
  for (Slot slot = 0; slot < kConnections; ++slot) connections.push_back(connect(slot));
  std::vector<std::size_t> filled(kConnections, 0);
  for (Slot slot = 0; slot < kConnections; slot += 10) filled[slot] = fill(slot);
  for (const Connection& c : connections) {
    ring_->send(c.slot, bytes_of("fanfare"), token(kSend, c.slot));
  }
  collect();
  for (const Connection& c : connections) {
    if (filled[c.slot] > 0) {
      EXPECT_TRUE(has_seen(token(kSend, c.slot))) << "told by the end of the submit";
      EXPECT_EQ(expect(token(kSend, c.slot)).result, -EAGAIN);
    } else {
      EXPECT_FALSE(has_seen(token(kSend, c.slot)));
      EXPECT_EQ(read(c.peer, 7), "fanfare");
    }
  }
}

TEST_P(RingConformance, SendingToAPeerThatResetIsAnError) {
  make_world();
  const Connection c = connect(0);
  ring_->poll(c.slot, Interest::hang_up, token(kHangUp, 0));
  collect();
  world_->reset(c.peer);
  expect(token(kHangUp, 0));
  ring_->send(c.slot, bytes_of("too late"), token(kSend, 0));
  collect();
  ASSERT_TRUE(has_seen(token(kSend, 0)));
  const int result = expect(token(kSend, 0)).result;
  EXPECT_TRUE(result == -ECONNRESET || result == -EPIPE) << result;
}

// ---- poll

TEST_P(RingConformance, AHangUpPollIgnoresBytesAndHearsAFin) {
  make_world();
  const Connection c = connect(0);
  ring_->poll(c.slot, Interest::hang_up, token(kHangUp, 0));
  world_->write(c.peer, "chatter");
  settle();
  EXPECT_FALSE(has_seen(token(kHangUp, 0)));
  world_->finish(c.peer);
  EXPECT_NE(expect(token(kHangUp, 0)).result & POLLRDHUP, 0);
}

TEST_P(RingConformance, AHangUpPollHearsAReset) {
  make_world();
  const Connection c = connect(0);
  ring_->poll(c.slot, Interest::hang_up, token(kHangUp, 0));
  collect();
  world_->reset(c.peer);
  EXPECT_NE(expect(token(kHangUp, 0)).result & (POLLHUP | POLLERR), 0);
}

TEST_P(RingConformance, APollOfWhatIsAlreadySoCompletesAtOnce) {
  make_world();
  const Connection c = connect(0);
  ring_->poll(c.slot, Interest::writable, token(kWritable, 0));
  EXPECT_NE(expect(token(kWritable, 0)).result & POLLOUT, 0);
  world_->finish(c.peer);
  ring_->poll(c.slot, Interest::hang_up, token(kHangUp, 0));
  EXPECT_NE(expect(token(kHangUp, 0)).result & POLLRDHUP, 0);
}

TEST_P(RingConformance, ABlockedSenderHearsAHangUpToo) {
  make_world();
  const Connection c = connect(0);
  fill(c.slot);
  ring_->poll(c.slot, Interest::writable, token(kWritable, 0));
  settle();
  EXPECT_FALSE(has_seen(token(kWritable, 0)));
  world_->reset(c.peer);
  EXPECT_NE(expect(token(kWritable, 0)).result & (POLLHUP | POLLERR), 0);
}

TEST_P(RingConformance, ReceiveAndBothPollsLiveSideBySide) {
  make_world();
  const Connection c = connect(0);
  const std::size_t filled = fill(c.slot);
  ring_->receive(c.slot, token(kReceive, 0));
  ring_->poll(c.slot, Interest::hang_up, token(kHangUp, 0));
  ring_->poll(c.slot, Interest::writable, token(kWritable, 0));
  world_->write(c.peer, "bytes");
  const Completion received = expect(token(kReceive, 0));
  EXPECT_EQ(text_of(received), "bytes");
  ring_->recycle(received);
  EXPECT_EQ(read(c.peer, filled).size(), filled);
  expect(token(kWritable, 0));
  EXPECT_FALSE(has_seen(token(kHangUp, 0)));
  world_->finish(c.peer);
  expect(token(kHangUp, 0));
}

// ---- shutdown and close

TEST_P(RingConformance, AHalfCloseFollowsWhatWasSentAndLeavesTheOtherHalf) {
  make_world();
  const Connection c = connect(0);
  ring_->send(c.slot, bytes_of("goodbye"), token(kSend, 0));
  ring_->shutdown_write(c.slot);
  collect();
  EXPECT_EQ(read(c.peer, 7), "goodbye");
  EXPECT_EQ(end_of(c.peer), World::End::finished);
  world_->write(c.peer, "well");
  ring_->receive(c.slot, token(kReceive, 0));
  const Completion received = expect(token(kReceive, 0));
  EXPECT_EQ(text_of(received), "well");
  ring_->recycle(received);
}

TEST_P(RingConformance, ACloseCancelsWhatIsArmedAndEachCompletesOnce) {
  make_world();
  const Connection c = connect(0);
  fill(c.slot);
  const std::vector<Token> armed = {token(kReceive, 0), token(kHangUp, 0), token(kWritable, 0)};
  ring_->receive(c.slot, armed[0]);
  ring_->poll(c.slot, Interest::hang_up, armed[1]);
  ring_->poll(c.slot, Interest::writable, armed[2]);
  collect();
  ring_->close(c.slot, armed, token(kClose, 0));
  EXPECT_EQ(expect(token(kClose, 0)).result, 0);
  for (const Token& cancelled : armed) EXPECT_EQ(expect(cancelled).result, -ECANCELED);
  settle();
  EXPECT_TRUE(seen_.empty());
}

TEST_P(RingConformance, AnIdleConnectionThatIsClosedSendsItsFin) {
  make_world();
  const Connection c = connect(0);
  const Token poll = token(kHangUp, 0);
  ring_->poll(c.slot, Interest::hang_up, poll);
  collect();
  ring_->close(c.slot, std::span(&poll, 1), token(kClose, 0));
  collect();
  EXPECT_EQ(end_of(c.peer), World::End::finished);
}

TEST_P(RingConformance, ACloseDeliversWhatWasSentBefore) {
  make_world();
  const Connection c = connect(0);
  ring_->send(c.slot, bytes_of("last"), token(kSend, 0));
  ring_->close(c.slot, {}, token(kClose, 0));
  collect();
  EXPECT_EQ(read(c.peer, 4), "last");
  EXPECT_EQ(end_of(c.peer), World::End::finished);
  expect(token(kClose, 0));
}

TEST_P(RingConformance, ACloseWithResetIsSeenAsOne) {
  make_world();
  const Connection c = connect(0);
  const std::vector<Token> armed = {token(kReceive, 0), token(kHangUp, 0)};
  ring_->receive(c.slot, armed[0]);
  ring_->poll(c.slot, Interest::hang_up, armed[1]);
  collect();
  ring_->close(c.slot, armed, token(kClose, 0), /*reset=*/true);
  expect(token(kClose, 0));
  EXPECT_EQ(end_of(c.peer), World::End::reset);
  for (const Token& cancelled : armed) expect(cancelled);
}

TEST_P(RingConformance, AClosedSlotServesTheNextConnection) {
  make_world({.slots = 2});
  for (std::uint32_t generation = 0; generation < 50; ++generation) {
    const Connection c = connect(1);
    const Token receive = token(kReceive, 1, generation);
    const Token close = token(kClose, 1, generation);
    const std::string said = std::to_string(generation);
    ring_->send(1, bytes_of(said), token(kSend, 1, generation));
    ring_->receive(1, receive);
    collect();
    ring_->close(1, std::span(&receive, 1), close);
    EXPECT_EQ(expect(close).result, 0);
    EXPECT_EQ(expect(receive).result, -ECANCELED);
    EXPECT_EQ(read(c.peer, 16), said);
  }
  EXPECT_TRUE(seen_.empty());
}

TEST_P(RingConformance, AClosePermitsTokensThatHaveJustCompleted) {
  make_world();
  const Connection c = connect(0);
  const std::vector<Token> armed = {token(kReceive, 0), token(kHangUp, 0)};
  ring_->receive(c.slot, armed[0]);
  ring_->poll(c.slot, Interest::hang_up, armed[1]);
  collect();
  world_->write(c.peer, "crossing");
  world_->finish(c.peer);
  ring_->close(c.slot, armed, token(kClose, 0));
  expect(token(kClose, 0));
  const Completion received = expect(armed[0]);
  EXPECT_TRUE(text_of(received) == "crossing" || received.result == -ECANCELED);
  if (!received.data.empty()) ring_->recycle(received);
  expect(armed[1]);
  settle();
  EXPECT_TRUE(seen_.empty());
}

// ---- waiting

TEST_P(RingConformance, AWaitEndsAtItsDeadlineAndNotBefore) {
  make_world();
  collect();
  std::vector<Completion> out;
  const TimePoint begun = ring_->now();
  ring_->wait(begun + 30ms, out);
  EXPECT_GE(ring_->now(), begun + 30ms);
  EXPECT_TRUE(out.empty());
}

TEST_P(RingConformance, AWaitForThePastReturnsWithWhatIsThere) {
  make_world();
  const Connection c = connect(0);
  ring_->poll(c.slot, Interest::writable, token(kWritable, 0));
  std::vector<Completion> out;
  ring_->wait(ring_->now() - 1s, out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].token, token(kWritable, 0));
}

TEST_P(RingConformance, AWakeBeforeTheWaitIsNotLost) {
  make_world();
  std::vector<Completion> out;
  for (int i = 0; i < 3; ++i) {
    ring_->wake();
    ring_->wake();
    const TimePoint begun = ring_->now();
    ring_->wait(begun + 10s, out);
    EXPECT_LT(ring_->now() - begun, 5s);
  }
  EXPECT_TRUE(out.empty());
  const TimePoint begun = ring_->now();
  const auto rested = [&] { return ring_->now() >= begun + 30ms; };
  for (int i = 0; i < 3 && !rested(); ++i) ring_->wait(begun + 30ms, out);
  EXPECT_TRUE(rested()) << "a wake ends at most one wait after it, besides a late bell";
}

TEST_P(RingConformance, CompletionsBeyondTheSharedQueueAreNotLost) {
  constexpr Slot kConnections = 100;
  make_world({.submissions = 8, .completions = 16});
  std::vector<Connection> connections;
  for (Slot slot = 0; slot < kConnections; ++slot) {
    connections.push_back(connect(slot));
    ring_->poll(slot, Interest::hang_up, token(kHangUp, slot));
  }
  collect();
  for (const Connection& c : connections) world_->finish(c.peer);
  for (const Connection& c : connections) {
    EXPECT_NE(expect(token(kHangUp, c.slot)).result & POLLRDHUP, 0);
  }
  EXPECT_TRUE(seen_.empty());
}

}  // namespace fanfare::io
