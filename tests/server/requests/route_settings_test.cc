// [[route]]: what it says of its streams besides their channels.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

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

std::string said(SmallBroker& broker, std::string_view head, std::string_view fields = {}) {
  Peer& peer = broker.subscriber();
  peer.say(fmt::format("{} HTTP/1.1\r\nHost: x\r\n{}\r\n", head, fields));
  broker.pass();
  std::string heard = peer.take();
  peer.hang_up();
  broker.pass();
  return heard;
}

TEST(RouteMethods, AreThoseOfThePathAndEveryAnswerSaysSo) {
  Options options;
  options.cors.origins = {"https://a.example"};
  route_rule(options, "/get", {"a"}).methods = {"GET"};
  route_rule(options, "/post/{x}", {"a"}).methods = {"POST"};
  route_rule(options, "/both", {"a"});
  SmallBroker broker(options);
  constexpr std::string_view kNoBody = "Content-Length: 0\r\n";
  EXPECT_THAT(said(broker, "GET /get"), HasSubstr(" 200 OK"));
  EXPECT_THAT(said(broker, "HEAD /get"), HasSubstr(" 200 OK"));
  const std::string post = said(broker, "POST /get", kNoBody);
  EXPECT_THAT(post, AllOf(HasSubstr(" 405 "), HasSubstr("\r\nAllow: GET, HEAD, OPTIONS\r\n"),
                          HasSubstr("opened with GET\n")));
  EXPECT_THAT(said(broker, "POST /post/1", kNoBody), HasSubstr(" 200 OK"));
  for (const std::string_view head : {"GET /post/1", "HEAD /post/1", "PUT /post/1"}) {
    EXPECT_THAT(said(broker, head, kNoBody),
                AllOf(HasSubstr(" 405 "), HasSubstr("\r\nAllow: POST, OPTIONS\r\n")))
        << head;
  }
  EXPECT_THAT(said(broker, "PUT /both", kNoBody),
              AllOf(HasSubstr("\r\nAllow: GET, HEAD, POST, OPTIONS\r\n"),
                    HasSubstr("opened with GET or POST\n")));
}

TEST(RouteMethods, AreWhatAPreflightIsTold) {
  Options options;
  options.cors.origins = {"https://a.example"};
  route_rule(options, "/get", {"a"}).methods = {"GET"};
  route_rule(options, "/any", {"a"});
  SmallBroker broker(options);
  constexpr std::string_view kAsking =
      "Origin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\n";
  EXPECT_THAT(said(broker, "OPTIONS /get", kAsking),
              AllOf(HasSubstr(" 204 "), HasSubstr("\r\nAllow: GET, HEAD, OPTIONS\r\n"),
                    HasSubstr("\r\nAccess-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n")));
  EXPECT_THAT(said(broker, "OPTIONS /any", kAsking),
              HasSubstr("\r\nAccess-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"));
  EXPECT_THAT(said(broker, "OPTIONS /events", kAsking), HasSubstr("Allow-Methods: PUT\r\n"))
      << "as before";
}

TEST(RouteMethods, MayEachLeadToARouteOfItsOwn) {
  Options options;
  route_rule(options, "/chat/{room}", {"chat/{room}"}).methods = {"GET"};
  RouteRule& asks = route_rule(options, "/chat/{id}");
  asks.methods = {"POST"};
  asks.upstream = "unix:/app.sock";
  SmallBroker broker(options);
  broker.application();
  EXPECT_THAT(said(broker, "GET /chat/7"), HasSubstr(" 200 OK"));
  EXPECT_EQ(broker.application().connections(), 0U);
  said(broker, "POST /chat/7", "Content-Length: 0\r\n");
  EXPECT_EQ(broker.application().connections(), 1U);
}

TEST(RouteReplay, IsForNewcomersThatAskForNothingElse) {
  Options options;
  route_rule(options, "/last", {"a"}).replay = 2;
  SmallBroker broker(options);
  for (const std::string_view data : {"1", "2", "3", "4"}) broker.publish("a", data);
  const auto events = [&](std::string_view target, std::string_view fields = {}) {
    std::string numbers;
    const std::string heard = broker.get(target, fields).take();
    for (const char c : {'1', '2', '3', '4'}) {
      if (heard.find(fmt::format("data: {}\n", c)) != std::string::npos) numbers += c;
    }
    return numbers;
  };
  EXPECT_EQ(events("/last"), "34");
  EXPECT_EQ(events("/last?replay=1"), "4") << "the client's wish goes first";
  EXPECT_EQ(events("/last?replay=0"), "");
  EXPECT_EQ(events("/last?last_event_id=earliest"), "1234");
  EXPECT_EQ(events("/last", "Last-Event-ID: ep0ch00-1\r\n"), "234");
  EXPECT_EQ(events("/events?channel=a"), "");
}

TEST(RouteRetry, TakesThePlaceOfTheGeneralOne) {
  Options options;
  options.delivery.retry = 2s;
  options.limits.connections = 1;
  route_rule(options, "/soon", {"a"}).retry = 200ms;
  SmallBroker broker(options, nullptr, {}, 1);
  const auto retry = [&](Peer& peer) {
    const std::string heard = peer.take();
    return std::stoi(heard.substr(heard.find("retry: ") + 7));
  };
  Peer& first = broker.get("/soon");
  EXPECT_LE(retry(first), 300);
  EXPECT_LE(retry(broker.get("/soon")), 1600) << "of one that is told to come back, too";
  EXPECT_GE(retry(broker.get("/events?channel=a")), 2000);
}

TEST(RouteFormat, IsForClientsThatDoNotSayWhichTheyWant) {
  Options options;
  route_rule(options, "/text", {"a"}).format = Format::raw;
  route_rule(options, "/lines", {"a"}).format = Format::json;
  SmallBroker broker(options);
  const auto type = [&](std::string_view target, std::string_view fields = {}) {
    const std::string heard = said(broker, fmt::format("GET {}", target), fields);
    if (heard.find("Content-Type: application/x-ndjson") != std::string::npos) return "json";
    return heard.find("Content-Type: text/plain") != std::string::npos ? "raw" : "events";
  };
  EXPECT_EQ(type("/lines"), "json");
  EXPECT_EQ(type("/lines", "Accept: */*\r\n"), "json");
  EXPECT_EQ(type("/lines", "Accept: text/event-stream\r\n"), "events");
  EXPECT_EQ(type("/lines?format=raw"), "raw");
  EXPECT_EQ(type("/text"), "raw");
  EXPECT_EQ(type("/text", "Accept: */*\r\n"), "raw");
  EXPECT_EQ(type("/text", "Accept: text/event-stream\r\n"), "events");
  EXPECT_EQ(type("/text?format=event-stream"), "events");
  EXPECT_EQ(type("/events?channel=a"), "events");
}

// A page's own ?format=pdf was a 400 wherever it went.
TEST(RouteParameters, ThatAreNotListedAreThePagesOwn) {
  Options options;
  route_rule(options, "/few", {"a"}).parameters = {{"last_event_id"}};
  route_rule(options, "/none", {"a"}).parameters = std::vector<std::string>{};
  route_rule(options, "/all", {"a"});
  SmallBroker broker(options);
  broker.publish("a", "1");
  broker.publish("a", "2");
  constexpr std::string_view kOwn = "format=pdf&channel=b&Channel=b&heartbeat=fast&Heart-Beat=1";
  EXPECT_THAT(broker.get(fmt::format("/few?{}&replay=9&lastEventId=ep0ch00-1", kOwn)).take(),
              AllOf(HasSubstr(" 200 OK"), HasSubstr("data: 2\n"), Not(HasSubstr("data: 1\n"))));
  EXPECT_THAT(broker.get(fmt::format("/none?{}&replay=9&lastEventId=ep0ch00-1", kOwn)).take(),
              AllOf(HasSubstr(" 200 OK"), Not(HasSubstr("data: 2\n"))));
  EXPECT_THAT(broker.get("/none", "Last-Event-ID: ep0ch00-1\r\n").take(), HasSubstr("data: 2\n"))
      << "a field is no parameter";
  EXPECT_THAT(broker.get("/all?Channel=b&Heart-Beat=1&REPLAY=x").take(), HasSubstr(" 200 OK"))
      << "a path with channels of its own refuses no spelling";
  EXPECT_THAT(broker.get("/all?format=pdf").take(), HasSubstr(" 400 "));
}

TEST(RouteParameters, OfAPathThatAsksItsApplicationAreThatsWhereTheyAreNotListed) {
  Options options;
  RouteRule& asks = route_rule(options, "/ask");
  asks.upstream = "unix:/app.sock";
  asks.parameters = std::vector<std::string>{};
  SmallBroker broker(options);
  broker.application();
  broker.get("/ask?format=pdf&Channel=7");
  EXPECT_THAT(broker.application().take(0), StartsWith("GET /ask?format=pdf&Channel=7 HTTP/1.1"));
}

TEST(RouteParameters, LeaveTheChannelToClientsWhereItIsListed) {
  Options options;
  route_rule(options, "/any").parameters = {{"channel"}};
  SmallBroker broker(options);
  EXPECT_THAT(broker.get("/any?channel=a&format=pdf&Replay=1").take(), HasSubstr(" 200 OK"));
  EXPECT_THAT(broker.get("/any?Channel=a").take(), HasSubstr("is misspelt"));
}

}  // namespace
}  // namespace fanfare::server
