// How event streams begin: where in the log, and what is said before the first event.
#include "broker/server/streams.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::body_of;
using ::testing::EndsWith;
using testing::events_of;
using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

// A surface that has something to tell every second.
class Chatty final : public AdminSurface {
 public:
  AdminAnswer answer(std::string_view, const Snapshot&) override {
    return {.content_type = "text/plain", .body = "hello\n"};
  }
  std::string live_event(const Snapshot&) override { return "secret"; }
};

TEST(Streams, NoPatternFindsTheBrokersOwnChannels) {
  Chatty surface;
  SmallBroker broker({}, &surface);
  for (const std::string_view topic : {"**", "*/live", "*/*", "**/live", "*admin/live"}) {
    Peer& early = broker.get("/events?channel=" + std::string(topic));
    broker.pass(3s);
    Peer& late = broker.get("/events?lastEventId=earliest&channel=" + std::string(topic));
    EXPECT_EQ(events_of(early.take()), "") << topic;
    EXPECT_EQ(events_of(late.take()), "") << topic;
    early.hang_up();
    late.hang_up();
  }
}

TEST(Streams, TheBrokersOwnChannelsCannotBeNamed) {
  Chatty surface;
  SmallBroker broker({}, &surface);
  for (const std::string_view topic : {"~admin/live", "~admin/*", "~**", "~*/live"}) {
    Peer& peer = broker.get("/events?channel=a&channel=" + std::string(topic));
    EXPECT_THAT(peer.take(), HasSubstr("400 Bad Request")) << topic;
  }
}

TEST(Streams, TheAdminListenerHasTheBrokersOwnChannel) {
  Chatty surface;
  SmallBroker broker({}, &surface);
  Peer& peer = broker.operators();
  peer.say("GET /events HTTP/1.0\r\n\r\n");
  broker.pass(2s);
  EXPECT_THAT(events_of(peer.take()), HasSubstr("data: secret\n"));
}

TEST(Streams, WhoLooksOnIsNotAmongTheSubscribers) {
  Chatty surface;
  SmallBroker broker({}, &surface);
  Peer& watcher = broker.publisher();
  watcher.say("{\"op\":\"watch\"}\n");
  broker.pass();
  watcher.take();
  Peer& page = broker.operators();
  page.say("GET /events HTTP/1.0\r\nLast-Event-ID: ep0ch00-0\r\n\r\n");
  broker.pass();
  Counters counters = broker.reported();
  EXPECT_EQ(counters.admin_streams, 1U);
  EXPECT_EQ(counters.admin_connections_open, 1U);
  EXPECT_EQ(counters.admin_requests_total, 1U);
  EXPECT_EQ(counters.subscribers, 0U);
  EXPECT_EQ(counters.subscribers_behind, 0U);
  EXPECT_EQ(counters.subscriptions_total, 0U);
  EXPECT_EQ(counters.resumed_total, 0U);
  EXPECT_EQ(counters.requests_total, 0U);
  EXPECT_EQ(counters.connections_open, 0U);
  EXPECT_EQ(counters.connections_accepted_total, 0U);
  page.hang_up();
  counters = broker.reported();
  EXPECT_EQ(counters.admin_streams, 0U);
  EXPECT_EQ(counters.admin_connections_open, 0U);
  EXPECT_EQ(watcher.take(), "") << "and nobody is told that it came or went";
}

TEST(Streams, ASubscriberIsCounted) {
  SmallBroker broker;
  Peer& peer = broker.get("/events?channel=a", "Last-Event-ID: ep0ch00-0\r\n");
  Counters counters = broker.reported();
  EXPECT_EQ(counters.subscribers, 1U);
  EXPECT_EQ(counters.subscriptions_total, 1U);
  EXPECT_EQ(counters.resumed_total, 1U);
  EXPECT_EQ(counters.requests_total, 1U);
  EXPECT_EQ(counters.connections_open, 1U);
  peer.hang_up();
  counters = broker.reported();
  EXPECT_EQ(counters.subscribers, 0U);
  EXPECT_EQ(counters.connections_open, 0U);
  EXPECT_EQ(counters.connections_accepted_total, 1U);
}

TEST(Streams, AHeadIsAnsweredAndBeginsNothing) {
  SmallBroker broker;
  Peer& peer = broker.subscriber();
  peer.say("HEAD /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass();
  const std::string answer = peer.take();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/event-stream; charset=utf-8\r\n"));
  EXPECT_EQ(body_of(answer), "");
  EXPECT_EQ(broker.reported().subscribers, 0U);
  EXPECT_EQ(broker.command("PUBLISH a 1\r\n"), ":0\r\n");
  EXPECT_FALSE(peer.ended());
}

TEST(Streams, TellWhyAnIdCannotBeResumedFrom) {
  Options options;
  options.history.events = 2;
  SmallBroker broker(options);
  for (const std::string_view data : {"1", "2", "3"}) broker.publish("a", data);
  const auto resumed_from = [&](std::string_view id) {
    return events_of(
        broker.get("/events?channel=a", "Last-Event-ID: " + std::string(id) + "\r\n").take());
  };
  const std::string left = "data: 2\nid: ep0ch00-2\n\ndata: 3\nid: ep0ch00-3\n\n";
  EXPECT_EQ(resumed_from("ep0ch00-1"), left) << "nothing is missing";
  EXPECT_EQ(resumed_from("ep0ch00-3"), "");
  for (const auto& [id, reason, shown] : {std::tuple("ep0ch00-0", "evicted", "ep0ch00-0"),
                                          std::tuple("0ther00-7", "restarted", "0ther00-7"),
                                          std::tuple("ep0ch00-4", "unknown", "ep0ch00-4"),
                                          std::tuple("what\"is\\this", "unknown", "whatisthis")}) {
    const std::string events = resumed_from(id);
    EXPECT_THAT(events, StartsWith(fmt::format("event: gap\ndata: {{\"reason\":\"{}\",\"after\":"
                                               "\"{}\",",
                                               reason, shown)))
        << id;
    EXPECT_THAT(events, EndsWith(left)) << id;
  }
  EXPECT_EQ(broker.counters().gaps_total, 4U);
}

TEST(Streams, WhoeverDoesNotFitIsToldToComeBackAndCountedSo) {
  SmallBroker broker;
  for (std::uint32_t i = 0; i < SmallBroker::kSubscribersMax; ++i) broker.get("/events?channel=a");
  Peer& surplus = broker.get("/events?channel=a");
  const std::string answer = surplus.take();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n")) << "anything else kills an EventSource";
  EXPECT_THAT(body_of(answer), StartsWith("retry: "));
  broker.pass(2s);
  EXPECT_TRUE(surplus.reset()) << "over HTTP/1.0 a FIN would say that the stream is complete";
  EXPECT_EQ(broker.closes(CloseReason::overloaded), 1U);
  EXPECT_EQ(broker.counters().overload_answers_total, 1U);
  EXPECT_EQ(broker.reported().subscribers, SmallBroker::kSubscribersMax);
}

}  // namespace
}  // namespace fanfare::server
