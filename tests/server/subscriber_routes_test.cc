// What a request for a stream is refused with: which channel is wrong, and what would be right.
#include "broker/server/subscriber_routes.h"

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
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

constexpr std::string_view kMadeOf =
    "a channel or pattern is made of A-Z a-z 0-9 . _ ~ : @ / - and *, not of ";

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
            "channel \"orders/a**\": ** stands for whole segments, between slashes, not inside "
            "\"a**\" (byte 8)\n");
  EXPECT_EQ(refusal(broker, "/events?channel=good&channel=~admin/live"),
            "channel \"~admin/live\" is the broker's own; names that begin with ~ are not open\n");
}

TEST(SubscriberRoutes, NameAnEmptyChannelInABody) {
  SmallBroker broker;
  Peer& peer = broker.subscriber();
  peer.say(
      "POST /events HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n"
      R"({"channels":["a", ""]})");
  broker.pass();
  EXPECT_EQ(body_of(peer.take()),
            "channel \"\": a channel or pattern has at least one character\n");
}

TEST(SubscriberRoutes, RepeatNoMoreOfAChannelThanAPersonReads) {
  SmallBroker broker;
  EXPECT_EQ(refusal(broker, "/events?channel=%1b[2J%0d%0a%ff"),
            fmt::format("channel \"?[2J???\": {}0x1b (byte 0)\n", kMadeOf));
  const std::string long_name(300, 'x');
  EXPECT_EQ(
      refusal(broker, "/events?channel=" + long_name),
      fmt::format("channel \"{}...\": a channel or pattern has at most 255 bytes, this one has "
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

TEST(SubscriberRoutes, RefuseABodyThatIsNotUnderstoodOnEveryRoute) {
  SmallBroker broker(with_fixed_route());
  for (const std::string_view target : {"/events?channel=a", "/fixed"}) {
    EXPECT_THAT(post(broker, target, R"({"last_event_id":7})"), HasSubstr("400 Bad Request"))
        << target;
    EXPECT_THAT(post(broker, target, "{}", "text/plain"), HasSubstr("this one is text/plain"))
        << target;
    EXPECT_THAT(post(broker, target, "{", "application/json"), HasSubstr("not JSON")) << target;
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

// 400 would end an EventSource for good, and there is room again when somebody goes.
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

}  // namespace
}  // namespace fanfare::server
