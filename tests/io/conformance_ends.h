// What every ring promises about polls, closing and waiting.
#pragma once

#include <poll.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "tests/io/ring_fixture.h"

namespace fanfare::io {

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

TEST_P(RingConformance, AFinDoesNotReportRoomToABlockedSender) {
  make_world();
  const Connection c = connect(0);
  const std::size_t filled = fill(c.slot);
  world_->finish(c.peer);
  ring_->poll(c.slot, Interest::writable, token(kWritable, 0));
  settle();
  if (has_seen(token(kWritable, 0))) {
    EXPECT_EQ(expect(token(kWritable, 0)).result & (POLLOUT | POLLERR | POLLHUP), 0);
    ring_->poll(c.slot, Interest::writable, token(kWritable, 0));
  }
  EXPECT_EQ(read(c.peer, filled).size(), filled);
  if (has_seen(token(kWritable, 0))) {
    if ((expect(token(kWritable, 0)).result & POLLOUT) != 0) return;
    ring_->poll(c.slot, Interest::writable, token(kWritable, 0));
  }
  EXPECT_NE(expect(token(kWritable, 0)).result & POLLOUT, 0);
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

// A half-close may run on another thread of the kernel's, later than it was asked for: with many at
// once, later than its connection lives.
TEST_P(RingConformance, AHalfCloseNeverReachesTheNextConnectionOfItsSlot) {
  constexpr Slot kCount = 200;
  make_world();
  ring_->accept(world_->listener(), token(kAccept, 0));
  std::vector<World::Peer> peers;
  std::vector<int> descriptors;
  for (Slot i = 0; i < 2 * kCount; ++i) {
    peers.push_back(world_->connect());
    descriptors.push_back(expect(token(kAccept, 0)).result);
  }
  for (Slot slot = 0; slot < kCount; ++slot) ASSERT_TRUE(ring_->adopt(descriptors[slot], slot));
  for (Slot slot = 0; slot < kCount; ++slot) {
    ring_->shutdown_write(slot);
    ring_->close(slot, {}, token(kClose, slot));
  }
  for (Slot slot = 0; slot < kCount; ++slot) {
    expect(token(kClose, slot));
    ASSERT_TRUE(ring_->adopt(descriptors[kCount + slot], slot));
  }
  for (Slot slot = 0; slot < kCount; ++slot) {
    EXPECT_EQ(end_of(peers[slot]), World::End::finished);
  }
  for (Slot slot = 0; slot < kCount; ++slot) {
    ring_->send(slot, bytes_of("x"), token(kSend, slot));
    collect();
    ASSERT_FALSE(has_seen(token(kSend, slot))) << "slot " << slot << " was half-closed";
    EXPECT_EQ(read(peers[kCount + slot], 1), "x");
  }
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

// ---- lend

TEST_P(RingConformance, WhatWasLentIsTheSameConnectionAndOutlivesTheSlot) {
  make_world();
  const auto [peer, slot] = connect(0);
  ring_->poll(slot, Interest::hang_up, token(kHangUp, slot));
  collect();
  const int lent = ring_->lend(slot);
  if (lent < 0) {  // the simulation; Linux before 6.8
    EXPECT_EQ(lent, -EOPNOTSUPP);
    EXPECT_NE(ring_->name(), "epoll");
    return;
  }
  const Token armed[] = {token(kHangUp, slot)};
  ring_->close(slot, armed, token(kClose, slot));
  expect(token(kClose, slot));
  settle();
  EXPECT_EQ(world_->read(peer, 1), "");
  EXPECT_EQ(world_->end_of(peer), World::End::open);
  ASSERT_TRUE(ring_->adopt(lent, 7));
  ring_->send(7, bytes_of("still here"), token(kSend, 7));
  EXPECT_EQ(read(peer, 10), "still here");
  ring_->poll(7, Interest::hang_up, token(kHangUp, 7));
  world_->finish(peer);
  expect(token(kHangUp, 7));
}

}  // namespace fanfare::io
