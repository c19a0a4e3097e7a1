// What a subscriber asks for, in the words of the clients of the wire contract: browsers,
// polyfills, fetch readers, libraries.
#include "broker/wire/sse/subscribe_request.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fanfare::sse {
namespace {

using Topics = std::vector<std::string>;

http::RequestHead asking(std::string_view query, std::vector<http::Field> fields = {},
                         http::Method method = http::Method::get) {
  http::RequestHead head;
  head.method = method;
  head.path = "/events";
  head.query = query;
  head.fields = std::move(fields);
  return head;
}

SubscribeRequest read(const http::RequestHead& head, std::string_view body = {}) {
  const auto request = parse_subscribe_request(head, body);
  EXPECT_TRUE(request.has_value()) << request.error();
  return request.value_or(SubscribeRequest{});
}

std::string problem(const http::RequestHead& head, std::string_view body = {}) {
  const auto request = parse_subscribe_request(head, body);
  return request ? "none" : request.error();
}

TEST(SubscribeRequest, NamesItsChannelsInOrder) {
  EXPECT_EQ(read(asking("channel=b&channel=a%2F*&channel=&stream=c")).topics,
            (Topics{"b", "a/*", "c"}));
  EXPECT_TRUE(read(asking("content=xxx")).topics.empty());
}

TEST(SubscribeRequest, R2PrefersTheFieldToTheQuery) {
  EXPECT_EQ(read(asking("lastEventId=1", {{"Last-Event-ID", "2"}})).cursor, "2");
}

// R2: reqwest-eventsource sends an empty one before it has an id.
TEST(SubscribeRequest, R2TakesAnEmptyFieldForNone) {
  EXPECT_EQ(read(asking("lastEventId=1", {{"Last-Event-ID", ""}})).cursor, "1");
  EXPECT_EQ(read(asking("", {{"Last-Event-ID", ""}})).cursor, "");
}

// reconnecting-eventsource appends; event-source-polyfill has its own name; both may meet.
TEST(SubscribeRequest, LetsTheLastCursorOfTheQueryCount) {
  for (const std::string name :
       {"lastEventId", "lastEventID", "last_event_id", "last-event-id", "Last-Event-ID"}) {
    EXPECT_EQ(read(asking("lastEventId=1&" + name + "=k3%2D2&x=y")).cursor, "k3-2") << name;
  }
}

TEST(SubscribeRequest, KnowsTheWordEarliest) {
  const SubscribeRequest request = read(asking("last_event_id=earliest"));
  EXPECT_TRUE(request.earliest);
  EXPECT_EQ(request.cursor, "");
  EXPECT_FALSE(read(asking("last_event_id=Earliest")).earliest);
}

TEST(SubscribeRequest, ReadsReplayAndHeartbeat) {
  EXPECT_EQ(read(asking("replay=10")).replay, 10U);
  EXPECT_EQ(read(asking("")).replay, std::nullopt);
  EXPECT_EQ(read(asking("heartbeat=4")).heartbeat, Duration(4s));
  EXPECT_EQ(read(asking("heartbeat=500ms")).heartbeat, Duration(500ms));
  EXPECT_EQ(read(asking("heartbeat=4294967295")).heartbeat, Duration(4294967295s));
}

TEST(SubscribeRequest, SaysWhatWouldBeRight) {
  for (const std::string query :
       {"replay=", "replay=x", "replay=-1", "replay=4294967296", "replay=10000001", "replay=1+"}) {
    EXPECT_NE(problem(asking(query)).find("up to 10000000; "), std::string::npos) << query;
    EXPECT_NE(problem(asking(query)).find("replay=10"), std::string::npos) << query;
  }
  for (const std::string query : {"heartbeat=", "heartbeat=x", "heartbeat=-1s", "heartbeat=4y",
                                  "heartbeat=nans", "heartbeat=infs", "heartbeat=1e400s"}) {
    EXPECT_NE(problem(asking(query)).find("heartbeat=4"), std::string::npos) << query;
    EXPECT_NE(problem(asking(query)).find("heartbeat=30s"), std::string::npos) << query;
  }
  EXPECT_NE(problem(asking("format=json")).find("format=raw"), std::string::npos);
}

// 500ms was suggested once, and less than [limits] heartbeat_min is never granted.
TEST(SubscribeRequest, SuggestsAHeartbeatThatIsGranted) {
  EXPECT_EQ(problem(asking("heartbeat=x")),
            "heartbeat=x is not a duration; write seconds, like heartbeat=4, or a unit, like "
            "heartbeat=30s");
}

TEST(SubscribeRequest, RepeatsWhatItWasAskedShortAndPrintable) {
  const std::string bytes = "%1b%0d%0a" + std::string(65, 'x');
  for (const std::string key : {"replay", "heartbeat", "format"}) {
    const std::string said = problem(asking(key + "=" + bytes));
    EXPECT_TRUE(said.starts_with(key + "=???" + std::string(61, 'x') + "... is ")) << said;
  }
}

TEST(SubscribeRequest, IsRawWhenAskedFor) {
  EXPECT_TRUE(read(asking("format=raw")).raw);
  EXPECT_FALSE(read(asking("format=sse")).raw);
  EXPECT_TRUE(read(asking("", {{"Accept", "text/plain"}})).raw);
  EXPECT_FALSE(read(asking("", {{"Accept", "*/*"}})).raw);
}

// axios and Angular send "application/json, text/plain, */*" with everything they ask for.
TEST(SubscribeRequest, IsNotRawForWhoeverTakesAnEventStreamToo) {
  EXPECT_FALSE(read(asking("", {{"Accept", "application/json, text/plain, */*"}})).raw);
  EXPECT_FALSE(read(asking("", {{"Accept", "text/event-stream, text/plain"}})).raw);
  EXPECT_TRUE(read(asking("format=raw", {{"Accept", "text/event-stream"}})).raw);
}

TEST(SubscribeRequest, R1KnowsABrowsersOwnEventSource) {
  const std::vector<http::Field> chromium = {{"Accept", "text/event-stream"},
                                             {"Cache-Control", "no-cache"},
                                             {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"}};
  EXPECT_TRUE(read(asking("", chromium)).native_event_source);
  EXPECT_FALSE(read(asking("", chromium, http::Method::post)).native_event_source);
  for (std::size_t missing = 0; missing < chromium.size(); ++missing) {
    auto fields = chromium;
    fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(missing));
    EXPECT_FALSE(read(asking("", fields)).native_event_source) << chromium[missing].name;
  }
}

TEST(SubscribeRequest, ReadsTheBodyOfAPost) {
  const auto post =
      asking("", {{"Content-Type", "application/json; charset=utf-8"}}, http::Method::post);
  const SubscribeRequest request =
      read(post, R"({"channels":["a","b/*"],"last_event_id":"k3-1","message":"hi"})");
  EXPECT_EQ(request.topics, (Topics{"a", "b/*"}));
  EXPECT_EQ(request.cursor, "k3-1");
  EXPECT_EQ(read(post, R"({"channel":"a"})").topics, (Topics{"a"}));
}

TEST(SubscribeRequest, LeavesABodyAloneThatIsNotForIt) {
  const std::string_view body = R"({"channels":["a"]})";
  const std::vector<http::Field> json = {{"Content-Type", "application/json"}};
  EXPECT_EQ(read(asking("channel=q", json, http::Method::post), body).topics, (Topics{"q"}));
  EXPECT_TRUE(read(asking("", json), body).topics.empty());  // a GET handed on by a proxy
  EXPECT_TRUE(
      read(asking("", {{"Content-Type", "text/plain"}}, http::Method::post), body).topics.empty());
}

TEST(SubscribeRequest, SaysWhatIsWrongWithABody) {
  const auto post = asking("", {{"Content-Type", "application/json"}}, http::Method::post);
  for (const std::string_view body : {"x", "[]", "{", "\"a\"", "{\"a\":\xff}"}) {
    EXPECT_NE(problem(post, body).find("not a JSON object"), std::string::npos) << body;
  }
  EXPECT_NE(problem(post, R"({"channels":"a"})").find("not an array"), std::string::npos);
  EXPECT_NE(problem(post, R"({"channels":[1]})").find("not a string"), std::string::npos);
}

}  // namespace
}  // namespace fanfare::sse
