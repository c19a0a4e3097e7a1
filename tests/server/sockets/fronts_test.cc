// Connections that a front carries: who is believed about it, what is refused and how, and whose
// address is shown.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "broker/server/sockets/greeter.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using std::string_view_literals::operator""sv;
using ::testing::AllOf;
using testing::body_of;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

constexpr std::string_view kFront = "10.0.0.5";
constexpr std::string_view kStranger = "203.0.113.9";
constexpr std::string_view kLine = "PROXY TCP4 192.0.2.1 10.0.0.5 56324 80\r\n";
constexpr std::string_view kStream = "GET /events?channel=news HTTP/1.1\r\nHost: x\r\n";
constexpr std::string_view kOptions = "OPTIONS /events HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kBinary(
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0f\xc0\x00\x02\x01\x0a\x00\x00\x05\xdc\x04\x00\x50\x04\x00\x00"sv);

Options fronted(ProxyProtocol proxy_protocol = ProxyProtocol::accept) {
  Options options;
  options.fronts = {.trusted = {"10.0.0.0/8"}, .proxy_protocol = proxy_protocol};
  options.limits.head_time = 3s;
  options.limits.drain = Duration(0);
  return options;
}

std::string said(std::string_view fields = {}) {
  return fmt::format("{}{}\r\n", kStream, fields);
}

// The address that the live page shows for a stream that ends.
std::string shown_at_the_end(SmallBroker& broker) {
  broker.drain();
  broker.pass(200ms);
  const auto closes = broker.snapshot().recent_closes;
  return closes.empty() ? "nobody" : closes.back().peer;
}

TEST(Fronts, TheAddressOfAStreamIsTheClientsHoweverTheFrontSaysIt) {
  struct Way {
    std::string_view header;
    std::string fields;
    std::string shown;
    ForwardedField forwarded = ForwardedField::x_forwarded_for;
  };
  for (const Way& way :
       {Way{"", "", "10.0.0.5:40000"}, Way{kLine, "", "192.0.2.1:56324"},
        Way{kBinary, "", "192.0.2.1:56324"}, Way{"", "X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"},
        Way{"", "x-forwarded-for: 8.8.8.8\r\nX-Forwarded-For: 192.0.2.7, 10.1.1.1\r\n",
            "192.0.2.7"},
        Way{"", "Forwarded: for=\"[2001:db8::1]:99\"\r\n", "[2001:db8::1]:99",
            ForwardedField::forwarded},
        Way{"", "Forwarded: for=192.0.2.7\r\n", "10.0.0.5:40000"},
        Way{"", "X-Forwarded-For: 192.0.2.7\r\n", "10.0.0.5:40000", ForwardedField::none},
        // The client of a connection is believed no more than any other.
        Way{kLine, "X-Forwarded-For: 8.8.8.8\r\n", "192.0.2.1:56324"}}) {
    Options options = fronted();
    options.fronts.forwarded = way.forwarded;
    SmallBroker broker(options);
    Peer& peer = broker.subscriber_from(kFront);
    peer.say(std::string(way.header) + said(way.fields));
    broker.pass();
    ASSERT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n")) << way.fields;
    EXPECT_EQ(shown_at_the_end(broker), way.shown) << way.fields;
  }
}

TEST(Fronts, AStrangerIsNotBelieved) {
  SmallBroker broker(fronted());
  Peer& peer = broker.subscriber_from(kStranger);
  peer.say(said("X-Forwarded-For: 192.0.2.7\r\n"));
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(shown_at_the_end(broker), "203.0.113.9:40000");
}

TEST(Fronts, APeerBehindAUnixSocketIsBelievedIfThatIsTrusted) {
  struct Way {
    std::vector<std::string> trusted;
    std::string_view header;
    std::string fields;
    std::string shown;
  };
  for (const Way& way :
       {Way{{"unix:"}, "", "X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"},
        Way{{"unix:"}, kLine, "", "192.0.2.1:56324"}, Way{{"unix:"}, "", "", "local"},
        Way{{"10.0.0.0/8"}, "", "X-Forwarded-For: 192.0.2.7\r\n", "local"}}) {
    Options options = fronted();
    options.fronts.trusted = way.trusted;
    SmallBroker broker(options);
    Peer& peer = broker.subscriber();
    peer.come_from(IpAddress{});  // none
    peer.say(std::string(way.header) + said(way.fields));
    broker.pass();
    ASSERT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n")) << way.fields;
    EXPECT_EQ(shown_at_the_end(broker), way.shown) << way.fields;
  }
}

// What it has said of itself would be believed where "unix:" is trusted.
TEST(Fronts, ATcpPeerThatIsGoneIsNotTakenForOneBehindAUnixSocket) {
  Options options = fronted();
  options.fronts.trusted = {"unix:"};
  SmallBroker broker(options, nullptr, {}, SmallBroker::kSubscribersMax, {}, nullptr,
                     BrokerPhase::serving, 0, {.tcp = true});
  Peer& gone = broker.subscriber();
  gone.come_from(IpAddress{});
  gone.say(said("X-Forwarded-For: 192.0.2.7\r\n"));
  Peer& other = broker.subscriber_from(kStranger);
  other.say(said());
  broker.pass();
  EXPECT_TRUE(gone.gone());
  EXPECT_EQ(gone.take(), "");
  EXPECT_THAT(other.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

// Each byte in a turn of its own, the request in the same one as the header's end or not.
TEST(Fronts, TheHeaderMayBeCutAnywhere) {
  for (const std::string& header : {std::string(kLine), kBinary}) {
    SmallBroker broker(fronted());
    Peer& peer = broker.subscriber_from(kFront);
    for (const char byte : header + said()) {
      peer.say({&byte, 1});
      broker.pass(1ms);
    }
    broker.pass();
    EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(broker.counters().proxy_headers_total, 1U);
    EXPECT_EQ(shown_at_the_end(broker), "192.0.2.1:56324");
  }
}

TEST(Fronts, ARequestThatBeginsLikeAHeaderIsARequest) {
  SmallBroker broker(fronted());
  Peer& empty_line = broker.subscriber_from(kFront);
  empty_line.say("\r\n");
  broker.pass();
  empty_line.say(kOptions);
  broker.pass();
  EXPECT_THAT(empty_line.take(), StartsWith("HTTP/1.1 204 No Content\r\n"));
  Peer& peer = broker.subscriber_from(kFront);
  peer.say("PROP");
  broker.pass();
  peer.say("FIND /events HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
}

TEST(Fronts, WhatIsRefusedIsToldWhyAndDisconnected) {
  struct Wrong {
    ProxyProtocol proxy_protocol;
    std::string_view from;
    std::string bytes;
    std::string status;
    std::string sentence;
  };
  using enum ProxyProtocol;
  const std::string line(kLine);
  for (const Wrong& wrong :
       {Wrong{off, kFront, line, "400 Bad Request",
              "the connection begins with the PROXY protocol, and [fronts] proxy_protocol is "
              "\"off\"\n"},
        Wrong{accept, kStranger, line, "403 Forbidden",
              "the PROXY protocol comes from 203.0.113.9, which is not in [fronts] trusted\n"},
        Wrong{accept, kStranger, kBinary, "403 Forbidden",
              "the PROXY protocol comes from 203.0.113.9, which is not in [fronts] trusted\n"},
        Wrong{accept, kFront, "PROXY TCP4 x\r\n", "400 Bad Request",
              "the header of the PROXY protocol is malformed: its addresses are not two of the "
              "family that it names\n"},
        Wrong{require, kFront, std::string(kOptions), "400 Bad Request",
              "the connection does not begin with the PROXY protocol, which [fronts] "
              "proxy_protocol = \"require\" asks for\n"},
        Wrong{require, kStranger, std::string(kOptions), "403 Forbidden",
              "the connection comes from 203.0.113.9, which is not in [fronts] trusted\n"}}) {
    SmallBroker broker(fronted(wrong.proxy_protocol));
    Peer& peer = broker.subscriber_from(wrong.from);
    peer.say(wrong.bytes);
    broker.pass();
    const std::string answer = peer.take();
    EXPECT_THAT(answer,
                AllOf(StartsWith("HTTP/1.1 " + wrong.status), HasSubstr("Connection: close\r\n")));
    EXPECT_EQ(body_of(answer), wrong.sentence);
    EXPECT_TRUE(peer.ended());
    broker.pass(3s);
    EXPECT_EQ(broker.closes(CloseReason::front_refused), 1U);
    EXPECT_EQ(broker.counters().proxy_refused_total, 1U);
    EXPECT_EQ(broker.counters().proxy_headers_total, 0U);
  }
}

TEST(Fronts, WhereTheProtocolIsRequiredAFrontGetsThroughWithIt) {
  SmallBroker broker(fronted(ProxyProtocol::require));
  Peer& peer = broker.subscriber_from(kFront);
  peer.say(kBinary + std::string(kOptions));
  Peer& check = broker.subscriber_from(kFront);
  check.say("PROXY UNKNOWN\r\n" + std::string(kOptions));
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(check.take(), StartsWith("HTTP/1.1 204 No Content\r\n"));
}

TEST(Fronts, AHeaderHasTheTimeOfAHeadHoweverItTrickles) {
  SmallBroker broker(fronted());
  Peer& peer = broker.subscriber_from(kFront);
  for (const char byte : kLine.substr(0, 20)) {
    if (peer.gone()) break;
    peer.say({&byte, 1});
    broker.pass(1s);
  }
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(peer.take(), "");
  broker.pass(3s);
  EXPECT_EQ(broker.closes(CloseReason::head_timeout), 1U);
}

// The next request on the connection is of another client; or of the front itself.
TEST(Fronts, AConnectionIsItsFrontsAgainOnceTheStreamHasEnded) {
  SmallBroker broker(fronted());
  Peer& peer = broker.subscriber_from(kFront);
  peer.say(said("X-Forwarded-For: 192.0.2.7\r\n"));
  broker.pass();
  broker.publish("news", "last");
  broker.command("SSE.FINISH news");
  EXPECT_THAT(peer.take(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("0\r\n\r\n")));
  peer.say("GET /events?channel=other HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.8\r\n\r\n");
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n")) << "it was kept alive";
  EXPECT_EQ(shown_at_the_end(broker), "192.0.2.8") << "it is still a front's";
}

// The next connection in its place begins anew.
TEST(Fronts, AGreetingEndsWithItsConnection) {
  SmallBroker broker(fronted());
  Peer& first = broker.subscriber_from(kFront);
  first.say(kLine.substr(0, 8));
  broker.pass();
  first.hang_up();
  broker.pass();
  Peer& second = broker.subscriber_from(kFront);
  second.say(kOptions);
  broker.pass();
  EXPECT_THAT(second.take(), StartsWith("HTTP/1.1 204 No Content\r\n"));
}

TEST(Greeter, ForgetsAConnectionThatEndsInTheMidstOfItsGreeting) {
  ConnectionTable connections(4);
  Counters counters;
  const Settings settings(std::make_shared<const Options>(fronted()));
  Greeter greeter(connections, counters, settings);
  const io::Slot slot = connections.allocate();
  EXPECT_EQ(greeter.received(slot, "PROXY TC", TimePoint{}).kind, Greeting::Kind::more);
  EXPECT_EQ(greeter.midway(), 1U);
  greeter.release(slot);
  EXPECT_EQ(greeter.midway(), 0U);
}

TEST(Carriers, KeepEachFrontOnceAndOnlyWhileItCarries) {
  Carriers carriers;
  const IpAddress front = *IpAddress::parse("10.0.0.5");
  const IpAddress other = *IpAddress::parse("10.0.0.6");
  EXPECT_EQ(carriers.take(7), std::nullopt);
  carriers.remember(7, front);
  carriers.remember(3, front);
  carriers.remember(4, other);
  EXPECT_EQ(carriers.fronts(), 2U);
  EXPECT_EQ(carriers.take(3), front);
  EXPECT_EQ(carriers.take(3), std::nullopt);
  EXPECT_EQ(carriers.take(7), front);
  EXPECT_EQ(carriers.fronts(), 1U);
  carriers.remember(9, front);
  EXPECT_EQ(carriers.take(4), other);
  EXPECT_EQ(carriers.take(9), front);
  EXPECT_EQ(carriers.fronts(), 0U);
}

}  // namespace
}  // namespace fanfare::server
