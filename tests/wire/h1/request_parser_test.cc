// RequestParser as its owner uses it: steps, pipelining, how long views live, what a head says
// about its body and its connection. What it accepts and refuses is the table's business
// (request_table_test.cc).
#include "broker/wire/h1/request_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fanfare::h1 {
namespace {

using Kind = Step::Kind;

constexpr std::string_view kChromium =
    "GET /events?channel=prices%2Fbtc&channel=alerts HTTP/1.1\r\n"
    "Host: localhost:8080\r\n"
    "Connection: keep-alive\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\n"
    "Cache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36\r\n"
    "Accept: text/event-stream\r\n"
    "Last-Event-ID: k3-17\r\n"
    "\r\n";

TEST(RequestParser, ReadsABrowsersHeadInPlace) {
  const http::Limits limits;
  RequestParser parser(limits);
  const Step step = parser.step(kChromium);
  ASSERT_EQ(step.kind, Kind::head);
  EXPECT_EQ(step.consumed, kChromium.size());
  const http::RequestHead& head = parser.head();
  EXPECT_EQ(head.method, http::Method::get);
  EXPECT_EQ(head.path, "/events");
  EXPECT_EQ(head.query, "channel=prices%2Fbtc&channel=alerts");
  EXPECT_EQ(head.authority, "localhost:8080");
  EXPECT_EQ(head.minor_version, 1);
  EXPECT_EQ(head.fields.size(), 7U);
  EXPECT_EQ(head.value("last-event-id"), "k3-17");
  EXPECT_GE(head.path.data(), kChromium.data());
  EXPECT_LT(head.path.data(), kChromium.data() + kChromium.size());
  EXPECT_EQ(parser.step({}).kind, Kind::end);
}

TEST(RequestParser, GathersAHeadThatComesByteByByte) {
  const http::Limits limits;
  RequestParser parser(limits);
  for (std::size_t i = 0; i + 1 < kChromium.size(); ++i) {
    const Step step = parser.step(std::string(1, kChromium[i]));
    ASSERT_EQ(step.kind, Kind::more);
    ASSERT_EQ(step.consumed, 1U);
  }
  ASSERT_EQ(parser.step("\n").kind, Kind::head);
  EXPECT_EQ(parser.head().value("LAST-EVENT-ID"), "k3-17");
}

TEST(RequestParser, KeepsAHeadBeyondItsInput) {
  const http::Limits limits;
  RequestParser parser(limits);
  std::string input(kChromium);
  ASSERT_EQ(parser.step(input).kind, Kind::head);
  parser.keep();
  input.assign(input.size(), 'x');
  EXPECT_EQ(parser.head().path, "/events");
  EXPECT_EQ(parser.head().value("accept"), "text/event-stream");
}

}  // namespace
}  // namespace fanfare::h1
