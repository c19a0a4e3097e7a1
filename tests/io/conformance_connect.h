// What every ring promises about connecting.
#pragma once

#include <cerrno>
#include <string>
#include <vector>

#include "tests/io/ring_fixture.h"

namespace fanfare::io {

inline constexpr World::Door kDoors[] = {World::Door::tcp, World::Door::unix};

TEST_P(RingConformance, AConnectedSlotSendsAndReceivesLikeAnAdoptedOne) {
  make_world();
  for (const World::Door door : kDoors) {
    const auto slot = static_cast<Slot>(door);
    connect_to(door, slot);
    EXPECT_EQ(expect(token(kConnect, slot)).result, 0);
    const World::Peer peer = taken(door);
    ring_->receive(slot, token(kReceive, slot));
    ring_->send(slot, bytes_of("a question"), token(kSend, slot));
    collect();
    EXPECT_EQ(read(peer, 10), "a question");
    settle();
    EXPECT_FALSE(has_seen(token(kReceive, slot))) << "it waits for bytes";
    world_->write(peer, "an answer");
    const Completion received = expect(token(kReceive, slot));
    EXPECT_EQ(text_of(received), "an answer");
    ring_->recycle(received);
    ring_->poll(slot, Interest::hang_up, token(kHangUp, slot));
    world_->finish(peer);
    EXPECT_GT(expect(token(kHangUp, slot)).result, 0);
    ring_->close(slot, {}, token(kClose, slot));
    EXPECT_EQ(expect(token(kClose, slot)).result, 0);
    EXPECT_EQ(end_of(peer), World::End::finished);
  }
}

TEST_P(RingConformance, ARefusedConnectLeavesTheSlotFree) {
  make_world();
  for (const World::Door door : kDoors) {
    const auto slot = static_cast<Slot>(door);
    world_->shut(door);
    for (std::uint32_t generation = 0; generation < 3; ++generation) {
      connect_to(door, slot, generation);
      EXPECT_EQ(expect(token(kConnect, slot, generation)).result, -ECONNREFUSED);
    }
    const Connection c = connect(slot);
    world_->write(c.peer, "next");
    ring_->receive(slot, token(kReceive, slot));
    const Completion received = expect(token(kReceive, slot));
    EXPECT_EQ(text_of(received), "next");
    ring_->recycle(received);
  }
}

TEST_P(RingConformance, AFullBacklogOfAUnixSocketIsSaidAtOnce) {
  make_world();
  world_->crowd(World::Door::unix);
  connect_to(World::Door::unix, 3);
  EXPECT_EQ(expect(token(kConnect, 3)).result, -EAGAIN);
}

// Nothing answers; the time-out is the caller's.
TEST_P(RingConformance, ACloseEndsAConnectThatIsOnItsWay) {
  make_world();
  world_->crowd(World::Door::tcp);
  for (std::uint32_t generation = 0; generation < 20; ++generation) {
    const Token connecting = token(kConnect, 2, generation);
    connect_to(World::Door::tcp, 2, generation);
    if (generation == 0) settle();
    if (generation % 2 == 0) collect();
    EXPECT_FALSE(has_seen(connecting));
    ring_->close(2, std::span(&connecting, 1), token(kClose, 2, generation));
    EXPECT_EQ(expect(token(kClose, 2, generation)).result, 0);
    EXPECT_EQ(expect(connecting).result, -ECANCELED);
  }
  settle();
  EXPECT_TRUE(seen_.empty());
  const Connection c = connect(2);
  ring_->send(2, bytes_of("x"), token(kSend, 2));
  collect();
  EXPECT_EQ(read(c.peer, 1), "x");
}

TEST_P(RingConformance, ACloseMayCrossAConnectThatSucceeds) {
  make_world();
  for (const World::Door door : kDoors) {
    for (std::uint32_t generation = 0; generation < 5; ++generation) {
      const Token connecting = token(kConnect, 1, generation);
      connect_to(door, 1, generation);
      ring_->close(1, std::span(&connecting, 1), token(kClose, 1, generation));
      expect(token(kClose, 1, generation));
      const int result = expect(connecting).result;
      EXPECT_TRUE(result == 0 || result == -ECANCELED) << result;
      if (const auto peer = world_->take(door)) {
        EXPECT_NE(end_of(*peer), World::End::open);
      }
    }
  }
  settle();
  EXPECT_TRUE(seen_.empty());
}

TEST_P(RingConformance, APeerThatResetsAtOnceIsHeardByTheReceive) {
  make_world();
  connect_to(World::Door::tcp, 0);
  EXPECT_EQ(expect(token(kConnect, 0)).result, 0);
  ring_->receive(0, token(kReceive, 0));
  world_->reset(taken(World::Door::tcp));
  EXPECT_EQ(expect(token(kReceive, 0)).result, -ECONNRESET);
}

TEST_P(RingConformance, ManyAtOnceAreToldApart) {
  make_world({.submissions = 8, .completions = 16});
  constexpr Slot kCount = 40;
  std::vector<World::Peer> peers;
  std::vector<std::string> names;
  for (Slot slot = 0; slot < kCount; ++slot) {
    connect_to(World::Door::tcp, slot);
    EXPECT_EQ(expect(token(kConnect, slot)).result, 0);
    peers.push_back(taken(World::Door::tcp));
    names.push_back(std::to_string(100 + slot));
  }
  for (Slot slot = 0; slot < kCount; ++slot) {
    ring_->send(slot, bytes_of(names[slot]), token(kSend, slot));
  }
  collect();
  for (Slot slot = 0; slot < kCount; ++slot) {
    EXPECT_EQ(read(peers[slot], 3), names[slot]);
  }
}

}  // namespace fanfare::io
