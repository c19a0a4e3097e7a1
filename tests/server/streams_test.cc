// How event streams begin: where in the log, and what is said before the first event.
#include "broker/server/streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::body_of;
using testing::events_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;

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

}  // namespace
}  // namespace fanfare::server
