// Every way in which [delivery] and [[channel]] can have events delivered.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using testing::body_of;
using testing::channel_rule;
using ::testing::EndsWith;
using testing::events_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::position_of;
using testing::SmallBroker;
using ::testing::StartsWith;

std::string event(std::string_view data, int sequence) {
  return fmt::format("data: {}\nid: {}-{}\n\n", data, SmallBroker::kEpoch, sequence);
}

sim::Faults small_sockets() {
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  return faults;
}

const std::string kLong(1000, 'x');
constexpr std::string_view kBrowser =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/event-stream\r\n"
    "Cache-Control: no-cache\r\n";

// ---- gap_event

TEST(GapEvent, BearsTheConfiguredName) {
  Options options;
  options.history.events = 1;
  options.delivery.gap_event = "lost";
  SmallBroker broker(options);
  for (const std::string_view data : {"1", "2", "3"}) broker.publish("a", data);
  const std::string events =
      events_of(broker.get("/events?channel=a", "Last-Event-ID: ep0ch00-1\r\n").take());
  EXPECT_EQ(events,
            "event: lost\ndata: {\"reason\":\"evicted\",\"after\":\"ep0ch00-1\",\"resumed\":"
            "\"ep0ch00-2\"}\nid: ep0ch00-2\n\n" +
                event("3", 3));
  EXPECT_EQ(broker.counters().gaps_total, 1U);
}

// A client could not tell a gap that a publisher made up from one of the broker's.
TEST(GapEvent, CannotBeForgedInAnyDialect) {
  for (const auto& [gap, end] : {std::pair("gap", ""), std::pair("lost", "end")}) {
    Options options;
    options.delivery.gap_event = gap;
    options.delivery.end_event = end;
    SmallBroker broker(options);
    for (const std::string_view name : {std::string_view(gap), std::string_view(end),
                                        std::string_view("~position"), std::string_view("~x")}) {
      if (name.empty()) continue;
      EXPECT_THAT(broker.command(fmt::format("XADD a * data x event {}", name)),
                  AllOf(StartsWith("-ERR "), HasSubstr("reserved for the broker")));
      EXPECT_THAT(broker.command(fmt::format("MULTI\r\nXADD a * data x event {}\r\nEXEC", name)),
                  AllOf(HasSubstr("reserved for the broker"), HasSubstr("-EXECABORT")));
      const std::string line =
          fmt::format("{{\"channel\":[\"a\",\"b\"],\"data\":\"x\",\"event\":\"{}\"}}\n", name);
      Peer& lines = broker.publisher();
      lines.say(line);
      Peer& batch = broker.publisher();
      batch.say(
          fmt::format("POST /publish HTTP/1.1\r\nHost: x\r\nContent-Type: "
                      "application/x-ndjson\r\nContent-Length: {}\r\n\r\n{}",
                      line.size(), line));
      broker.pass();
      EXPECT_THAT(lines.take(),
                  AllOf(HasSubstr("\"ok\":false"), HasSubstr("reserved for the broker")));
      EXPECT_THAT(batch.take(),
                  AllOf(HasSubstr("\"ok\":false"), HasSubstr("reserved for the broker")));
      for (const std::string& head :
           {fmt::format("POST /publish/a?event={} HTTP/1.1\r\n", name),
            fmt::format("POST /publish/a HTTP/1.1\r\nX-Event-Type: {}\r\n", name),
            fmt::format("PUT /publish/a HTTP/1.1\r\nX-EventSource-Event: {}\r\n", name)}) {
        Peer& http = broker.publisher();
        http.say(head + "Host: x\r\nContent-Length: 1\r\n\r\nx");
        broker.pass();
        EXPECT_THAT(http.take(),
                    AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("reserved for the broker")))
            << head;
      }
    }
    EXPECT_EQ(broker.counters().ingest_events_total, 0U);
    EXPECT_THAT(broker.command("XADD a * data x event other"), StartsWith("$"));
  }
}

TEST(GapEvent, WithoutANameLeavesItToPublishers) {
  Options options;
  options.delivery.gap_event = "";
  SmallBroker broker(options);
  EXPECT_THAT(broker.command("XADD a * data x event gap"), StartsWith("$"));
}

TEST(GapEvent, WithoutANameIsNotSentWhenAClientResumes) {
  Options options;
  options.history.events = 1;
  options.delivery.gap_event = "";
  SmallBroker broker(options);
  for (const std::string_view data : {"1", "2", "3"}) broker.publish("a", data);
  for (const std::string_view id : {"ep0ch00-1", "ep0ch00-9", "0ther00-7", "nonsense"}) {
    Peer& peer = broker.get("/events?channel=a", fmt::format("Last-Event-ID: {}\r\n", id));
    EXPECT_EQ(events_of(peer.take()), event("3", 3)) << id;
    broker.command("PING");
    peer.hang_up();
  }
  EXPECT_EQ(broker.counters().gaps_total, 0U);
}

TEST(GapEvent, WithoutANameIsNotSentToASlowOneEither) {
  Options options;
  options.history.events = 3;
  options.delivery.slow = SlowPolicy::skip;
  options.delivery.gap_event = "";
  SmallBroker broker(options, nullptr, small_sockets());
  Peer& peer = broker.get("/events?channel=a");
  peer.stop_reading();
  for (int i = 1; i <= 30; ++i) broker.publish("a", kLong);
  peer.read_on();
  broker.pass(1s);
  const std::string all = peer.take();
  EXPECT_THAT(all, Not(HasSubstr("event:")));
  EXPECT_TRUE(all.ends_with(event(kLong, 28) + event(kLong, 29) + event(kLong, 30)));
  EXPECT_EQ(broker.counters().gaps_total, 0U);
  broker.publish("a", "on");
  EXPECT_EQ(peer.take(), event("on", 31));
}

TEST(GapEvent, IsSentToANewClientThatLosesEventsWhileItReads) {
  Options options;
  options.history.events = 50;
  options.delivery.slow = SlowPolicy::disconnect;
  SmallBroker broker(options, nullptr, small_sockets());
  for (int i = 1; i <= 40; ++i) broker.publish("a", kLong);
  Peer& peer = broker.subscriber();
  peer.stop_reading();
  peer.say("GET /events?channel=a HTTP/1.0\r\nLast-Event-ID: ep0ch00-0\r\n\r\n");
  broker.pass();
  for (int i = 41; i <= 100; ++i) broker.publish("a", kLong);
  peer.read_on();
  broker.pass(1s);
  const std::string all = peer.take();
  EXPECT_THAT(all, HasSubstr("event: gap\ndata: {\"reason\":\"evicted\","));
  EXPECT_TRUE(all.ends_with(event(kLong, 99) + event(kLong, 100)));
  EXPECT_FALSE(peer.gone());
}

// ---- end_event

TEST(EndEvent, ComesOnceBeforeTheEndToPromptAndToSlowReaders) {
  Options options;
  options.delivery.end_event = "bye";
  SmallBroker broker(options, nullptr, small_sockets());
  Peer& prompt = broker.get("/events?channel=a");
  Peer& slow = broker.get("/events?channel=a");
  std::string all = slow.take();
  slow.stop_reading();
  for (int i = 1; i <= 10; ++i) broker.publish("a", kLong);
  prompt.take();
  broker.command("SSE.FINISH a");
  EXPECT_EQ(prompt.take(), "event: bye\ndata: \n\n");
  EXPECT_TRUE(prompt.ended());
  slow.read_on();
  broker.pass(1s);
  all += slow.take();
  EXPECT_TRUE(all.ends_with(event(kLong, 10) + "event: bye\ndata: \n\n"));
  EXPECT_TRUE(slow.ended());
}

TEST(EndEvent, IsNotSentWhereNoneIsConfigured) {
  SmallBroker broker;
  Peer& peer = broker.subscriber();
  peer.say("GET /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass();
  peer.take();
  broker.command("SSE.FINISH a");
  EXPECT_EQ(peer.take(), "0\r\n\r\n");
}

TEST(EndEvent, IsNotSentOnARawStream) {
  Options options;
  options.delivery.end_event = "bye";
  SmallBroker broker(options);
  Peer& peer = broker.get("/events?channel=a&format=raw");
  broker.publish("a", "last");
  broker.command("SSE.FINISH a");
  EXPECT_EQ(body_of(peer.take()), "last");
  EXPECT_TRUE(peer.ended());
}

// ---- announce_position

class PositionOfAStream : public ::testing::TestWithParam<AnnouncePosition> {
 protected:
  static Options options() {
    Options options;
    options.delivery.announce_position = GetParam();
    return options;
  }
  SmallBroker broker_{options()};
};

TEST_P(PositionOfAStream, IsSentToABrowserUnlessItIsTurnedOff) {
  broker_.publish("a", "1");
  const std::string position = position_of(broker_.get("/events?channel=a", kBrowser).take());
  EXPECT_EQ(position,
            GetParam() == AnnouncePosition::never ? "" : testing::position_event("ep0ch00-1"));
}

TEST_P(PositionOfAStream, IsNotSentToAClientThatResumes) {
  broker_.publish("a", "1");
  const std::string fields = std::string(kBrowser) + "Last-Event-ID: ep0ch00-1\r\n";
  const std::string answer = broker_.get("/events?channel=a", fields).take();
  EXPECT_EQ(position_of(answer) + events_of(answer), "");
}

TEST_P(PositionOfAStream, IsNothingForARawStream) {
  broker_.publish("a", "1");
  const std::string answer = broker_.get("/events?channel=a&format=raw", kBrowser).take();
  EXPECT_EQ(body_of(answer), "");
}

INSTANTIATE_TEST_SUITE_P(Modes, PositionOfAStream,
                         ::testing::Values(AnnouncePosition::automatic, AnnouncePosition::always,
                                           AnnouncePosition::never));

TEST(Position, IsSentToEveryClientWhereConfiguredAlways) {
  Options options;
  options.delivery.announce_position = AnnouncePosition::always;
  SmallBroker broker(options);
  broker.publish("a", "1");
  const std::string answer = broker.get("/events?channel=a", "User-Agent: anything/1.0\r\n").take();
  EXPECT_EQ(position_of(answer), testing::position_event("ep0ch00-1"));
}

TEST(Position, NeedsNoEventToBeResumedFrom) {
  Options options;
  options.delivery.announce_position = AnnouncePosition::always;
  SmallBroker broker(options);
  broker.publish("a", "1");
  Peer& peer = broker.get("/events?channel=a");
  EXPECT_EQ(position_of(peer.take()), testing::position_event("ep0ch00-1"));
  peer.hang_up();
  broker.publish("a", "2");
  Peer& again = broker.get("/events?channel=a", "Last-Event-ID: ep0ch00-1\r\n");
  EXPECT_EQ(events_of(again.take()), event("2", 2));
}

// ---- slow

// Falls out of the history of `channel`; true: the stream went on behind a gap.
bool goes_on(const Options& options, std::string_view channels, std::string_view channel) {
  SmallBroker broker(options, nullptr, small_sockets());
  Peer& peer = broker.get(fmt::format("/events?{}", channels));
  peer.stop_reading();
  for (int i = 1; i <= 30; ++i) broker.publish(channel, kLong);
  peer.read_on();
  broker.pass(2s);
  const bool told = peer.take().find("event: gap") != std::string::npos;
  EXPECT_EQ(told, !peer.gone());
  return told;
}

TEST(Slow, IsForgivenChannelByChannel) {
  for (const bool general : {false, true}) {
    Options options;
    options.history.events = 3;
    options.delivery.slow = general ? SlowPolicy::skip : SlowPolicy::disconnect;
    channel_rule(options, "mild").slow = SlowPolicy::skip;
    channel_rule(options, "strict/*").slow = SlowPolicy::disconnect;
    EXPECT_EQ(goes_on(options, "channel=a", "a"), general);
    EXPECT_TRUE(goes_on(options, "channel=mild", "mild"));
    EXPECT_FALSE(goes_on(options, "channel=strict/1", "strict/1"));
    EXPECT_TRUE(goes_on(options, "channel=mild&channel=strict/1", "strict/1"))
        << "of several the mildest";
  }
}

TEST(Slow, FollowsASighupOnAStreamThatIsThere) {
  Options options;
  options.history.events = 3;
  options.delivery.slow = SlowPolicy::disconnect;
  SmallBroker broker(options, nullptr, small_sockets());
  Peer& peer = broker.get("/events?channel=a");
  options.delivery.slow = SlowPolicy::skip;
  broker.post(SettingsMessage{std::make_shared<const Options>(options)});
  broker.pass();
  peer.stop_reading();
  for (int i = 1; i <= 30; ++i) broker.publish("a", kLong);
  peer.read_on();
  broker.pass(1s);
  EXPECT_THAT(peer.take(), HasSubstr("event: gap"));
  EXPECT_FALSE(peer.gone());
}

// ---- coalesce

// When what is published 10 ms after the event before it arrives.
Duration arrives_after(const Options& options, std::string_view channel) {
  SmallBroker broker(options);
  Peer& peer = broker.get(fmt::format("/events?channel={}", channel));
  peer.take();
  broker.pass(1s);
  const TimePoint begun = broker.now();
  broker.publish(channel, "1");
  EXPECT_EQ(peer.take(), event("1", 1)) << "the first after a silence waits for nothing";
  const std::uint64_t sends = broker.counters().sends_total;
  broker.publish(channel, "2");
  broker.publish(channel, "3");
  std::string heard = peer.take();
  while (heard.empty() && broker.now() - begun < 5s) {
    broker.pass(1ms);
    heard = peer.take();
  }
  const Duration waited = broker.now() - begun;
  broker.pass(1s);
  heard += peer.take();
  EXPECT_EQ(heard, event("2", 2) + event("3", 3));
  const std::uint64_t together = broker.counters().sends_total - sends;
  EXPECT_EQ(together, waited > 100ms ? 1U : 2U);
  return waited;
}

TEST(Coalesce, HoldsEventsBackForItsTimeAndNoLonger) {
  Options options;
  EXPECT_LT(arrives_after(options, "a"), 80ms);
  // Not a whole number of ticks.
  options.delivery.coalesce = 255ms;
  const Duration waited = arrives_after(options, "a");
  EXPECT_GE(waited, 255ms);
  EXPECT_LE(waited, 265ms);
}

TEST(Coalesce, FollowsTheChannelsOwnRule) {
  Options options;
  options.delivery.coalesce = 3s;
  channel_rule(options, "prompt").coalesce = Duration(0);
  channel_rule(options, "screen").coalesce = 444ms;
  EXPECT_LT(arrives_after(options, "prompt"), 80ms);
  const Duration waited = arrives_after(options, "screen");
  EXPECT_GE(waited, 444ms);
  EXPECT_LE(waited, 454ms);
  EXPECT_GE(arrives_after(options, "a"), 3s);
}

// ---- retry, history

TEST(ChannelRules, TellTheirOwnRetry) {
  Options options;
  options.delivery.retry = 2s;
  channel_rule(options, "rare").retry = 60s;
  SmallBroker broker(options);
  const auto retry = [&](std::string_view target) {
    return std::stoll(
        body_of(broker.get(target).take()).substr(std::string_view("retry: ").size()));
  };
  EXPECT_LE(retry("/events?channel=a"), 3'000);
  EXPECT_GE(retry("/events?channel=rare"), 60'000);
  EXPECT_LE(retry("/events?channel=rare"), 90'000);
}

TEST(ChannelRules, KeepTheirOwnHistory) {
  Options options;
  options.history.events = 5;
  options.history.age = 10s;
  channel_rule(options, "long").history_events = 7;
  channel_rule(options, "small").history_bytes = 1024;
  channel_rule(options, "brief/**").history_age = 3s;
  channel_rule(options, "live").history_events = 0;
  SmallBroker broker(options);
  const auto left = [&](std::string_view channel) {
    const std::string events = events_of(
        broker.get(fmt::format("/events?channel={}&lastEventId=earliest", channel)).take());
    std::size_t count = 0;
    for (std::size_t at = 0; (at = events.find("data: ", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  for (const std::string_view channel : {"a", "long", "small", "brief/1", "live"}) {
    for (int i = 0; i < 9; ++i) broker.publish(channel, std::string(200, 'x'));
  }
  EXPECT_EQ(left("a"), 5U);
  EXPECT_EQ(left("long"), 7U);
  EXPECT_EQ(left("small"), 4U) << "each frame has 235 bytes or so";
  EXPECT_EQ(left("brief/1"), 5U);
  EXPECT_EQ(left("live"), 0U);
  broker.pass(5s);
  EXPECT_EQ(left("brief/1"), 0U);
  EXPECT_EQ(left("a"), 5U);
  broker.pass(8s);
  EXPECT_EQ(left("a"), 0U);
}

}  // namespace
}  // namespace fanfare::server
