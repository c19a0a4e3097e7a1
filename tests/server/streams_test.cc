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

}  // namespace
}  // namespace fanfare::server
