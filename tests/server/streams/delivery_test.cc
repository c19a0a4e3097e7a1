// What is sent on event streams, to those that read and to those that do not.
#include "broker/server/streams/delivery.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::body_of;
using ::testing::EndsWith;
using testing::events_of;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

sim::Faults small_sockets() {
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  return faults;
}

Options with_stall(SlowPolicy slow) {
  Options options;
  options.delivery.slow = slow;
  options.delivery.stall = 5s;
  options.delivery.heartbeat = 5min;
  return options;
}

std::string event(std::string_view data, int sequence) {
  return fmt::format("data: {}\nid: {}-{}\n\n", data, SmallBroker::kEpoch, sequence);
}

const std::string kLong(1000, 'x');

TEST(Delivery, ASlowReaderGetsEveryByteAndDelaysNoOther) {
  SmallBroker broker(with_stall(SlowPolicy::disconnect), nullptr, small_sockets());
  Peer& slow = broker.get("/events?channel=a");
  Peer& prompt = broker.get("/events?channel=a");
  std::string all = slow.take();
  prompt.take();
  slow.stop_reading();
  std::string expected;
  for (int i = 1; i <= 30; ++i) {
    broker.publish("a", kLong);
    EXPECT_EQ(prompt.take(), event(kLong, i));
    expected += event(kLong, i);
  }
  EXPECT_EQ(broker.reported().subscribers_behind, 1U);
  slow.read_on();
  for (int i = 0; i < 30; ++i) {
    broker.pass();
    all += slow.take();
  }
  EXPECT_TRUE(events_of(all) == expected) << "each byte once, in order";
  EXPECT_EQ(broker.reported().subscribers_behind, 0U);
  broker.publish("a", "on");
  EXPECT_EQ(slow.take(), event("on", 31)) << "it has joined again";
}

TEST(Delivery, DisconnectsASubscriberThatTakesNoByteForTooLong) {
  SmallBroker broker(with_stall(SlowPolicy::disconnect), nullptr, small_sockets());
  Peer& peer = broker.get("/events?channel=a");
  peer.stop_reading();
  for (int i = 0; i < 8; ++i) broker.publish("a", kLong);
  broker.pass(3s);
  EXPECT_EQ(broker.counters().connections_open, 1U);
  broker.pass(5s);
  EXPECT_EQ(broker.counters().connections_open, 0U);
  EXPECT_EQ(broker.closes(CloseReason::slow_stalled), 1U);
}

TEST(Delivery, ASlowReaderIsNotStalled) {
  SmallBroker broker(with_stall(SlowPolicy::disconnect), nullptr, small_sockets());
  Peer& peer = broker.get("/events?channel=a");
  peer.stop_reading();
  for (int i = 0; i < 60; ++i) broker.publish("a", kLong);
  for (int i = 0; i < 6; ++i) {
    broker.pass(4s);
    peer.read_some(2048);
  }
  EXPECT_EQ(broker.counters().connections_open, 1U);
  EXPECT_EQ(broker.reported().subscribers_behind, 1U);
}

TEST(Delivery, WhereSlownessIsForgivenTheHistoryIsTheOnlyLimit) {
  Options options = with_stall(SlowPolicy::skip);
  options.history.events = 3;
  SmallBroker broker(options, nullptr, small_sockets());
  Peer& peer = broker.get("/events?channel=a");
  peer.take();
  peer.stop_reading();
  for (int i = 1; i <= 30; ++i) broker.publish("a", fmt::format("{}{}", i, kLong));
  broker.pass(60s);
  EXPECT_EQ(broker.counters().connections_open, 1U);
  peer.read_on();
  broker.pass(1s);
  const std::string all = peer.take();
  EXPECT_THAT(all, HasSubstr("event: gap\ndata: {\"reason\":\"slow\""));
  std::string rest;
  for (int i = 28; i <= 30; ++i) rest += event(fmt::format("{}{}", i, kLong), i);
  EXPECT_TRUE(all.ends_with(rest)) << all.substr(all.find("event: gap"), 120);
  EXPECT_EQ(broker.counters().gaps_total, 1U);
}

TEST(Delivery, DisconnectsASubscriberThatFallsOutOfTheHistory) {
  Options options = with_stall(SlowPolicy::disconnect);
  options.history.events = 3;
  SmallBroker broker(options, nullptr, small_sockets());
  Peer& peer = broker.get("/events?channel=a");
  peer.stop_reading();
  for (int i = 1; i <= 30; ++i) broker.publish("a", kLong);
  peer.read_on();
  broker.pass(2s);
  EXPECT_THAT(peer.take(), Not(HasSubstr("event: gap")));
  EXPECT_TRUE(peer.reset());
  EXPECT_EQ(broker.counters().connections_open, 0U);
  EXPECT_EQ(broker.closes(CloseReason::slow_evicted), 1U);
}

TEST(Delivery, ARawStreamCanReportALossOnlyByEnding) {
  Options options = with_stall(SlowPolicy::skip);
  options.history.events = 3;
  SmallBroker broker(options, nullptr, small_sockets());
  Peer& peer = broker.get("/events?channel=a&format=raw");
  EXPECT_EQ(body_of(peer.take()), "");
  peer.stop_reading();
  for (int i = 1; i <= 30; ++i) broker.publish("a", kLong);
  peer.read_on();
  broker.pass(2s);
  EXPECT_EQ(peer.take().find_first_not_of('x'), std::string::npos);
  EXPECT_TRUE(peer.reset());
  EXPECT_EQ(broker.closes(CloseReason::slow_evicted), 1U);
}

TEST(Delivery, SendsHeartbeatsOnlyToSilentStreams) {
  Options options;
  options.delivery.heartbeat = 10s;
  SmallBroker broker(options);
  Peer& quiet = broker.get("/events?channel=quiet");
  Peer& busy = broker.get("/events?channel=busy");
  quiet.take();
  busy.take();
  for (int i = 0; i < 12; ++i) {
    broker.publish("busy", "x");
    broker.pass(5s);
  }
  const std::string beats = quiet.take();
  EXPECT_EQ(beats.find_first_not_of(":\n"), std::string::npos) << beats;
  EXPECT_GE(beats.size() / 2, 5U);
  EXPECT_LE(beats.size() / 2, 8U);
  EXPECT_THAT(busy.take(), Not(HasSubstr(":\n:")));
  EXPECT_EQ(broker.counters().heartbeats_total, beats.size() / 2);
}

TEST(Delivery, HeartbeatsOfARawStreamWouldBeText) {
  Options options;
  options.delivery.heartbeat = 2s;
  SmallBroker broker(options);
  Peer& peer = broker.get("/events?channel=a&format=raw");
  broker.pass(30s);
  EXPECT_EQ(body_of(peer.take()), "");
  EXPECT_EQ(broker.counters().heartbeats_total, 0U);
}

TEST(Delivery, AFinishedChannelEndsItsStreamsCleanlyAndTheConnectionGoesOn) {
  Options options;
  options.delivery.end_event = "end";
  SmallBroker broker(options);
  Peer& peer = broker.subscriber();
  peer.say("GET /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass();
  broker.publish("a", "last");
  peer.take();
  EXPECT_EQ(broker.command("SSE.FINISH a\r\n"), "+OK\r\n");
  const std::string end = peer.take();
  EXPECT_THAT(end, HasSubstr("event: end\ndata: \n\n"));
  EXPECT_THAT(end, EndsWith("\r\n0\r\n\r\n"));
  EXPECT_FALSE(peer.ended());
  peer.say(fmt::format("GET /events?channel=a HTTP/1.1\r\nHost: x\r\nLast-Event-ID: {}-1\r\n\r\n",
                       SmallBroker::kEpoch));
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 204 "));
  EXPECT_EQ(broker.reported().subscribers, 0U);
}

TEST(Delivery, ASubscriberBehindAtTheFinishGetsTheRestAndThenTheEnd) {
  SmallBroker broker(with_stall(SlowPolicy::disconnect), nullptr, small_sockets());
  Peer& peer = broker.get("/events?channel=a");
  std::string all = peer.take();
  peer.stop_reading();
  std::string expected;
  for (int i = 1; i <= 10; ++i) {
    broker.publish("a", kLong);
    expected += event(kLong, i);
  }
  broker.command("SSE.FINISH a\r\n");
  peer.read_on();
  broker.pass(1s);
  all += peer.take();
  EXPECT_TRUE(events_of(all) == expected);
  EXPECT_TRUE(peer.ended());
  peer.hang_up();
  EXPECT_EQ(broker.closes(CloseReason::stream_complete), 1U);
}

TEST(Delivery, AnEventIsNeverCutWhenTheBrokerStops) {
  Options options = with_stall(SlowPolicy::disconnect);
  options.limits.drain = 0s;
  SmallBroker broker(options, nullptr, small_sockets());
  Peer& slow = broker.get("/events?channel=a");
  Peer& prompt = broker.get("/events?channel=a");
  std::string all = slow.take();
  std::string prompt_all = prompt.take();
  slow.stop_reading();
  std::string published;
  for (int i = 1; i <= 10; ++i) {
    broker.publish("a", kLong);
    published += event(kLong, i);
  }
  prompt_all += prompt.take();
  EXPECT_TRUE(events_of(prompt_all) == published);
  broker.drain();
  broker.pass(500ms);
  const std::string farewell = prompt.take();
  EXPECT_THAT(farewell, MatchesRegex("retry: [0-9]+\n")) << "it learns when to come back";
  slow.read_on();
  broker.pass(500ms);
  all += slow.take();
  EXPECT_FALSE(slow.gone()) << "what it was sent has a moment to be read";
  broker.pass(2s);
  EXPECT_TRUE(prompt.reset());
  EXPECT_TRUE(slow.reset());
  const std::string heard = events_of(all);
  const std::size_t whole = 5 * event(kLong, 1).size();  // 4 KiB were in the socket
  EXPECT_EQ(heard.size(), whole);
  EXPECT_TRUE(published.starts_with(heard)) << "whole events, the first five";
}

TEST(Delivery, WhatIsPublishedInOneTurnIsOneSend) {
  SmallBroker broker;
  Peer& peer = broker.get("/events?channel=a");
  peer.take();
  const std::uint64_t before = broker.counters().sends_total;
  broker.command("PUBLISH a 1\r\nPUBLISH a 2\r\nPUBLISH a 3\r\n");
  EXPECT_EQ(peer.take(), event("1", 1) + event("2", 2) + event("3", 3));
  EXPECT_EQ(broker.counters().sends_total, before + 1);
  EXPECT_EQ(broker.counters().deliveries_total, 3U);
}

}  // namespace
}  // namespace fanfare::server
