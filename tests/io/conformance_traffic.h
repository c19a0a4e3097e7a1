// What every ring promises about accepting, receiving and sending.
#pragma once

#include <poll.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "tests/io/ring_fixture.h"

namespace fanfare::io {

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

TEST_P(RingConformance, ARefusedConnectionHearsTheFarewellAndThenItsEnd) {
  make_world();
  ring_->accept(world_->listener(), token(kAccept, 0));
  const World::Peer peer = world_->connect();
  ring_->refuse(expect(token(kAccept, 0)).result, "-ERR no room\r\n");
  EXPECT_EQ(read(peer, 14), "-ERR no room\r\n");
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

TEST_P(RingConformance, MoreSendsThanTheQueueHoldsAllRunAndAllFailuresAreReported) {
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
  collect();
  for (const Connection& c : connections) EXPECT_FALSE(has_seen(token(kSend, c.slot))) << "once";
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

}  // namespace fanfare::io
