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

// A parser and what its first step said.
struct Parsed {
  explicit Parsed(std::string_view input) : text(input), parser(limits), step(parser.step(text)) {}
  http::Limits limits;
  std::string text;
  RequestParser parser;
  Step step;
};

TEST(RequestParser, LeavesAHeadWhereItIsWhenAskedToKeepItTwice) {
  Parsed parsed(kChromium);
  parsed.parser.keep();
  const char* const kept = parsed.parser.head().path.data();
  parsed.parser.keep();
  EXPECT_EQ(parsed.parser.head().path.data(), kept);
}

TEST(RequestParser, PointsIntoItsOwnBufferWhenAHeadCameInPieces) {
  const http::Limits limits;
  RequestParser parser(limits);
  std::string input(kChromium);
  ASSERT_EQ(parser.step(std::string_view(input).substr(0, 30)).kind, Kind::more);
  ASSERT_EQ(parser.step(std::string_view(input).substr(30)).kind, Kind::head);
  input.assign(input.size(), 'x');
  EXPECT_EQ(parser.head().target, "/events?channel=prices%2Fbtc&channel=alerts");
}

TEST(RequestParser, TakesNoByteOfTheNextRequest) {
  const std::string two = std::string(kChromium) + std::string(kChromium);
  for (const std::size_t cut : {std::size_t{0}, std::size_t{20}, kChromium.size() - 1}) {
    const http::Limits limits;
    RequestParser parser(limits);
    const std::string_view input = two;
    ASSERT_EQ(parser.step(input.substr(0, cut)).kind, Kind::more);
    const Step step = parser.step(input.substr(cut));
    ASSERT_EQ(step.kind, Kind::head);
    EXPECT_EQ(cut + step.consumed, kChromium.size());
    EXPECT_EQ(parser.step(input.substr(kChromium.size())).kind, Kind::end);
    parser.reset();
    EXPECT_EQ(parser.step(input.substr(kChromium.size())).kind, Kind::head);
  }
}

TEST(RequestParser, HandsOutABodyInPiecesOfTheInput) {
  Parsed parsed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  RequestParser& parser = parsed.parser;
  EXPECT_TRUE(parser.has_body());
  EXPECT_EQ(parser.body_size(), 5U);
  const std::string_view first = "hel";
  const Step step = parser.step(first);
  EXPECT_EQ(step.kind, Kind::body);
  EXPECT_EQ(step.body.data(), first.data());
  EXPECT_EQ(step.body, "hel");
  EXPECT_EQ(parser.step({}).kind, Kind::more);
  const Step last = parser.step("loGET");
  EXPECT_EQ(last.body, "lo");
  EXPECT_EQ(last.consumed, 2U);
  EXPECT_EQ(parser.step("GET").kind, Kind::end);
}

TEST(RequestParser, DoesNotKnowTheSizeOfAChunkedBody) {
  const Parsed parsed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_TRUE(parsed.parser.has_body());
  EXPECT_EQ(parsed.parser.body_size(), std::nullopt);
}

TEST(RequestParser, SaysWhenARequestHasBegun) {
  const http::Limits limits;
  RequestParser parser(limits);
  EXPECT_FALSE(parser.begun());
  EXPECT_EQ(parser.step({}).kind, Kind::more);
  EXPECT_FALSE(parser.begun());
  parser.step("G");
  EXPECT_TRUE(parser.begun());
  parser.reset();
  EXPECT_FALSE(parser.begun());
}

TEST(RequestParser, ForgetsTheRequestBefore) {
  const http::Limits limits;
  RequestParser parser(limits);
  for (int time = 0; time < 2; ++time) {
    ASSERT_EQ(parser
                  .step("POST http://b/c?d HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n"
                        "Content-Length: 0\r\n\r\n")
                  .kind,
              Kind::head);
    ASSERT_EQ(parser.step({}).kind, Kind::end);
    parser.reset();
    ASSERT_EQ(parser
                  .step("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n")
                  .kind,
              Kind::head);
    parser.reset();
    ASSERT_EQ(parser.step("PUT /x HTTP/1.1\r\nHost: z\r\nContent-Length: 3\r\n\r\n").kind,
              Kind::head);
    EXPECT_FALSE(parser.expects_continue());
    EXPECT_EQ(parser.body_size(), 3U);
    EXPECT_EQ(parser.persistence(), Persistence::persistent);
    EXPECT_EQ(parser.head().authority, "z");
    EXPECT_EQ(parser.head().query, "");
    EXPECT_EQ(parser.head().fields.size(), 2U);
    parser.reset();
  }
}

TEST(RequestParser, StartsAfreshInTheMiddleOfAHead) {
  const http::Limits limits;
  RequestParser parser(limits);
  parser.step("POST / HTTP/1.0\r\nConnection: close\r\nContent-Length: 9\r\nExp");
  parser.reset();
  ASSERT_EQ(parser.step(kChromium).kind, Kind::head);
  EXPECT_FALSE(parser.has_body());
  EXPECT_EQ(parser.head().fields.size(), 7U);
}

TEST(RequestParser, SeesAnExpectationOnlyWhereABodyIsToCome) {
  const auto expects = [](std::string_view line, std::string_view fields) {
    const Parsed parsed(std::string(line) + "\r\nHost: a\r\n" + std::string(fields) + "\r\n");
    EXPECT_EQ(parsed.step.kind, Kind::head);
    return parsed.parser.expects_continue();
  };
  EXPECT_TRUE(expects("POST / HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 1\r\n"));
  EXPECT_TRUE(expects("POST / HTTP/1.1", "Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(expects("POST / HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 0\r\n"));
  EXPECT_FALSE(expects("POST / HTTP/1.1", "Content-Length: 1\r\n"));
  // RFC 9110 §10.1.1: ignored on HTTP/1.0.
  EXPECT_FALSE(expects("POST / HTTP/1.0", "Expect: 100-continue\r\nContent-Length: 1\r\n"));
}

TEST(RequestParser, DecidesWhetherTheConnectionIsKept) {
  const auto persistence = [](std::string_view version, std::string_view fields) {
    const Parsed parsed("GET / HTTP/" + std::string(version) + "\r\nHost: a\r\n" +
                        std::string(fields) + "\r\n");
    EXPECT_EQ(parsed.step.kind, Kind::head);
    return parsed.parser.persistence();
  };
  EXPECT_EQ(persistence("1.1", ""), Persistence::persistent);
  EXPECT_EQ(persistence("1.1", "Connection: keep-alive\r\n"), Persistence::persistent);
  EXPECT_EQ(persistence("1.1", "Connection: close\r\n"), Persistence::close);
  EXPECT_EQ(persistence("1.1", "Connection: Upgrade, CLOSE\r\n"), Persistence::close);
  EXPECT_EQ(persistence("1.1", "connection: x\r\nConnection: close\r\n"), Persistence::close);
  EXPECT_EQ(persistence("1.1", "Connection: closed\r\n"), Persistence::persistent);
  EXPECT_EQ(persistence("1.0", ""), Persistence::close);
  EXPECT_EQ(persistence("1.0", "Connection: Keep-Alive\r\n"), Persistence::persistent_stated);
  EXPECT_EQ(persistence("1.0", "Connection: keep-alive, close\r\n"), Persistence::close);
}

TEST(RequestParser, LetsTheTargetsAuthorityCount) {
  const Parsed parsed("GET http://b:81 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(parsed.parser.head().authority, "b:81");
  EXPECT_EQ(parsed.parser.head().path, "/");
  EXPECT_EQ(parsed.parser.head().target, "http://b:81");
}

TEST(RequestParser, R2SeesAnEmptyLastEventIdAsPresentAndEmpty) {
  const Parsed parsed("GET / HTTP/1.1\r\nHost: a\r\nLast-Event-ID:\r\n\r\n");
  ASSERT_NE(parsed.parser.head().find("Last-Event-ID"), nullptr);
  EXPECT_EQ(parsed.parser.head().value("Last-Event-ID"), "");
}

TEST(RequestParser, NamesTheProtocolToAPeerThatSpeaksAnother) {
  const auto reason = [](std::string_view input) {
    Parsed parsed(input);
    EXPECT_EQ(parsed.step.kind, Kind::refused);
    return std::string(parsed.parser.refusal().reason);
  };
  EXPECT_EQ(reason("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            "HTTP/2 is not supported on this port; use HTTP/1.1, or put a proxy that speaks HTTP/2 "
            "in front");
  EXPECT_EQ(reason("\x16\x03\x01"),
            "this looks like a TLS handshake; this port speaks plain HTTP/1.1");
  EXPECT_EQ(reason("GET /\r\n"),
            "HTTP/0.9 is not supported; end the line with the version: HTTP/1.1");
  EXPECT_EQ(reason("GET / HTTP/1.1\n"), "a line ends with LF alone; HTTP/1.1 lines end with CR LF");
  EXPECT_EQ(reason("GET / HTTP/1.1\r\nHost: a\r\nx : y"),
            "whitespace between a field name and its colon");
}

TEST(RequestParser, RefusesAtTheByteThatIsWrong) {
  const auto offset = [](std::string_view input) {
    Parsed parsed(input);
    EXPECT_EQ(parsed.step.kind, Kind::refused);
    return parsed.step.consumed;
  };
  EXPECT_EQ(offset("GET / HTTP/1.1\nrest"), 14U);
  EXPECT_EQ(offset(std::string_view("GET /\0rest", 10)), 5U);
  EXPECT_EQ(offset("GET / HTTP/1.1\r\nHost: a\r\n b"), 25U);
  EXPECT_EQ(offset("GET / HTTP/1.1\r\nHost: a\rb"), 24U);
}

TEST(RequestParser, SaysAgainThatItHasRefused) {
  Parsed parsed("bad\n");
  for (int i = 0; i < 3; ++i) {
    const Step step = parsed.parser.step("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(step.kind, Kind::refused);
    EXPECT_EQ(step.consumed, 0U);
  }
  EXPECT_EQ(parsed.parser.refusal().status, 400);
}

TEST(RequestParser, FollowsALimitThatShrinksWhileAHeadArrives) {
  http::Limits limits;
  RequestParser parser(limits);
  ASSERT_EQ(parser.step(kChromium.substr(0, 100)).kind, Kind::more);
  limits.head_bytes = 50;
  EXPECT_EQ(parser.step(kChromium.substr(100)).kind, Kind::refused);
  EXPECT_EQ(parser.refusal().status, 431);
}

}  // namespace
}  // namespace fanfare::h1
