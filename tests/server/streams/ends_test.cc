// How streams end on the wire: FIN means complete, everything else is something else. Over HTTP/1.0
// (SmallBroker::get) the end of the connection is the only sign.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::body_of;
using ::testing::EndsWith;
using testing::events_of;
using ::testing::MatchesRegex;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;

sim::Faults small_sockets() {
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  return faults;
}

Options quick() {
  Options options;
  options.limits.drain = 0s;
  options.delivery.stall = 3s;
  options.delivery.heartbeat = 5min;
  options.history.events = 4;
  return options;
}

const std::string kLong(1000, 'x');

Peer& get_by_11(SmallBroker& broker, std::string_view target) {
  Peer& peer = broker.subscriber();
  peer.say(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", target));
  broker.pass();
  return peer;
}

TEST(Ends, ADrainedStreamOverHttp10LookedComplete) {
  for (const std::string_view target : {"/events?channel=a", "/events?channel=a&format=raw"}) {
    SmallBroker broker(quick());
    Peer& peer = broker.get(target);
    broker.publish("a", "1");
    peer.take();
    broker.drain();
    broker.pass(500ms);
    EXPECT_FALSE(peer.gone()) << "the reset leaves time to read";
    const std::string farewell = peer.take();
    EXPECT_THAT(farewell, MatchesRegex(target.ends_with("raw") ? "" : "retry: [0-9]+\n"));
    broker.pass(2s);
    EXPECT_TRUE(peer.reset()) << target;
  }
}

TEST(Ends, AStreamOfABrokerThatEndsAtOnceLookedComplete) {
  Options options = quick();
  options.limits.drain = 1min;
  SmallBroker broker(options);
  Peer& peer = broker.get("/events?channel=a");
  broker.drain();
  broker.pass(100ms);
  EXPECT_FALSE(peer.gone());
  broker.post(DrainMessage{.at_once = true});
  broker.pass(100ms);
  EXPECT_TRUE(peer.reset());
}

TEST(Ends, ComeBackFromAFullBrokerOverHttp10LookedComplete) {
  for (const std::string_view format : {"", "&format=raw"}) {
    SmallBroker broker(quick());
    for (std::uint32_t i = 0; i < SmallBroker::kSubscribersMax; ++i)
      broker.get("/events?channel=a");
    Peer& surplus = broker.get(fmt::format("/events?channel=a{}", format));
    EXPECT_THAT(body_of(surplus.take()),
                MatchesRegex(format.empty() ? "retry: [0-9]+\nid: ep0ch00-0\n:\n" : ""));
    EXPECT_FALSE(surplus.gone());
    broker.pass(2s);
    EXPECT_TRUE(surplus.reset());
  }
}

TEST(Ends, AStreamWhoseClientSaidItsLastWordLookedComplete) {
  SmallBroker broker(quick());
  Peer& peer = broker.get("/events?channel=a");
  peer.take();
  peer.shut_down();
  broker.pass(100ms);
  EXPECT_TRUE(peer.reset());
  EXPECT_EQ(broker.closes(CloseReason::peer_closed), 1U);
}

TEST(Ends, AStalledOrEvictedStreamOverHttp10IsReset) {
  SmallBroker broker(quick(), nullptr, small_sockets());
  Peer& stalled = broker.get("/events?channel=a");
  Peer& evicted = broker.get("/events?channel=b");
  evicted.take();
  for (Peer* peer : {&stalled, &evicted}) peer->stop_reading();
  for (int i = 1; i <= 12; ++i) {
    broker.publish("a", kLong);
    broker.publish("b", kLong);
  }
  evicted.read_on();
  broker.pass(100ms);
  EXPECT_FALSE(evicted.gone()) << "what it was sent has a moment to be read";
  EXPECT_THAT(evicted.take(), EndsWith("\n\n"));
  broker.pass(8s);
  EXPECT_TRUE(evicted.reset());
  stalled.read_on();
  EXPECT_TRUE(stalled.reset());
  EXPECT_EQ(broker.closes(CloseReason::slow_stalled), 1U);
  EXPECT_EQ(broker.closes(CloseReason::slow_evicted), 1U);
}

TEST(Ends, ACompleteStreamOverHttp10EndsInOrder) {
  for (const std::string_view format : {"", "&format=raw"}) {
    SmallBroker broker(quick());
    Peer& peer = broker.get(fmt::format("/events?channel=a{}", format));
    broker.publish("a", "1");
    broker.command("SSE.FINISH a\r\n");
    EXPECT_TRUE(peer.ended());
    EXPECT_FALSE(peer.reset());
    broker.pass(5s);
    EXPECT_EQ(broker.closes(CloseReason::stream_complete), 1U);
  }
}

// Its reader does not take the farewell, so that what was begun cannot be finished.
TEST(Ends, ADrainedStreamEndedInOrderInMidEvent) {
  for (const bool http10 : {true, false}) {
    SmallBroker broker(quick(), nullptr, small_sockets());
    Peer& peer = http10 ? broker.get("/events?channel=a") : get_by_11(broker, "/events?channel=a");
    peer.take();
    peer.stop_reading();
    for (int i = 1; i <= 6; ++i) broker.publish("a", kLong);
    broker.drain();
    broker.pass(5s);
    peer.read_on();
    EXPECT_TRUE(peer.reset()) << (http10 ? "1.0" : "1.1");
  }
}

// "Come back" holds one event. What is there of it when a send fails is no end of a stream.
TEST(Ends, ComeBackFromAFullBrokerThatBrokeOffEndedInOrder) {
  for (const bool http10 : {true, false}) {
    sim::Faults faults;
    faults.socket_buffer_min = faults.socket_buffer_max = 200;
    SmallBroker broker(quick(), nullptr, faults, 1);
    broker.get("/events?channel=a");
    Peer& surplus = broker.subscriber();
    surplus.stop_reading();
    surplus.say(fmt::format("GET /events?channel=a HTTP/1.{}\r\nHost: x\r\n\r\n", http10 ? 0 : 1));
    broker.pass();
    broker.faults().send_error = ENETDOWN;
    surplus.read_on();
    broker.pass(500ms);
    EXPECT_THAT(surplus.take(), Not(EndsWith("\n:\n"))) << "all of it fits: it cannot break off";
    EXPECT_TRUE(surplus.reset()) << (http10 ? "1.0" : "1.1");
  }
}

TEST(Ends, OverHttp11ComeBackIsAMissingLastChunk) {
  SmallBroker broker(quick());
  Peer& peer = get_by_11(broker, "/events?channel=a");
  peer.take();
  broker.drain();
  broker.pass(500ms);
  const std::string farewell = peer.take();
  EXPECT_THAT(farewell, MatchesRegex("[0-9a-f]+\r\nretry: [0-9]+\n\r\n"));
  EXPECT_THAT(farewell, Not(EndsWith("0\r\n\r\n")));
  EXPECT_TRUE(peer.ended());
}

TEST(Ends, StreamsOverHttp10AreCounted) {
  SmallBroker broker;
  broker.get("/events?channel=a");
  broker.get("/events?channel=a", "X-Forwarded-For: 192.0.2.1\r\n");
  get_by_11(broker, "/events?channel=a");
  EXPECT_EQ(broker.counters().http10_streams_total, 2U);
}

}  // namespace
}  // namespace fanfare::server
