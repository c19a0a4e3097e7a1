// What a request for a stream is refused with: which channel is wrong, and what would be right.
#include "broker/server/requests/subscriber_routes.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using testing::body_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

constexpr std::string_view kMadeOf =
    "a channel or pattern may contain only A-Z a-z 0-9 . _ ~ : @ / - and *, not ";

// The sentence with which `target` is refused.
std::string refusal(SmallBroker& broker, std::string_view target) {
  Peer& peer = broker.get(target);
  const std::string answer = peer.take();
  EXPECT_THAT(answer, HasSubstr("400 Bad Request")) << target;
  peer.hang_up();
  return body_of(answer);
}

TEST(SubscriberRoutes, NameTheChannelThatIsWrong) {
  SmallBroker broker;
  EXPECT_EQ(refusal(broker, "/events?channel=bad%20name"),
            fmt::format("channel \"bad name\": {}0x20 (byte 3)\n", kMadeOf));
  EXPECT_EQ(refusal(broker, "/events?channel=good&channel=a/*&channel=what%3F&channel=b"),
            fmt::format("channel \"what?\": {}'?' (byte 4)\n", kMadeOf));
  EXPECT_EQ(refusal(broker, "/events?channel=good&channel=orders/a**"),
            "channel \"orders/a**\": ** must be a whole segment, between slashes, not part of "
            "\"a**\" (byte 8)\n");
  EXPECT_EQ(
      refusal(broker, "/events?channel=good&channel=~admin/live"),
      "channel \"~admin/live\" is reserved for the broker; names that begin with ~ are not open\n");
}

TEST(SubscriberRoutes, NameAnEmptyChannelInABody) {
  SmallBroker broker;
  Peer& peer = broker.subscriber();
  peer.say(
      "POST /events HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n"
      R"({"channels":["a", ""]})");
  broker.pass();
  EXPECT_EQ(body_of(peer.take()), "channel \"\": a channel or pattern must not be empty\n");
}

TEST(SubscriberRoutes, RepeatNoMoreOfAChannelThanAPersonReads) {
  SmallBroker broker;
  EXPECT_EQ(refusal(broker, "/events?channel=%1b[2J%0d%0a%ff"),
            fmt::format("channel \"?[2J???\": {}0x1b (byte 0)\n", kMadeOf));
  const std::string long_name(300, 'x');
  EXPECT_EQ(
      refusal(broker, "/events?channel=" + long_name),
      fmt::format("channel \"{}...\": a channel or pattern has at most 255 bytes; this one has "
                  "300\n",
                  long_name.substr(0, 64)));
}

TEST(SubscriberRoutes, SayWhereAChannelIsNamed) {
  SmallBroker broker;
  EXPECT_THAT(refusal(broker, "/events"),
              StartsWith("no channel is named; write /events?channel="));
}

// ---- Bodies.

Options with_fixed_route() {
  Options options;
  RouteRule& route = options.routes.emplace_back();
  route.path = "/fixed";
  route.channels = {"news"};
  return options;
}

std::string post(SmallBroker& broker, std::string_view target, std::string_view body,
                 std::string_view type = "application/json") {
  Peer& peer = broker.subscriber();
  peer.say(fmt::format("POST {} HTTP/1.0\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
                       target, type, body.size(), body));
  broker.pass();
  std::string answer = peer.take();
  peer.hang_up();
  return answer;
}

// It was dropped without a word when the channels stood in the query, or the path had its own.
TEST(SubscriberRoutes, ACursorInABodyResumesWhereverTheChannelsAreNamed) {
  SmallBroker broker(with_fixed_route());
  broker.publish("news", "one");
  broker.publish("news", "two");
  const std::string cursor = fmt::format("\"lastEventId\":\"{}-1\"", SmallBroker::kEpoch);
  for (const auto& [target, channels] : std::initializer_list<std::pair<std::string, std::string>>{
           {"/events?channel=news", ""},
           {"/events", R"("channels":["news"],)"},
           {"/events?channel=other", R"("channel":"news",)"},
           {"/fixed", ""}}) {
    const std::string answer = post(broker, target, fmt::format("{{{}{}}}", channels, cursor));
    EXPECT_THAT(answer, HasSubstr("data: two\n")) << target;
    EXPECT_THAT(answer, Not(HasSubstr("data: one\n"))) << target;
  }
}

TEST(SubscriberRoutes, RefuseABodyThatIsNotUnderstood) {
  SmallBroker broker(with_fixed_route());
  for (const std::string_view target : {"/events?channel=a", "/fixed"}) {
    EXPECT_THAT(post(broker, target, R"({"last_event_id":7})"), HasSubstr("400 Bad Request"))
        << target;
  }
  constexpr std::string_view kTarget = "/events?channel=a";
  EXPECT_THAT(post(broker, kTarget, "{}", "text/plain"), HasSubstr("this one is text/plain"));
  EXPECT_THAT(post(broker, kTarget, "{"), HasSubstr("not JSON"));
}

// A page POSTs to such a path what its application expects there.
TEST(SubscriberRoutes, LeaveABodyToItsPageWhereThePathHasItsChannels) {
  SmallBroker broker(with_fixed_route());
  broker.publish("news", "one");
  for (const auto& [body, type] : std::initializer_list<std::pair<std::string, std::string>>{
           {R"({"message":"你好","role":"user","messages":[{"role":"system"}]})",
            "application/json"},
           {R"({"format":"markdown","replay":"yes","heartbeat":{},"announce_position":1})",
            "application/json"},
           {R"({"channel":{"id":5},"Channels":7,"channel":null})", "application/json"},
           {R"(["a list"])", "application/json"},
           {"{", "application/json"},
           {"\xff", "application/json"},
           {"hello", "text/plain;charset=UTF-8"},
           {"a=b&channel=c", "application/x-www-form-urlencoded"}}) {
    const std::string answer = post(broker, "/fixed?last_event_id=earliest", body, type);
    EXPECT_THAT(answer, HasSubstr("data: one\n")) << body;
  }
  Peer& peer = broker.subscriber();
  peer.say("GET /fixed?replay=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  broker.pass();
  EXPECT_THAT(peer.take(), HasSubstr("data: one\n")) << "a front turns a POST into a GET";
  peer.hang_up();
}

// As nginx sends one for X-Accel-Redirect.
TEST(SubscriberRoutes, TakeAGetWithTheBodyOfThePostThatItWas) {
  SmallBroker broker(with_fixed_route());
  for (const std::string_view target : {"/events?channel=a", "/fixed"}) {
    Peer& peer = broker.subscriber();
    peer.say(
        fmt::format("GET {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    "Content-Length: 14\r\n\r\n{{\"prompt\":\"x\"}}",
                    target));
    broker.pass();
    EXPECT_THAT(peer.take(), HasSubstr("HTTP/1.1 200 OK")) << target;
  }
}

TEST(SubscriberRoutes, RefuseMorePatternsInOneStreamThanTheLimitWhereverTheyAreNamed) {
  Options options;
  options.limits.patterns_per_subscription = 2;
  SmallBroker broker(options);
  const std::string sentence = "3 patterns in one stream; [limits] patterns_per_subscription";
  EXPECT_THAT(broker.get("/events?channel=a/*&channel=b/*&channel=c/*&channel=d").take(),
              AllOf(HasSubstr("400 Bad Request"), HasSubstr(sentence)));
  EXPECT_THAT(post(broker, "/events", R"({"channels":["a/*","b/*","**"]})"), HasSubstr(sentence));
  EXPECT_THAT(broker.get("/events?channel=a/*&channel=b/*&channel=c&channel=d").take(),
              HasSubstr("200 OK"));
  EXPECT_EQ(broker.counters().patterns_refused_total, 2U);
}

// 400 would end an EventSource for good, and there is room again when another stream ends.
TEST(SubscriberRoutes, TellAStreamToComeBackThatBringsOnePatternMoreThanTheLimit) {
  Options options;
  options.limits.patterns = 2;
  SmallBroker broker(options);
  Peer& first = broker.get("/events?channel=a/*&channel=b/*&channel=b/*");
  Peer& same = broker.get("/events?channel=b/*&channel=c");
  Peer& more = broker.get("/events?channel=b/*&channel=c/*");
  EXPECT_THAT(first.take(), HasSubstr("200 OK"));
  EXPECT_FALSE(first.gone());
  EXPECT_FALSE(same.gone()) << "it has no pattern that is not there already";
  EXPECT_THAT(more.take(), AllOf(HasSubstr("200 OK"), HasSubstr("retry: "),
                                 HasSubstr("[limits] patterns allows")));
  broker.pass(3s);  // over HTTP/1.0 it ends with a reset, once its peer has had time to read
  EXPECT_TRUE(more.gone());
  EXPECT_EQ(broker.counters().patterns, 2U);
  EXPECT_EQ(broker.counters().patterns_refused_total, 1U);
  first.hang_up();
  broker.pass();
  EXPECT_EQ(broker.counters().patterns, 1U);
  Peer& again = broker.get("/events?channel=b/*&channel=c/*");
  EXPECT_FALSE(again.gone()) << "there is room again";
  Peer& finished = broker.subscriber();
  finished.say("HEAD /events?channel=z/* HTTP/1.0\r\n\r\n");
  broker.pass();
  EXPECT_EQ(broker.counters().patterns, 2U) << "what is only asked about does not count";
}

// What a HEAD request asked about was there to the end of the turn, and the GET behind it took it
// for a pattern that some stream had already.
TEST(SubscriberRoutes, CountedNoPatternThatWasAskedAboutInTheSameTurn) {
  Options options;
  options.limits.patterns = 1;
  SmallBroker broker(options);
  Peer& first = broker.get("/events?channel=a/*");
  Peer& second = broker.subscriber();
  second.say("HEAD /events?channel=b/* HTTP/1.1\r\nHost: x\r\n\r\n");
  second.say("GET /events?channel=b/* HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass();
  EXPECT_THAT(second.take(), HasSubstr("[limits] patterns allows"));
  EXPECT_EQ(broker.counters().patterns, 1U);
  EXPECT_EQ(broker.counters().patterns_refused_total, 1U);
  EXPECT_FALSE(first.gone());
}

TEST(SubscriberRoutes, GrantAPreflightWhatItAsksForHoweverOften) {
  Options options;
  options.cors.origins = {"https://a.example"};
  SmallBroker broker(options);
  Peer& peer = broker.subscriber();
  peer.say(
      "OPTIONS /events HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n"
      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: traceparent\r\n"
      "Access-Control-Request-Headers: x-requested-with\r\n\r\n");
  broker.pass();
  EXPECT_THAT(peer.take(),
              AllOf(HasSubstr("204 No Content"), HasSubstr(", traceparent, x-requested-with\r\n"),
                    HasSubstr("Access-Control-Max-Age: ")));
}

// ---- What may be subscribed to.

std::string status_of(SmallBroker& broker, std::string_view target) {
  Peer& peer = broker.get(target);
  std::string answer = peer.take();
  peer.hang_up();
  broker.pass();
  return answer.substr(0, answer.find("\r\n"));
}

TEST(SubscriberRoutes, OpenOnlyWhatIsAllowedWholly) {
  Options options = with_fixed_route();
  options.subscribe.allow = {"metrics/**", "status"};
  SmallBroker broker(options);
  for (const std::string_view target :
       {"/events?channel=status", "/events?channel=metrics/cpu", "/events?channel=metrics/*",
        "/events?channel=metrics/**&channel=status", "/fixed", "/fixed?channel=secret"}) {
    EXPECT_THAT(status_of(broker, target), HasSubstr("200 OK")) << target;
  }
  for (const std::string_view target :
       {"/events?channel=news", "/events?channel=**", "/events?channel=*/cpu",
        "/events?channel=status&channel=m*/**", "/events?channel=metrics", "/events?channel=s*"}) {
    EXPECT_THAT(status_of(broker, target), HasSubstr("403 Forbidden")) << target;
  }
  EXPECT_EQ(body_of(broker.get("/events?channel=status&channel=a/*").take()),
            "channel \"a/*\" may not be subscribed to here: no entry of [subscribe] allow in "
            "broker.toml covers it\n");
  EXPECT_THAT(post(broker, "/events", R"({"channels":["news"]})"), HasSubstr("403 Forbidden"));
}

TEST(SubscriberRoutes, AreAllThereIsWhenEventsIsClosed) {
  Options options = with_fixed_route();
  options.routes.emplace_back().path = "/named";
  options.subscribe.events = false;
  SmallBroker broker(options);
  EXPECT_THAT(status_of(broker, "/fixed"), HasSubstr("200 OK"));
  EXPECT_THAT(status_of(broker, "/named?channel=a"), HasSubstr("200 OK"));
  EXPECT_THAT(status_of(broker, "/events?channel=news"), HasSubstr("403 Forbidden"));
  EXPECT_THAT(body_of(broker.get("/events?channel=a").take()),
              HasSubstr("[subscribe] events = false"));
  EXPECT_THAT(body_of(broker.get("/nowhere").take()), Not(HasSubstr("/events")));
}

TEST(SubscriberRoutes, FollowWhatAReloadAllows) {
  SmallBroker broker;
  EXPECT_THAT(status_of(broker, "/events?channel=a"), HasSubstr("200 OK"));
  Options options;
  options.subscribe.allow = {"b"};
  options.listen.hosts = {"a.example"};
  broker.post(SettingsMessage{std::make_shared<const Options>(options)});
  broker.pass();
  EXPECT_THAT(status_of(broker, "/events?channel=b"), HasSubstr("421 Misdirected Request"));
  options.listen.hosts.clear();
  broker.post(SettingsMessage{std::make_shared<const Options>(options)});
  broker.pass();
  EXPECT_THAT(status_of(broker, "/events?channel=a"), HasSubstr("403 Forbidden"));
  EXPECT_THAT(status_of(broker, "/events?channel=b"), HasSubstr("200 OK"));
}

// ---- By which name the listeners are called.

std::string called(SmallBroker& broker, Peer& peer, std::string_view host, std::string_view path) {
  peer.say(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", path, host));
  broker.pass();
  std::string answer = peer.take();
  peer.hang_up();
  return answer;
}

TEST(SubscriberRoutes, AreCalledByAnyNameUnlessSomeAreListed) {
  constexpr std::string_view kPath = "/events?channel=a";
  {
    SmallBroker broker;
    EXPECT_THAT(called(broker, broker.subscriber(), "anything.example", kPath),
                HasSubstr("200 OK"));
  }
  Options options;
  options.listen.hosts = {"app.example.com"};
  options.cors.origins = {"https://a.example"};
  SmallBroker broker(options);
  for (const std::string_view host : {"app.example.com", "127.0.0.1:8080", "localhost"}) {
    EXPECT_THAT(called(broker, broker.subscriber(), host, kPath), HasSubstr("200 OK")) << host;
  }
  EXPECT_THAT(called(broker, broker.subscriber(), "evil.com\r\nOrigin: https://a.example", kPath),
              AllOf(HasSubstr("421 Misdirected Request"), HasSubstr("[listen] hosts"),
                    HasSubstr("Access-Control-Allow-Origin: https://a.example")));
  EXPECT_THAT(called(broker, broker.publisher(), "evil.com", "/channels"), HasSubstr("200 OK"))
      << "no page reaches a Unix socket";
}

class OnePage final : public AdminSurface {
 public:
  AdminAnswer answer(std::string_view, const Snapshot&) override {
    return {.content_type = "text/plain", .body = "a page"};
  }
  std::string live_event(const Snapshot&) override { return {}; }
};

// A page whose name was made to resolve to 127.0.0.1 is of the same origin, and CORS no help.
TEST(AdminRoutes, OnLoopbackAcceptOnlyTheirOwnNames) {
  OnePage surface;
  SmallBroker broker({}, &surface);
  for (const std::string_view path : {"/metrics", "/events"}) {
    EXPECT_THAT(called(broker, broker.operators(), "evil.com", path),
                AllOf(HasSubstr("421 Misdirected Request"), HasSubstr("[listen] admin_hosts"),
                      Not(HasSubstr("a page"))));
    EXPECT_THAT(called(broker, broker.operators(), "127.0.0.1:9180", path), HasSubstr("200 OK"));
    EXPECT_THAT(called(broker, broker.operators(), "localhost:9180", path), HasSubstr("200 OK"));
  }
}

TEST(AdminRoutes, AnswerToTheNamesThatAreListed) {
  OnePage surface;
  Options options;
  options.listen.admin_hosts = {"ops.example"};
  SmallBroker broker(options, &surface);
  EXPECT_THAT(called(broker, broker.operators(), "ops.example", "/"), HasSubstr("200 OK"));
  EXPECT_THAT(called(broker, broker.operators(), "evil.com", "/"), HasSubstr("421 "));
}

TEST(AdminRoutes, AnswerToAnyNameElsewhereThanOnLoopback) {
  OnePage surface;
  Options options;
  options.listen.admin = "0.0.0.0:9180";
  SmallBroker broker(options, &surface);
  EXPECT_THAT(called(broker, broker.operators(), "fanfare:9180", "/"), HasSubstr("200 OK"));
}

// ---- Which form of a page is sent.

class TwoForms final : public AdminSurface {
 public:
  AdminAnswer answer(std::string_view, const Snapshot&) override {
    return {.content_type = "text/plain", .body = {}, .fixed = "as it is", .fixed_gzip = "packed"};
  }
  std::string live_event(const Snapshot&) override { return {}; }
};

// gzip was sent to every client, and a terminal showed its bytes.
TEST(AdminRoutes, CompressAPageOnlyForClientsThatAcceptThat) {
  TwoForms surface;
  SmallBroker broker({}, &surface);
  const auto page = [&](std::string_view fields) {
    return called(broker, broker.operators(), fmt::format("localhost{}", fields), "/");
  };
  for (const std::string_view accepted : {"gzip", "gzip, deflate, br", "*"}) {
    const std::string answer = page(fmt::format("\r\nAccept-Encoding: {}", accepted));
    EXPECT_EQ(body_of(answer), "packed") << accepted;
    EXPECT_THAT(answer, AllOf(HasSubstr("Content-Encoding: gzip\r\n"),
                              HasSubstr("Vary: Accept-Encoding\r\n")));
  }
  for (const std::string_view field : {"", "\r\nAccept-Encoding: identity",
                                       "\r\nAccept-Encoding: gzip;q=0", "\r\nAccept-Encoding:"}) {
    const std::string answer = page(field);
    EXPECT_EQ(body_of(answer), "as it is") << field;
    EXPECT_THAT(answer,
                AllOf(Not(HasSubstr("Content-Encoding")), HasSubstr("Vary: Accept-Encoding\r\n")));
  }
}

}  // namespace
}  // namespace fanfare::server
