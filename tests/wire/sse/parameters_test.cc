#include "broker/wire/sse/parameters.h"

#include <gtest/gtest.h>

#include <string_view>

#include "broker/wire/sse/subscribe_request.h"

namespace fanfare::sse {
namespace {

http::RequestHead asking(std::string_view query, std::string_view accept = {}) {
  http::RequestHead head;
  head.method = http::Method::get;
  head.path = "/chat";
  head.query = query;
  if (!accept.empty()) head.fields = {{"Accept", accept}};
  return head;
}

Scope page(std::initializer_list<std::string_view> parameters) {
  Scope scope{.body = BodyOf::page, .strict = false, .parameters = {}};
  for (const std::string_view name : parameters) {
    scope.parameters.add(parameter_named(name).value());
  }
  return scope;
}

TEST(Parameters, HaveTheNamesOfTheDocumentation) {
  EXPECT_EQ(parameter_named("channel"), Parameter::topic);
  EXPECT_EQ(parameter_named("channels"), Parameter::topic);
  EXPECT_EQ(parameter_named("last_event_id"), Parameter::cursor);
  EXPECT_EQ(parameter_named("lastEventId"), std::nullopt) << "one name each";
  EXPECT_EQ(parameter_named("content"), std::nullopt);
  EXPECT_TRUE(parameter_names().starts_with("channel, last_event_id, replay, "));
}

TEST(Parameters, ThatAPathDoesNotLeaveToItsClientsAreThePagesOwn) {
  const auto head = asking(
      "format=pdf&channel=7&Channel=8&replay=all&heartbeat=fast&lastEventId=k-1&stream=x"
      "&announce_position=me&with=alice&heartbeat_event=gap");
  const auto none = parse_subscribe_request(head, {}, page({}));
  ASSERT_TRUE(none.has_value()) << none.error();
  EXPECT_EQ(none->format, Format::event_stream);
  EXPECT_FALSE(none->with_channel || none->heartbeat_event);
  EXPECT_EQ(none->cursor, "");
  EXPECT_TRUE(none->topics.empty());
  EXPECT_FALSE(none->replay || none->heartbeat || none->announce_position);
  const auto cursor = parse_subscribe_request(head, {}, page({"last_event_id"}));
  ASSERT_TRUE(cursor.has_value());
  EXPECT_EQ(cursor->cursor, "k-1") << "in every spelling that libraries have";
  const auto format = parse_subscribe_request(head, {}, page({"format"}));
  ASSERT_FALSE(format.has_value()) << "it is the broker's here";
  EXPECT_TRUE(format.error().starts_with("format=pdf is unknown"));
}

TEST(Parameters, NearlySpeltAreRefusedOnlyWhereNobodyElseMayMeanThem) {
  EXPECT_FALSE(parse_subscribe_request(asking("Channel=a"), {}, {}).has_value());
  EXPECT_TRUE(parse_subscribe_request(asking("Channel=a&Heart-Beat=x&Format=pdf"), {},
                                      {.body = BodyOf::page, .strict = false})
                  .has_value());
  Scope few;
  few.parameters = page({"channel"}).parameters;
  EXPECT_FALSE(parse_subscribe_request(asking("Channel=a"), {}, few).has_value());
  EXPECT_TRUE(parse_subscribe_request(asking("channel=a&Heart-Beat=x"), {}, few).has_value());
}

TEST(Parameters, ThatAreNotLeftToClientsAreNotReadInABodyEither) {
  http::RequestHead head = asking("");
  head.method = http::Method::post;
  head.fields = {{"Content-Type", "application/json"}};
  constexpr std::string_view kBody = R"({"last_event_id":"k-1","replay":"all","channel":"a"})";
  EXPECT_EQ(parse_subscribe_request(head, kBody, page({"last_event_id"}))->cursor, "k-1");
  EXPECT_EQ(parse_subscribe_request(head, kBody, page({}))->cursor, "");
  EXPECT_TRUE(parse_subscribe_request(head, R"({"last_event_id":7})", page({})).has_value());
  EXPECT_FALSE(parse_subscribe_request(head, R"({"last_event_id":7})", page({"last_event_id"})));
  Scope request;
  request.parameters = page({"channel"}).parameters;
  EXPECT_EQ(parse_subscribe_request(head, kBody, request)->topics.size(), 1U);
}

TEST(Parameters, TheFormIsTheClientsThenThePaths) {
  const auto form = [](std::string_view query, std::string_view accept, Format path) {
    return parse_subscribe_request(asking(query, accept), {}, {.format = path})->format;
  };
  for (const Format path : {Format::raw, Format::json, Format::event_stream}) {
    EXPECT_EQ(form("", "", path), path);
    EXPECT_EQ(form("", "*/*", path), path) << "what fetch sends";
    EXPECT_EQ(form("format=event-stream", "", path), Format::event_stream);
    EXPECT_EQ(form("", "text/event-stream", path), Format::event_stream)
        << "an EventSource can read nothing else";
    EXPECT_EQ(form("", "text/plain", path), Format::raw);
    EXPECT_EQ(form("", "application/x-ndjson", path), Format::json);
    EXPECT_EQ(form("format=raw", "text/event-stream", path), Format::raw);
    EXPECT_EQ(form("format=json", "text/plain", path), Format::json);
  }
}

}  // namespace
}  // namespace fanfare::sse
