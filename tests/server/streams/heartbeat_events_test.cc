// Heartbeats that programs see: by whose wish, in which form, and how many names there may be.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "broker/server/streams/heartbeats.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using testing::body_of;
using testing::events_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::route_rule;
using testing::SmallBroker;
using ::testing::StartsWith;

constexpr Duration kHeartbeat = 2s;

Options quick() {
  Options options;
  options.delivery.heartbeat = kHeartbeat;
  return options;
}

// What the stream hears in a silence of one heartbeat.
std::string heartbeat(SmallBroker& broker, Peer& peer) {
  peer.take();
  broker.pass(kHeartbeat);
  return peer.take();
}

TEST(HeartbeatEvents, AreWhatTheClientTheRouteOrTheConfigurationSays) {
  Options options = quick();
  options.delivery.heartbeat_event = "general";
  route_rule(options, "/route", {"a"}).heartbeat_event = "route";
  route_rule(options, "/unseen", {"a"}).heartbeat_event = "";
  route_rule(options, "/plain", {"a"});
  SmallBroker broker(options);
  const auto heard = [&](std::string_view target) { return heartbeat(broker, broker.get(target)); };
  EXPECT_THAT(heard("/events?channel=a"), StartsWith("event: general\ndata: {\"time\":\"1970-"));
  EXPECT_THAT(heard("/plain"), StartsWith("event: general\n"));
  EXPECT_THAT(heard("/route"), StartsWith("event: route\n"));
  EXPECT_EQ(heard("/unseen"), ":\n");
  EXPECT_THAT(heard("/route?heartbeat_event=mine"), StartsWith("event: mine\n"));
  EXPECT_EQ(heard("/route?heartbeat_event="), ":\n");
  EXPECT_THAT(heard("/events?channel=a&heartbeat_event=mine&with=channel"),
              StartsWith("event: mine\n"));
  EXPECT_THAT(heard("/events?channel=a&heartbeat_event=mine&format=json"),
              StartsWith("{\"heartbeat\":\"mine\",\"time\":\"1970-"));
  EXPECT_EQ(heard("/events?channel=a&heartbeat_event=mine&format=raw"), "");
}

TEST(HeartbeatEvents, TellTheTimeOfEachAndNoId) {
  SmallBroker broker(quick());
  Peer& peer = broker.get("/events?channel=a&heartbeat_event=ping");
  peer.take();
  std::string before;
  for (int beat = 0; beat < 3; ++beat) {
    const std::string heard = heartbeat(broker, peer);
    const auto date = broker.date();
    EXPECT_EQ(heard, fmt::format("event: ping\ndata: {{\"time\":\"1970-01-01T00:{}Z\"}}\n\n",
                                 heard.substr(41, 5)));
    EXPECT_LE(std::stoi(heard.substr(44, 2)), date.time_since_epoch().count() % 60);
    EXPECT_NE(heard, before);
    before = heard;
  }
}

TEST(HeartbeatEvents, AreSentToTheirEndWhenTheyAreCut) {
  SmallBroker broker(quick());
  Peer& peer = broker.subscriber();
  peer.say("GET /events?channel=a&heartbeat_event=ping HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass();
  peer.take();
  broker.faults().send_short = 1;
  broker.pass(20s);
  broker.faults().send_short = 0;
  broker.pass(3s);
  std::string heard = peer.take();
  int beats = 0;
  for (; !heard.empty(); ++beats) {
    const std::string_view begin = "33\r\nevent: ping\ndata: {\"time\":\"1970-01-01T00:";
    ASSERT_THAT(heard, StartsWith(std::string(begin)));
    const std::size_t end = heard.find("Z\"}\n\n\r\n");
    ASSERT_EQ(end, begin.size() + 5);
    heard.erase(0, end + 7);
  }
  EXPECT_GE(beats, 5);
}

TEST(HeartbeatEvents, OfSeveralNamesAndFormsAreSentTogether) {
  SmallBroker broker(quick(), nullptr, {}, 64);
  std::vector<std::pair<Peer*, std::string>> peers;
  for (int i = 0; i < 8; ++i) {
    peers.emplace_back(&broker.get(fmt::format("/events?channel=a&heartbeat_event=n{}", i)),
                       fmt::format("event: n{}\n", i));
    peers.emplace_back(&broker.get("/events?channel=a"), ":\n");
    peers.emplace_back(
        &broker.get(fmt::format("/events?channel=a&format=json&heartbeat_event=n{}", i)),
        fmt::format("{{\"heartbeat\":\"n{}\",", i));
    peers.emplace_back(&broker.get("/events?channel=a&format=json"), " ");
  }
  for (const auto& [peer, expected] : peers) peer->take();
  broker.pass(kHeartbeat + 200ms);
  for (const auto& [peer, expected] : peers) EXPECT_THAT(peer->take(), StartsWith(expected));
}

TEST(HeartbeatEvents, MayHaveTheNamesThatEventsMayHave) {
  Options options = quick();
  options.delivery.gap_event = "lost";
  options.delivery.end_event = "over";
  route_rule(options, "/route", {"a"});
  SmallBroker broker(options);
  for (const std::string_view target : {"/events?channel=a&", "/route?"}) {
    const auto answer = [&](std::string_view name) {
      return broker.get(fmt::format("{}heartbeat_event={}", target, name)).take();
    };
    for (const std::string_view own : {"lost", "over", "~position", "%20lost"}) {
      EXPECT_THAT(answer(own), AllOf(HasSubstr("400 Bad Request"), HasSubstr("heartbeat_event: "),
                                     HasSubstr("reserved for")))
          << own;
    }
    EXPECT_THAT(answer("a%0Ab"), HasSubstr("contains a control character or line break (0x0a)"));
    EXPECT_THAT(answer("a%E2%80%A8b"), HasSubstr("400 Bad Request"));
    EXPECT_THAT(answer("a%FF"), HasSubstr("is not UTF-8"));
    EXPECT_THAT(answer(std::string(65, 'x')), HasSubstr("[limits] event_name_bytes"));
    EXPECT_THAT(answer("p%C3%AFng"), HasSubstr("200 OK"));
  }
}

TEST(HeartbeatEvents, HaveSoManyNamesAndComeBackIsSaidToTheNext) {
  Options options = quick();
  options.limits.heartbeat_events = 2;
  route_rule(options, "/route", {"a"}).heartbeat_event = "configured";
  SmallBroker broker(options);
  Peer& one = broker.get("/events?channel=a&heartbeat_event=one");
  broker.get("/events?channel=a&heartbeat_event=two");
  Peer& third = broker.get("/events?channel=a&heartbeat_event=three");
  EXPECT_THAT(third.take(), HasSubstr(": there are as many different names of heartbeats"));
  EXPECT_EQ(broker.counters().heartbeat_events_refused_total, 1U);
  EXPECT_THAT(heartbeat(broker, broker.get("/events?channel=a&heartbeat_event=two")),
              StartsWith("event: two\n"))
      << "one that others have takes no room";
  EXPECT_THAT(heartbeat(broker, broker.get("/route")), StartsWith("event: configured\n"));
  EXPECT_EQ(heartbeat(broker, broker.get("/events?channel=a&heartbeat_event=")), ":\n");
  one.hang_up();
  broker.pass();
  EXPECT_THAT(broker.get("/events?channel=a&heartbeat_event=three").take(),
              HasSubstr("there are as many"))
      << "the configured one has taken the place";
}

TEST(HeartbeatEvents, GiveTheirNameBackHoweverTheirStreamEnds) {
  Options options = quick();
  options.limits.heartbeat_events = 1;
  SmallBroker broker(options);
  const std::string target = "/events?channel=a&heartbeat_event=";
  const auto fits = [&](std::string_view name) {
    return broker.get(target + std::string(name)).take().find("come_back") == std::string::npos &&
           broker.counters().heartbeat_events_refused_total == 0;
  };
  Peer& first = broker.get(target + "x1");
  first.hang_up();
  broker.pass();
  Peer& second = broker.get(target + "x2");
  broker.command("SSE.FINISH a\r\n");
  broker.pass();
  EXPECT_TRUE(second.gone());
  // What is over, and what is only asked for, takes none.
  broker.get(target + "x3", "Last-Event-ID: ep0ch00-0\r\n");
  Peer& head = broker.subscriber();
  head.say("HEAD " + target + "x4 HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass();
  broker.command("DEL a\r\n");
  EXPECT_TRUE(fits("x5"));
}

TEST(Heartbeats, KeepANameForAsLongAsItIsUsed) {
  Heartbeats heartbeats;
  EXPECT_EQ(heartbeats.take(""), Heartbeats::kUnseen);
  EXPECT_EQ(heartbeats.count(), 0U);
  const auto one = heartbeats.take("one");
  EXPECT_EQ(heartbeats.take("one"), one);
  const auto two = heartbeats.take("two");
  EXPECT_NE(two, one);
  EXPECT_EQ(heartbeats.count(), 2U);
  EXPECT_TRUE(heartbeats.fits("one", 2));
  EXPECT_FALSE(heartbeats.fits("three", 2));
  EXPECT_TRUE(heartbeats.fits("", 0));
  heartbeats.give_back(one);
  EXPECT_THAT(std::string(heartbeats.text(fanout::Framing::plain, one)),
              StartsWith("event: one\n"));
  heartbeats.give_back(one);
  EXPECT_EQ(heartbeats.count(), 1U);
  EXPECT_EQ(heartbeats.take("three"), one) << "its place is used again";
  EXPECT_THAT(std::string(heartbeats.text(fanout::Framing::plain, one)),
              StartsWith("event: three\n"));
}

TEST(Heartbeats, AreUnseenWhenThereIsNoPlaceForAName) {
  Heartbeats heartbeats;
  for (std::size_t i = 0; i < Heartbeats::kNamesMax; ++i) {
    EXPECT_EQ(heartbeats.take(std::to_string(i)), i + 1);
  }
  EXPECT_EQ(heartbeats.take("more"), Heartbeats::kUnseen);
  EXPECT_EQ(heartbeats.take(std::to_string(Heartbeats::kNamesMax - 1)), Heartbeats::kNamesMax);
}

}  // namespace
}  // namespace fanfare::server
