// How event streams begin: where in the log, and what is said before the first event.
#include "broker/server/streams/streams.h"

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
using ::testing::Not;
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

TEST(Streams, DoNotCountAdminStreamsAsSubscribers) {
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
  peer.say("HEAD /events?channel=a HTTP/1.1\r\nHost: localhost\r\n\r\n");
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

TEST(Streams, ASubscriberBeyondTheLimitIsSentAwayAndCounted) {
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

constexpr std::string_view kEventSource =
    "Accept: text/event-stream\r\nCache-Control: no-cache\r\nUser-Agent: Mozilla/5.0\r\n";

// The body without its retry, which is drawn anew for each stream.
std::string opening_of(std::string_view answer) {
  const std::string body = body_of(answer);
  EXPECT_THAT(body, StartsWith("retry: "));
  return body.substr(body.find('\n') + 1);
}

std::string opened_by(std::string_view position) {
  return testing::position_event(position) + ":\n";
}

TEST(Streams, TellANewcomerItsPlaceSoThatACutBeforeItsFirstEventLosesNothing) {
  SmallBroker broker;
  broker.publish("other", "1");
  const std::string library = broker.get("/events?channel=a").take();
  const std::string page = broker.get("/events?channel=a", kEventSource).take();
  EXPECT_EQ(opening_of(library), "id: ep0ch00-1\n:\n") << "a line, which ends no block";
  EXPECT_EQ(opening_of(page), opened_by("ep0ch00-1"));
  for (const std::string& answer : {library, page}) {
    EXPECT_THAT(answer, HasSubstr("\r\nLast-Event-ID: ep0ch00-1\r\n"));
  }
  broker.publish("a", "missed");
  const std::string again = broker.get("/events?channel=a", "Last-Event-ID: ep0ch00-1\r\n").take();
  EXPECT_EQ(opening_of(again), ":\ndata: missed\nid: ep0ch00-2\n\n")
      << "a client that has an id is told no other";
}

TEST(Streams, APositionIsSentByABrokerThatHasNoEventYet) {
  SmallBroker broker;
  EXPECT_EQ(opening_of(broker.get("/events?channel=a", kEventSource).take()),
            opened_by("ep0ch00-0"));
  broker.publish("a", "the first of all");
  EXPECT_EQ(events_of(broker.get("/events?channel=a", "Last-Event-ID: ep0ch00-0\r\n").take()),
            "data: the first of all\nid: ep0ch00-1\n\n");
}

TEST(Streams, AReplayOpensWithThePositionBeforeIt) {
  SmallBroker broker;
  for (const std::string_view data : {"1", "2", "3"}) broker.publish("a", data);
  for (const auto& [query, place] :
       {std::pair("&replay=2", "ep0ch00-1"), std::pair("&replay=0", "ep0ch00-3"),
        std::pair("&lastEventId=earliest", "ep0ch00-0")}) {
    const std::string answer =
        broker.get("/events?channel=a" + std::string(query), kEventSource).take();
    EXPECT_THAT(opening_of(answer), StartsWith(opened_by(place))) << query;
    EXPECT_THAT(answer, HasSubstr(fmt::format("\r\nLast-Event-ID: {}\r\n", place))) << query;
  }
}

// The id that a newcomer holds before its first event.
std::string place_told(std::string_view answer) {
  const std::string position = testing::position_of(answer);
  const std::size_t id = position.rfind("id: ") + 4;
  return position.substr(id, position.find('\n', id) - id);
}

TEST(Streams, ASlowReaderThatIsCutInsideItsFirstEventGetsItWholeLater) {
  Options options;
  options.delivery.stall = 2s;
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 1024;
  SmallBroker broker(options, nullptr, faults);
  Peer& slow = broker.get("/events?channel=a", kEventSource);
  const std::string id = place_told(slow.take());
  slow.stop_reading();
  const std::string data(1500, 'x');
  Peer& publisher = broker.publisher();
  publisher.say("*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$1500\r\n");
  for (int i = 0; i < 2; ++i) {
    publisher.say(data.substr(750));
    broker.pass();
  }
  publisher.say("\r\n");
  broker.pass(10s);
  slow.read_on();
  EXPECT_TRUE(slow.reset());
  EXPECT_THAT(slow.take(), Not(HasSubstr("id: ep0ch00-1\n"))) << "the event was never whole";
  EXPECT_EQ(broker.closes(CloseReason::slow_stalled), 1U);
  Peer& again = broker.get("/events?channel=a", "Last-Event-ID: " + id + "\r\n");
  broker.pass(1s);
  EXPECT_THAT(again.take(), EndsWith("data: " + data + "\nid: ep0ch00-1\n\n"));
}

TEST(Streams, ANewClientThatIsCutOffIsSentTheRestOfAChannelThatFinishes) {
  SmallBroker broker;
  Peer& newcomer = broker.get("/events?channel=a");
  const std::string id = place_told(newcomer.take());
  newcomer.hang_up();
  broker.publish("a", "the last word");
  broker.command("SSE.FINISH a");
  EXPECT_THAT(broker.get("/events?channel=a").take(), HasSubstr(" 204 No Content\r\n"))
      << "without an id it would be turned away for good";
  EXPECT_EQ(events_of(broker.get("/events?channel=a", "Last-Event-ID: " + id + "\r\n").take()),
            "data: the last word\nid: ep0ch00-1\n\n");
}

TEST(Streams, ANewClientThatWasAwayForTooLongIsSentAGap) {
  Options options;
  options.history.events = 1;
  SmallBroker broker(options);
  Peer& newcomer = broker.get("/events?channel=a");
  const std::string id = place_told(newcomer.take());
  newcomer.hang_up();
  broker.publish("a", "1");
  broker.publish("a", "2");
  EXPECT_THAT(events_of(broker.get("/events?channel=a", "Last-Event-ID: " + id + "\r\n").take()),
              StartsWith("event: gap\ndata: {\"reason\":\"evicted\",\"after\":\"ep0ch00-0\""));
}

TEST(Streams, AnIdInTheQueryIsAPlaceToComeBackTo) {
  SmallBroker broker;
  broker.publish("a", "1");
  const std::string answer =
      broker.get("/events?channel=a&last_event_id=ep0ch00-1", kEventSource).take();
  EXPECT_EQ(opening_of(answer), ":\n");
  EXPECT_THAT(answer, HasSubstr("\r\nLast-Event-ID: ep0ch00-1\r\n"));
}

TEST(Streams, EveryAnswerHasThePositionInItsHead) {
  SmallBroker broker;
  broker.publish("a", "1");
  Peer& head = broker.subscriber();
  head.say("HEAD /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n");
  Peer& post = broker.subscriber();
  post.say("POST /events?channel=a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  broker.pass();
  Peer& raw = broker.get("/events?channel=a&format=raw");
  EXPECT_THAT(head.take(), HasSubstr("\r\nLast-Event-ID: ep0ch00-1\r\n"));
  const std::string posted = post.take();
  EXPECT_THAT(posted, HasSubstr("\r\nLast-Event-ID: ep0ch00-1\r\n"));
  EXPECT_THAT(posted, EndsWith("\nid: ep0ch00-1\n:\n\r\n"));
  const std::string bare = raw.take();
  EXPECT_THAT(bare, HasSubstr("\r\nLast-Event-ID: ep0ch00-1\r\n"));
  EXPECT_EQ(body_of(bare), "") << "nothing may be added to the data";
}

TEST(Streams, AnnounceAPlaceAsTheOperatorWants) {
  for (const auto& [wish, library, page] :
       {std::tuple(AnnouncePosition::automatic, std::string("id: ep0ch00-0\n:\n"),
                   opened_by("ep0ch00-0")),
        std::tuple(AnnouncePosition::always, opened_by("ep0ch00-0"), opened_by("ep0ch00-0")),
        std::tuple(AnnouncePosition::never, std::string(":\n"), std::string(":\n"))}) {
    Options options;
    options.delivery.announce_position = wish;
    SmallBroker broker(options);
    EXPECT_EQ(opening_of(broker.get("/events?channel=a").take()), library);
    EXPECT_EQ(opening_of(broker.get("/events?channel=a", kEventSource).take()), page);
  }
}

TEST(Streams, ARouteAnnouncesAPlaceInItsOwnWay) {
  Options options;
  options.routes.push_back({.path = "/quiet",
                            .channels = {"a"},
                            .announce_position = AnnouncePosition::never,
                            .heartbeat = {}});
  SmallBroker broker(options);
  EXPECT_EQ(opening_of(broker.get("/quiet", kEventSource).take()), ":\n");
  EXPECT_EQ(opening_of(broker.get("/quiet?announce_position=auto", kEventSource).take()),
            opened_by("ep0ch00-0"))
      << "the client knows best what it stands";
  EXPECT_EQ(opening_of(broker.get("/events?channel=a", kEventSource).take()),
            opened_by("ep0ch00-0"));
}

TEST(Streams, AClientCanChooseHowItGetsItsPosition) {
  SmallBroker broker;
  const auto opening = [&](std::string_view wish, std::string_view fields) {
    return opening_of(
        broker.get("/events?channel=a&announce_position=" + std::string(wish), fields).take());
  };
  EXPECT_EQ(opening("always", ""), opened_by("ep0ch00-0"));
  EXPECT_EQ(opening("never", kEventSource), ":\n");
  EXPECT_EQ(opening("auto", ""), "id: ep0ch00-0\n:\n");
}

TEST(Streams, AClientThatIsTurnedAwayLosesNothingUntilItComesBack) {
  SmallBroker broker;
  broker.publish("a", "before");
  for (std::uint32_t i = 0; i < SmallBroker::kSubscribersMax; ++i) broker.get("/events?channel=b");
  const std::string page = broker.get("/events?channel=a", kEventSource).take();
  EXPECT_EQ(opening_of(page), opened_by("ep0ch00-1"));
  EXPECT_THAT(page, HasSubstr("\r\nLast-Event-ID: ep0ch00-1\r\n"));
  const std::string library = broker.get("/events?channel=a").take();
  EXPECT_EQ(opening_of(library), "id: ep0ch00-1\n:\n");
  // These come back with what they have, or ask for the history anew.
  const std::string returning = broker.get("/events?channel=a", "Last-Event-ID: e-7\r\n").take();
  const std::string replayed = broker.get("/events?channel=a&replay=5", kEventSource).take();
  for (const std::string& answer : {returning, replayed}) {
    EXPECT_EQ(opening_of(answer), ":\n");
    EXPECT_EQ(answer.find("Last-Event-ID"), std::string::npos);
  }
  EXPECT_EQ(broker.counters().overload_answers_total, 4U);
}

// A stream may end in the turn in which its client comes back with the same pattern.
TEST(Streams, GiveAPatternTheRoomOfAStreamThatHasJustEnded) {
  Counters counters;
  Switchboard switchboard(1);
  Random random(1);
  fanout::Replica replica({.epoch = *fanout::Epoch::parse("ep0ch00"), .members_max = 16});
  Heartbeats heartbeats;
  GzipFeeds gzip(counters);
  Streams streams({replica, counters, switchboard, random, heartbeats, gzip});
  const std::string_view topics[] = {"a/*"};
  ASSERT_TRUE(streams.admit_patterns({"a/*"}, 1));
  fanout::Feed* const feed = replica.open(topics, fanout::Framing::plain);
  EXPECT_FALSE(streams.admit_patterns({"b/*"}, 1));
  replica.release(feed);
  EXPECT_TRUE(streams.admit_patterns({"a/*"}, 1));
}

}  // namespace
}  // namespace fanfare::server
