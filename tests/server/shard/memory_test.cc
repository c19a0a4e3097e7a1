// What comes and goes leaves nothing behind, however often it does.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/server/small_broker.h"
#include "tests/sim/heap.h"

namespace fanfare::server {
namespace {

using testing::Peer;
using testing::SmallBroker;

TEST(Memory, IsNoMoreAfterTwoThousandStreamsThanAfterAThousand) {
  if (!sim::heap::watched()) return;  // a sanitizer has the heap
  SmallBroker broker;
  broker.publish("old", "1");
  broker.command("SSE.FINISH old");
  // One connection, on which streams of a finished channel begin, read history and end, and names
  // that nobody else knows are asked for.
  Peer& peer = broker.subscriber();
  int round = 0;
  const auto rounds = [&](int count) {
    for (; count > 0; --count, ++round) {
      peer.say("GET /events?channel=old&lastEventId=earliest HTTP/1.1\r\nHost: x\r\n\r\n");
      broker.pass();
      EXPECT_TRUE(peer.take().ends_with("0\r\n\r\n"));
      peer.say(fmt::format("HEAD /events?channel=n{}&channel=p{}/** HTTP/1.1\r\nHost: x\r\n\r\n",
                           round, round));
      broker.pass();
      peer.take();
      broker.publish("live", "x");
    }
    return sim::heap::count();
  };
  const sim::heap::Count before = rounds(1'100);  // the history is full, and what notes its times
  const sim::heap::Count after = rounds(1'000);
  EXPECT_LE(after.blocks, before.blocks + 10);
  EXPECT_LE(after.bytes, before.bytes + (64 << 10));
}

TEST(Memory, IsReturnedAfterLargeBodies) {
  if (!sim::heap::watched()) return;
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4U << 20U;
  Options options;
  options.limits.body_bytes = 2U << 20U;
  SmallBroker broker(options, nullptr, faults);
  const auto post = [&](std::size_t size) {
    Peer& peer = broker.subscriber();
    peer.say(
        fmt::format("POST /events?channel=a HTTP/1.1\r\nHost: x\r\nContent-Type: "
                    "application/json\r\nContent-Length: {}\r\n\r\n",
                    size));
    for (std::size_t said = 0; said < size; said += 10) {
      peer.say(std::string(10, ' '));
      if (said % 10'000 == 0) broker.pass(1ms);
    }
    broker.pass();
    EXPECT_NE(peer.take(), "");
    peer.hang_up();
    broker.pass();
  };
  post(10);
  const sim::heap::Count before = sim::heap::count();
  post(1'000'000);
  EXPECT_LE(sim::heap::count().bytes, before.bytes + 200'000);
}

// Thirty requests whose heads come in pieces, all at once, so that none is read with the memory of
// another; and all of their connections stay, idle.
TEST(Memory, OfLargeHeadsWasKeptByConnectionsThatAreIdle) {
  if (!sim::heap::watched()) return;
  constexpr int kConnections = 30;
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 1U << 20U;
  Options options;
  options.limits.head_bytes = 256U << 10U;
  options.limits.head_fields = 2'000;
  SmallBroker broker(options, nullptr, faults);
  std::vector<Peer*> peers;
  for (int i = 0; i < kConnections; ++i) peers.push_back(&broker.subscriber());
  const auto ask = [&](const std::string& fields) {
    for (Peer* const peer : peers) {
      peer->say("OPTIONS /events HTTP/1.1\r\nHost: x\r\n");
      for (std::size_t at = 0; at < fields.size(); at += 10'000) {
        peer->say(std::string_view(fields).substr(at, 10'000));
        broker.pass(1ms);
      }
    }
    for (Peer* const peer : peers) peer->say("\r\n");
    broker.pass();
    for (Peer* const peer : peers) EXPECT_TRUE(peer->take().starts_with("HTTP/1.1 204 "));
  };
  ask("A: b\r\n");
  const sim::heap::Count before = sim::heap::count();
  ask(fmt::format("A: {}\r\n", std::string(200'000, 'b')));
  std::string many;
  for (int i = 0; i < 1'500; ++i) many += "A: b\r\n";
  ask(many);
  const std::int64_t kept = sim::heap::count().bytes - before.bytes;
  EXPECT_LE(kept, kConnections * 16'384) << "4 KiB of text, 64 fields, and the sockets' buffers";
}

}  // namespace
}  // namespace fanfare::server
