#include "broker/server/upstream/forward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fanfare::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

http::RequestHead head_of(std::string_view method, std::string_view query,
                          std::vector<http::Field> fields) {
  http::RequestHead head;
  head.method = http::method_of(method);
  head.method_text = method;
  head.path = "/ai";
  head.query = query;
  head.authority = "x.example";
  head.fields = std::move(fields);
  return head;
}

std::string forwarded(const http::RequestHead& head, std::string_view body = {},
                      std::string_view client = {}) {
  std::string text;
  append_forwarded(text, {.head = head, .body = body}, client, "c.1");
  return text;
}

TEST(Forward, SaysWhatAFrontHasSaidAndAddsItself) {
  const std::string text = forwarded(head_of("GET", {},
                                             {{"X-Forwarded-Proto", "https"},
                                              {"X-Forwarded-Host", "www.example"},
                                              {"X-Forwarded-For", "192.0.2.1"},
                                              {"X-Forwarded-For", "192.0.2.2"},
                                              {"Via", "1.1 nginx"}}),
                                     {}, "192.0.2.3");
  EXPECT_THAT(text, HasSubstr("X-Forwarded-Proto: https\r\n"));
  EXPECT_THAT(text, HasSubstr("X-Forwarded-Host: www.example\r\n"));
  EXPECT_THAT(text, HasSubstr("X-Forwarded-For: 192.0.2.1, 192.0.2.2, 192.0.2.3\r\n"));
  EXPECT_THAT(text, HasSubstr("Via: 1.1 nginx, 1.1 fanfare\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("Content-Length")));
}

TEST(Forward, SaysWhatCarriedTheRequest) {
  const http::RequestHead head = head_of("GET", {}, {});
  std::string text;
  append_forwarded(text,
                   {.head = head, .body = {}, .body_end = BodyEnd::end_of_stream, .secure = true},
                   {}, "c.1");
  EXPECT_THAT(text, HasSubstr("Via: 2.0 fanfare\r\n"));
  EXPECT_THAT(text, HasSubstr("X-Forwarded-Proto: https\r\n"));
  EXPECT_THAT(forwarded(head), HasSubstr("X-Forwarded-Proto: http\r\n"));
}

// nginx's X-Accel-Redirect makes a GET of a POST, with the POST's body.
TEST(Forward, ABodyOfAGetGoesWithIt) {
  EXPECT_THAT(
      forwarded(head_of("GET", {}, {{"Content-Length", "2"}}), "hi"),
      ::testing::AllOf(HasSubstr("Content-Length: 2\r\n"), ::testing::EndsWith("\r\n\r\nhi")));
  EXPECT_THAT(forwarded(head_of("POST", {}, {})), HasSubstr("Content-Length: 0\r\n"));
}

std::string identity(std::string_view query, std::vector<http::Field> fields,
                     std::string_view body = {}) {
  const http::RequestHead head = head_of("POST", query, std::move(fields));
  return identity_of({.head = head, .body = body});
}

TEST(Forward, ARepetitionIsKnownByItsCursorAlone) {
  const std::string first = identity("room=7", {{"Cookie", "a=b"}}, "body");
  EXPECT_EQ(first, identity("room=7&lastEventId=e-1",
                            {{"Cookie", "a=b"}, {"Last-Event-ID", "e-1"}, {"Traceparent", "00-1"}},
                            "body"));
  EXPECT_NE(first, identity("room=8", {{"Cookie", "a=b"}}, "body"));
  EXPECT_NE(first, identity("room=7", {{"Cookie", "a=c"}}, "body"));
  EXPECT_NE(first, identity("room=7", {}, "body"));
  EXPECT_NE(first, identity("room=7", {{"Cookie", "a=b"}, {"X-Key", "1"}}, "body"));
  EXPECT_NE(first, identity("room=7", {{"Cookie", "a=b"}}, "bodies"));
  EXPECT_NE(identity("a=1&b=2", {}), identity("a=1%26b=2", {})) << "a value that looks like two";
}

}  // namespace
}  // namespace fanfare::server
