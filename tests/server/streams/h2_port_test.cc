// HTTP/2 on a whole shard: many streams on one connection, each with its own windows and its own
// end, and plain answers beside them.
#include "broker/server/streams/h2_port.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <string_view>

#include "tests/server/h2_client.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using namespace h2_test;
using testing::channel_rule;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::H2Client;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

std::string event(int number, std::string_view data) {
  return fmt::format("data: {}\nid: ep0ch00-{}\n\n", data, number);
}

TEST(H2Port, ServesThirtyStreamsAndPlainAnswersOnOneConnection) {
  SmallBroker broker({}, nullptr, {}, 64);
  H2Client client(broker);
  for (std::uint32_t i = 0; i < 30; ++i) {
    client.say(get(2 * i + 1, fmt::format("/events?channel=c{}", i)));
    EXPECT_EQ(client.status(2 * i + 1), "200");
    EXPECT_EQ(client.field(2 * i + 1, "content-type"), "text/event-stream; charset=utf-8");
    EXPECT_THAT(client.said(2 * i + 1), StartsWith("retry: "));
  }
  EXPECT_EQ(broker.reported().subscribers, 30U);
  EXPECT_EQ(broker.counters().connections_open, 1U);
  client.say(get(101, "/fanfare.js"));
  EXPECT_EQ(client.status(101), "200");
  EXPECT_THAT(client.said(101), HasSubstr("fanfare"));
  EXPECT_EQ(client.end(101), "complete");
  for (int i = 0; i < 30; ++i) broker.publish(fmt::format("c{}", i), fmt::format("for {}", i));
  for (std::uint32_t i = 0; i < 30; ++i) {
    EXPECT_EQ(client.said(2 * i + 1), event(static_cast<int>(i) + 1, fmt::format("for {}", i)));
  }
}

TEST(H2Port, ResumesBehindALastEventId) {
  SmallBroker broker;
  broker.publish("a", "1");
  broker.publish("a", "2");
  H2Client client(broker);
  client.say(get(1, "/events?channel=a", {{"last-event-id", "ep0ch00-1"}}));
  EXPECT_THAT(client.said(1), EndsWith(event(2, "2")));
}

TEST(H2Port, TakesASubscriptionByPost) {
  SmallBroker broker;
  H2Client client(broker);
  client.say(post_head(1, "/events", {{"content-type", "application/json"}}) +
             frame(kData, 0, 1, "{\"channels\":"));
  EXPECT_EQ(client.status(1), "");
  client.say(frame(kData, kEndStream, 1, "[\"a\"]}"));
  EXPECT_EQ(client.status(1), "200");
  broker.publish("a", "1");
  EXPECT_THAT(client.said(1), EndsWith(event(1, "1")));
}

TEST(H2Port, AResetStreamIsFreeAtOnceAndItsNeighboursGoOn) {
  SmallBroker broker;
  H2Client client(broker);
  client.say(get(1) + get(3));
  client.said(3);
  client.say(rst(1));
  EXPECT_EQ(broker.reported().subscribers, 1U);
  EXPECT_EQ(broker.closes(CloseReason::peer_closed), 0U) << "the connection is there";
  EXPECT_EQ(broker.stream_ends(CloseReason::peer_closed), 1U);
  broker.publish("a", "1");
  EXPECT_EQ(client.said(3), event(1, "1"));
  // Reset before it was there.
  client.say(get(5) + rst(5));
  EXPECT_EQ(broker.reported().subscribers, 1U);
}

TEST(H2Port, AFinishedChannelEndsItsStreamCleanly) {
  SmallBroker broker;
  H2Client client(broker);
  client.say(get(1, "/events?channel=a") + get(3, "/events?channel=b"));
  broker.publish("a", "last");
  broker.command("SSE.FINISH a");
  EXPECT_THAT(client.said(1), EndsWith(event(1, "last")));
  EXPECT_EQ(client.end(1), "complete");
  EXPECT_EQ(client.end(3), "");
}

TEST(H2Port, AStalledStreamFallsBehindAndItsNeighbourDoesNot) {
  Options options;
  options.delivery.slow = SlowPolicy::skip;
  SmallBroker broker(options);
  H2Client client(broker, setting(4, 200));
  client.say(get(1) + get(3) + window_update(3, 60'000));
  std::string all;
  for (int i = 1; i <= 100; ++i) {
    broker.publish("a", std::string(100, 'x'));
    all += event(i, std::string(100, 'x'));
  }
  EXPECT_THAT(client.said(3), EndsWith(all));
  EXPECT_EQ(broker.reported().subscribers_behind, 1U);
  const std::string begun = client.said(1);
  EXPECT_EQ(begun.size(), 200U);
  client.say(window_update(1, 60'000));
  EXPECT_THAT(begun + client.said(1), EndsWith(all));
  EXPECT_EQ(broker.reported().subscribers_behind, 0U);
}

// Windows as most libraries have them: the connection's is no larger than a stream's.
TEST(H2Port, AStreamThatIsNotReadLeavesRoomInTheConnectionForOthers) {
  Options options;
  options.delivery.slow = SlowPolicy::skip;
  SmallBroker broker(options);
  H2Client client(broker);
  client.say(get(1, "/events?channel=a") + get(3, "/events?channel=b"));
  for (int i = 0; i < 100; ++i) broker.publish("a", std::string(1000, 'x'));
  EXPECT_LE(client.said(1).size(), 38'000U);
  client.said(3);
  broker.publish("b", "now");
  EXPECT_EQ(client.said(3), event(101, "now"));
}

// Narrow windows are not used up only because they were wider before (RFC 9113 §6.9.2).
TEST(H2Port, AClientThatNarrowsItsWindowsGoesOnReadingBesideAFrozenStream) {
  Options options;
  options.delivery.slow = SlowPolicy::skip;
  SmallBroker broker(options);
  H2Client client(broker, setting(4, 1U << 20U));
  client.say(get(1, "/events?channel=a") + get(3, "/events?channel=b"));
  for (int i = 0; i < 40; ++i) broker.publish("a", std::string(1000, 'x'));
  EXPECT_GT(client.said(1).size(), 40'000U) << "more than half of the connection's window";
  client.said(3);
  client.say(frame(kSettings, 0, 0, setting(4, 1000)));
  broker.publish("b", "now");
  EXPECT_EQ(client.said(3), event(41, "now"));
}

// Each of the two is within what one may hold, and together they hold all there is.
TEST(H2Port, AStreamThatIsNotReadIsEndedBeforeItStarvesOthers) {
  Options options;
  options.delivery.slow = SlowPolicy::skip;
  SmallBroker broker(options);
  H2Client client(broker);
  client.say(get(1, "/events?channel=a") + get(3, "/events?channel=b") +
             get(5, "/events?channel=c"));
  client.said(5);
  for (int i = 0; i < 100; ++i) broker.publish("a", std::string(1000, 'x'));
  for (int i = 0; i < 100; ++i) broker.publish("b", std::string(1000, 'x'));
  const std::size_t held = client.said(1).size() + client.said(3).size();
  EXPECT_GT(held, 64'000U);
  broker.publish("c", "now");
  EXPECT_EQ(client.said(5), "");
  broker.pass(3s);
  EXPECT_EQ(client.end(1), "reset 8") << "it held more than the other";
  EXPECT_EQ(client.end(3), "");
  EXPECT_EQ(broker.reported().subscribers, 2U);
  client.say(window_update(0, 36'000));  // what it had been sent
  EXPECT_EQ(client.said(5), event(201, "now"));
  EXPECT_EQ(broker.reported().h2_streams_starving_total, 1U);
  EXPECT_EQ(broker.stream_ends(CloseReason::slow_starving), 1U);
}

// Its neighbour has taken the rest of the window, and nobody publishes anything more.
TEST(H2Port, AStreamThatIsNotReadIsEndedForAnEventOfWhichHalfWasSent) {
  Options options;
  options.delivery.slow = SlowPolicy::skip;
  SmallBroker broker(options);
  H2Client client(broker);
  client.say(get(1, "/events?channel=a") + get(3, "/events?channel=b"));
  for (int i = 0; i < 100; ++i) broker.publish("a", std::string(1000, 'x'));
  client.said(3);
  broker.publish("b", std::string(50'000, 'y'));
  const std::string half = client.said(3);
  EXPECT_LT(half.size(), 30'000U);
  broker.pass(3s);
  EXPECT_EQ(client.end(1), "reset 8");
  client.say(window_update(0, 38'000));  // what it had been sent
  EXPECT_EQ(half + client.said(3), event(101, std::string(50'000, 'y')));
}

// Nobody took a part of it: an answer has taken the rest of the window.
TEST(H2Port, AStreamThatIsNotReadIsEndedForOneThatGetsNothing) {
  Options options;
  options.delivery.slow = SlowPolicy::skip;
  SmallBroker broker(options);
  broker.publish("page", std::string(60'000, 'x'));
  H2Client client(broker);
  client.say(get(1, "/events?channel=a") + get(3, "/events?channel=b"));
  for (int i = 0; i < 100; ++i) broker.publish("a", std::string(1000, 'x'));
  client.say(get(5, "/events?channel=page&poll=1&replay=1"));
  EXPECT_LT(client.said(5).size(), 30'000U);
  client.said(3);
  broker.publish("b", "now");
  EXPECT_EQ(client.said(3), "");
  broker.pass(3s);
  EXPECT_EQ(client.end(1), "reset 8");
  client.say(window_update(0, 38'000));  // what it had been sent
  EXPECT_EQ(client.said(3), event(102, "now"));
}

// They may all be read by a client that has not said so yet.
TEST(H2Port, StreamsThatShareAWindowAreNotTakenForUnread) {
  Options options;
  options.delivery.slow = SlowPolicy::skip;
  SmallBroker broker(options);
  H2Client client(broker);
  for (std::uint32_t i = 0; i < 8; ++i) client.say(get(2 * i + 1, "/events?channel=a"));
  for (int i = 0; i < 100; ++i) broker.publish("a", std::string(1000, 'x'));
  broker.pass(10s);
  EXPECT_EQ(broker.reported().subscribers, 8U);
  client.say(window_update(0, 60'000));
  EXPECT_GT(client.said(1).size() + client.said(15).size(), 8'000U);
}

TEST(H2Port, AWindowThatOpensByteByByteServesEveryStream) {
  Options options;
  options.delivery.slow = SlowPolicy::skip;
  SmallBroker broker(options);
  H2Client client(broker, setting(4, 0));
  client.say(get(1) + get(3));
  client.say(window_update(1, 5) + window_update(3, 7));
  EXPECT_EQ(client.said(1).size(), 5U);
  EXPECT_EQ(client.said(3).size(), 7U);
  std::string one;
  for (int i = 0; i < 20; ++i) client.say(window_update(1, 1)), one += client.said(1);
  EXPECT_EQ(one.size(), 20U);
}

TEST(H2Port, AStreamThatTakesNothingIsEndedAsSlow) {
  Options options;
  options.delivery.stall = 5s;
  SmallBroker broker(options);
  H2Client client(broker, setting(4, 0));
  client.say(get(1) + get(3) + window_update(3, 60'000));
  broker.pass(8s);
  EXPECT_EQ(client.end(1), "reset 8");
  EXPECT_EQ(client.end(3), "");
  EXPECT_EQ(broker.reported().subscribers, 1U);
}

TEST(H2Port, AnswersThatAreNotReadAreBoundedAndGivenUp) {
  Options options;
  options.delivery.stall = 5s;
  options.limits.poll_bytes = 512U << 10U;
  SmallBroker broker(options);
  for (int i = 0; i < 8; ++i) broker.publish("a", std::string(60'000, 'x'));
  H2Client client(broker, setting(4, 0));
  const std::string poll = "/events?channel=a&poll=1&replay=100";
  for (std::uint32_t i = 0; i < 5; ++i) client.say(get(2 * i + 1, poll));
  EXPECT_EQ(client.end(9), "reset 7");
  EXPECT_GE(broker.counters().h2_streams_refused_total, 1U);
  broker.pass(10s);
  EXPECT_EQ(client.end(1), "reset 8");
  EXPECT_GE(broker.counters().h2_answers_stalled_total, 3U);
  client.say(get(11, "/fanfare.js"));
  EXPECT_EQ(client.status(11), "200") << "the connection goes on";
}

// HPACK has a client say a field that it repeats in one byte.
TEST(H2Port, RequestsThatWaitAreBoundedByTheirHeads) {
  Options options;
  options.limits.head_time = 60s;
  SmallBroker broker(options);
  std::deque<H2Client> clients;
  const Fields padded = {{"x-padding", std::string(14'000, 'x')}};
  for (int i = 0; i < 6; ++i) {
    H2Client& client = clients.emplace_back(broker);
    for (std::uint32_t request = 0; request < 240; ++request) {
      client.say(post_head(2 * request + 1, "/events", padded));
    }
  }
  const std::uint64_t refused = broker.counters().h2_streams_refused_total;
  EXPECT_GT(refused, 200U);
  EXPECT_LT(refused, 500U);
  EXPECT_EQ(clients.back().end(479), "reset 7");
  H2Client other(broker);
  other.say(get(1, "/events?channel=a", padded));
  EXPECT_EQ(other.status(1), "200") << "who has one request is served";
  clients.front().peer().hang_up();
  broker.pass();
  clients.back().say(get(481, "/events?channel=a", padded));
  EXPECT_EQ(clients.back().status(481), "200") << "there is room again";
}

TEST(H2Port, APollWaitsAndIsAnswered) {
  SmallBroker broker;
  H2Client client(broker);
  const Fields cursor = {{"last-event-id", "ep0ch00-0"}};
  client.say(get(1, "/events?channel=a&poll=1&wait=30s", cursor) +
             get(3, "/events?channel=b&poll=1&wait=30s", cursor));
  EXPECT_EQ(broker.reported().polls_waiting, 2U);
  EXPECT_EQ(client.status(1), "");
  broker.publish("a", "1");
  EXPECT_EQ(client.status(1), "200");
  EXPECT_THAT(client.said(1), HasSubstr("data: 1\n"));
  EXPECT_EQ(client.end(1), "complete");
  client.say(rst(3));
  EXPECT_EQ(broker.reported().polls_waiting, 0U) << "its client has left";
}

TEST(H2Port, AnswersAsOnHttp1) {
  Options options;
  options.cors.origins = {"https://a.example"};
  options.limits.body_bytes = 1024;
  SmallBroker broker(options);
  H2Client client(broker);
  client.say(get(1, "/nowhere", {{"origin", "https://a.example"}}));
  EXPECT_EQ(client.status(1), "404");
  EXPECT_EQ(client.field(1, "access-control-allow-origin"), "https://a.example");
  client.say(frame(kHeaders, kEndHeaders | kEndStream, 3,
                   block({{":method", "OPTIONS"},
                          {":scheme", "http"},
                          {":path", "/events"},
                          {":authority", "x"},
                          {"origin", "https://a.example"},
                          {"access-control-request-method", "GET"}})));
  EXPECT_EQ(client.status(3), "204");
  client.say(frame(kHeaders, kEndHeaders | kEndStream, 5,
                   block({{":method", "HEAD"},
                          {":scheme", "http"},
                          {":path", "/events?channel=a"},
                          {":authority", "x"}})));
  EXPECT_EQ(client.status(5), "200");
  EXPECT_EQ(client.end(5), "complete");
  client.say(post_head(7, "/events", {{"content-length", "2000"}}));
  EXPECT_EQ(client.status(7), "413");
  client.say(post_head(9, "/events") + frame(kData, 0, 9, std::string(2000, 'x')));
  EXPECT_EQ(client.status(9), "413");
  client.say(get(11, "/" + std::string(9000, 'x')));
  EXPECT_EQ(client.status(11), "414");
  client.say(get(13, "/position?channel=a"));
  EXPECT_EQ(client.status(13), "200");
  for (const Heard& one : client.heard()) {
    EXPECT_EQ(one.value("connection") + one.value("transfer-encoding"), "");
  }
  EXPECT_THAT(client.goodbyes(), IsEmpty());
}

TEST(H2Port, HonoursExpectContinue) {
  SmallBroker broker;
  H2Client client(broker);
  client.say(post_head(1, "/events?channel=a", {{"expect", "100-continue"}}));
  EXPECT_EQ(client.status(1), "100");
}

TEST(H2Port, APrefaceInPiecesIsOneAndAPostIsNot) {
  SmallBroker broker;
  Peer& slow = broker.subscriber();
  for (const char c : greeting() + get(1)) {
    slow.say(std::string(1, c));
    broker.pass(1ms);
  }
  Ear ear;
  const auto heard = ear.hear(slow.take());
  EXPECT_NE(std::ranges::find(heard, kHeaders, &Heard::type), heard.end());

  Peer& post = broker.subscriber();
  post.say("P");
  broker.pass();
  post.say("OST /events?channel=a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  broker.pass();
  EXPECT_THAT(post.take(), StartsWith("HTTP/1.1 200 "));
}

TEST(H2Port, IsOffIfItIsTurnedOff) {
  Options options;
  options.listen.h2c = false;
  SmallBroker broker(options);
  Peer& client = broker.subscriber();
  client.say(greeting());
  broker.pass();
  EXPECT_THAT(client.take(), StartsWith("HTTP/1.1 505 "));
  EXPECT_EQ(broker.counters().h2_connections_total, 0U);
}

TEST(H2Port, AnIdleConnectionIsEndedWithAGoodbye) {
  Options options;
  options.limits.idle_time = 5s;
  SmallBroker broker(options);
  H2Client idle(broker);
  H2Client streaming(broker);
  streaming.say(get(1));
  broker.pass(8s);
  EXPECT_THAT(idle.goodbyes(), ElementsAre(0U));
  EXPECT_TRUE(idle.peer().ended());
  EXPECT_FALSE(streaming.peer().gone());
  EXPECT_EQ(broker.closes(CloseReason::idle_timeout), 1U);
  EXPECT_EQ(broker.counters().h2_connections_open, 1U);
}

TEST(H2Port, RequestsThatDoNotEndAreGivenUp) {
  Options options;
  options.limits.head_time = 2s;
  SmallBroker broker(options);
  H2Client client(broker);
  client.say(post_head(1, "/events?channel=a") + frame(kData, 0, 1, "x"));
  broker.pass(4s);
  EXPECT_EQ(client.status(1), "408");
  EXPECT_FALSE(client.peer().gone());
  client.say(frame(kHeaders, kEndStream, 3, get_block()));
  broker.pass(4s);
  EXPECT_TRUE(client.peer().gone());
  Peer& preface = broker.subscriber();
  preface.say(greeting().substr(0, 10));
  broker.pass(4s);
  EXPECT_TRUE(preface.gone());
  EXPECT_EQ(broker.closes(CloseReason::head_timeout), 2U);
}

TEST(H2Port, AStoppingBrokerSaysGoodbyeTellsEachStreamToComeBackAndHangsUp) {
  Options options;
  options.limits.drain = 20s;
  SmallBroker broker(options);
  H2Client client(broker);
  client.say(get(1) + get(3));
  client.said(1), client.said(3);
  broker.drain();
  ASSERT_THAT(client.goodbyes(), ElementsAre(0U)) << "announced";
  EXPECT_EQ(client.end(1) + client.end(3), "");
  H2Client newcomer(broker);
  newcomer.say(get(1));
  EXPECT_THAT(newcomer.said(1), StartsWith("retry: "));
  EXPECT_EQ(newcomer.end(1), "") << "not before it has been read";
  broker.pass(3s);
  EXPECT_EQ(newcomer.end(1), "reset 8");
  broker.pass(24s);
  for (const std::uint32_t stream : {1U, 3U}) {
    EXPECT_THAT(client.said(stream), StartsWith("retry: "));
    EXPECT_EQ(client.end(stream), "reset 8");
  }
  EXPECT_THAT(client.goodbyes(), ElementsAre(0U, 0U));
  EXPECT_TRUE(client.peer().ended());
  EXPECT_TRUE(newcomer.peer().ended());
  EXPECT_TRUE(broker.finished());
}

// A browser drops what it has not passed on to the page when a reset comes.
TEST(H2Port, TheResetOfAStreamLeavesTimeToReadItsLastWords) {
  Options options;
  options.delivery.stream_life = 2s;
  SmallBroker broker(options);
  H2Client client(broker);
  client.say(get(1));
  client.said(1);
  std::string last;
  for (int i = 0; i < 50 && last.empty(); ++i) {
    broker.pass(100ms);
    last = client.said(1);
  }
  EXPECT_THAT(last, StartsWith("retry: "));
  broker.pass(800ms);
  EXPECT_EQ(client.end(1), "") << "the client is still reading";
  EXPECT_EQ(broker.reported().subscribers, 0U) << "it holds no place meanwhile";
  broker.pass(2s);
  EXPECT_EQ(client.end(1), "reset 8");
  EXPECT_FALSE(client.peer().gone());
}

// One that is told to come back later is told so in an answer, which breaks off like a stream.
TEST(H2Port, TheResetOfABrokenAnswerLeavesTimeToReadIt) {
  SmallBroker broker;
  for (std::uint32_t i = 0; i < SmallBroker::kSubscribersMax; ++i) broker.get("/events?channel=a");
  H2Client client(broker);
  client.say(get(1) + get(3));
  for (const std::uint32_t stream : {1U, 3U}) {
    EXPECT_THAT(client.said(stream), StartsWith("retry: "));
  }
  broker.pass(800ms);
  EXPECT_EQ(client.end(1) + client.end(3), "") << "the client is still reading";
  client.say(rst(3));  // it does not have to wait for the end
  broker.pass(2s);
  EXPECT_EQ(client.end(1), "reset 8");
  EXPECT_EQ(client.end(3), "");
  EXPECT_EQ(broker.counters().h2_answers_stalled_total, 0U);
  client.say(get(5));
  client.peer().hang_up();
  broker.pass(3s);
  EXPECT_EQ(broker.counters().h2_connections_open, 0U);
}

TEST(H2Port, WhatAFullSocketHeldBackFollowsOnEachStream) {
  Options options;
  options.delivery.slow = SlowPolicy::skip;
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 8192;
  SmallBroker broker(options, nullptr, faults);
  H2Client client(broker, setting(4, 1U << 24U));
  client.say(window_update(0, 1U << 24U) + get(1, "/events?channel=a") +
             get(3, "/events?channel=b"));
  client.said(1), client.said(3);
  client.peer().stop_reading();
  std::string all;
  std::string other;
  for (int i = 1; i <= 100; i += 2) {
    broker.publish("a", std::string(1000, 'x'));
    broker.publish("b", std::string(1000, 'y'));
    all += event(i, std::string(1000, 'x'));
    other += event(i + 1, std::string(1000, 'y'));
  }
  EXPECT_EQ(broker.reported().subscribers_behind, 2U);
  client.peer().read_on();
  broker.pass(1s);
  EXPECT_TRUE(client.said(1) == all);
  EXPECT_TRUE(client.said(3) == other);
  EXPECT_EQ(broker.reported().subscribers_behind, 0U);
}

TEST(H2Port, NotesItsRequestsInTheAccessLog) {
  Options options;
  options.access.log = "log";
  SmallBroker broker(options);
  H2Client client(broker);
  client.say(get(1) + get(3, "/fanfare.js"));
  EXPECT_THAT(broker.access_lines(), HasSubstr("\"path\":\"/fanfare.js\",\"status\":200"));
  client.say(rst(1));
  const std::string lines = broker.access_lines();
  EXPECT_THAT(lines, HasSubstr("\"path\":\"/events\""));
  EXPECT_THAT(lines, HasSubstr("\"end\":\"peer_closed\""));
}

TEST(H2Port, AClientThatBreaksTheRulesIsToldAndDisconnected) {
  SmallBroker broker;
  H2Client client(broker);
  client.say(get(1));
  client.say(frame(kData, 0, 0, "x"));
  EXPECT_THAT(client.goodbyes(), ElementsAre(1U));
  EXPECT_EQ(broker.reported().subscribers, 0U);
  broker.pass(3s);
  EXPECT_TRUE(client.peer().gone());
  EXPECT_EQ(broker.closes(CloseReason::h2_violation), 1U);
  EXPECT_EQ(broker.counters().h2_violations_total, 1U);
}

}  // namespace
}  // namespace fanfare::server
