// What one client may hold and ask for, as it and its neighbours see it. That each count is given
// back is checked at the end of every test of a SmallBroker.
#include "broker/server/sockets/client_limits.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/policy/jwt_signer.h"
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

constexpr std::string_view kOptions = "OPTIONS /events HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kOneLine = "PROXY TCP4 192.0.2.1 10.0.0.5 5 80\r\n";
constexpr std::string_view kReason =
    ": this address has as many streams as [limits] streams_per_address allows; close one\n";

std::string stream(std::string_view fields = {}, std::string_view target = "/events?channel=a") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n", target, fields);
}

std::string said(SmallBroker& broker, Peer& peer, std::string_view bytes) {
  if (!bytes.empty()) peer.say(bytes);
  broker.pass();
  return peer.take();
}

// "stream", "come back", "closed" or a status.
std::string outcome(SmallBroker& broker, Peer& peer, std::string_view bytes) {
  const std::string answer = said(broker, peer, bytes);
  if (answer.empty()) return peer.gone() ? "closed" : "nothing";
  if (!answer.starts_with("HTTP/1.1 200")) return answer.substr(9, 3);
  return answer.find("Connection: close\r\n") == std::string::npos ? "stream" : "come back";
}

TEST(ClientLimits, OneConnectionTooManyIsClosedUnread) {
  Options options;
  options.limits.connections_per_address = 2;
  SmallBroker broker(options);
  Peer& first = broker.subscriber_from("192.0.2.1");
  Peer& second = broker.subscriber_from("192.0.2.1");
  broker.pass();
  Peer& third = broker.subscriber_from("192.0.2.1");
  Peer& neighbour = broker.subscriber_from("192.0.2.2");
  EXPECT_EQ(outcome(broker, neighbour, stream()), "stream");
  EXPECT_TRUE(third.gone());
  EXPECT_EQ(outcome(broker, first, stream()), "stream");
  EXPECT_EQ(broker.counters().connections_over_address_total, 1U);
  EXPECT_EQ(broker.counters().connections_open, 3U);
  second.hang_up();
  broker.pass();
  EXPECT_EQ(outcome(broker, broker.subscriber_from("192.0.2.1"), stream()), "stream");
}

// One network of 64 bits is one client, whatever it does with the other 64.
TEST(ClientLimits, AnIpv6ClientIsItsNetwork) {
  Options options;
  options.limits.connections_per_address = 1;
  SmallBroker broker(options);
  EXPECT_EQ(outcome(broker, broker.subscriber_from("2001:db8:1:1::1"), stream()), "stream");
  Peer& same = broker.subscriber_from("2001:db8:1:1:ffff::2");
  Peer& next = broker.subscriber_from("2001:db8:1:2::1");
  EXPECT_EQ(outcome(broker, next, stream()), "stream");
  EXPECT_TRUE(same.gone());
}

TEST(ClientLimits, AStreamTooManyComesBackWithTheReasonAndSeatsAreNotTouched) {
  Options options;
  options.limits.streams_per_address = 1;
  SmallBroker broker(options);
  Peer& first = broker.subscriber_from("192.0.2.1");
  EXPECT_EQ(outcome(broker, first, stream()), "stream");
  Peer& second = broker.subscriber_from("192.0.2.1");
  const std::string answer = said(broker, second, stream("Accept: text/event-stream\r\n"));
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("retry: "),
                            HasSubstr(kReason), Not(HasSubstr("\r\n0\r\n"))));
  EXPECT_TRUE(second.gone());
  EXPECT_EQ(outcome(broker, broker.subscriber_from("192.0.2.2"), stream()), "stream");
  first.hang_up();
  broker.pass();
  EXPECT_EQ(outcome(broker, broker.subscriber_from("192.0.2.1"), stream()), "stream");
  EXPECT_EQ(broker.counters().streams_over_address_total, 1U);
}

// HEAD, a finished channel, and a refused request begin no stream.
TEST(ClientLimits, WhatBeginsNoStreamHoldsNone) {
  Options options;
  options.limits.streams_per_address = 1;
  SmallBroker broker(options);
  broker.publish("over", "x");
  broker.command("SSE.FINISH over");
  Peer& peer = broker.subscriber_from("192.0.2.1");
  for (int i = 0; i < 3; ++i) {
    peer.say("HEAD /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n");
    broker.pass();
    EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(outcome(broker, peer, stream("Last-Event-ID: ep0ch00-1\r\n", "/events?channel=over")),
              "204");
    EXPECT_EQ(outcome(broker, peer, stream({}, "/events?channel=~bad")), "400");
  }
  EXPECT_EQ(outcome(broker, peer, stream()), "stream");
}

// 429 would stop an EventSource for good; a script can do something with it.
TEST(ClientLimits, ARequestTooManyIsAnsweredSoThatItsClientCanUseIt) {
  Options options;
  options.limits.requests_per_address = "2/min";
  options.cors.origins = {"https://a.example"};
  SmallBroker broker(options);
  Peer& peer = broker.subscriber_from("192.0.2.1");
  EXPECT_EQ(outcome(broker, peer, kOptions), "204");
  EXPECT_EQ(outcome(broker, peer, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"), "404");
  EXPECT_THAT(
      said(broker, peer, stream("Origin: https://a.example\r\n")),
      AllOf(StartsWith("HTTP/1.1 429 Too Many Requests\r\n"), HasSubstr("Retry-After: 30\r\n"),
            HasSubstr("Access-Control-Allow-Origin: https://a.example\r\n"),
            HasSubstr("\r\n\r\nmore requests than [limits] requests_per_address allows "
                      "(2/min); the next one in 30 s\n")));
  EXPECT_FALSE(peer.gone()) << "the connection goes on";
  Peer& source = broker.subscriber_from("192.0.2.1");
  EXPECT_THAT(
      said(broker, source, stream("Accept: text/event-stream\r\n")),
      AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
            HasSubstr(": more requests than [limits] requests_per_address allows (2/min)\n")));
  EXPECT_TRUE(source.gone());
  EXPECT_EQ(outcome(broker, broker.subscriber_from("192.0.2.2"), kOptions), "204");
  EXPECT_EQ(broker.counters().requests_over_address_total, 2U);
  broker.pass(30s);
  EXPECT_EQ(outcome(broker, broker.subscriber_from("192.0.2.1"), kOptions), "204");
}

TEST(ClientLimits, AFrontIsNoClientAndItsClientsAreCountedByThemselves) {
  Options options;
  options.fronts = {.trusted = {"10.0.0.0/8"}};
  options.limits.connections_per_address = 1;
  options.limits.streams_per_address = 1;
  options.limits.requests_per_address = "3/h";
  SmallBroker broker(options);
  const auto asked = [&](std::string_view client) {
    return outcome(broker, broker.subscriber_from("10.0.0.5"),
                   stream(fmt::format("X-Forwarded-For: {}\r\n", client)));
  };
  EXPECT_EQ(asked("192.0.2.1"), "stream");
  EXPECT_EQ(asked("192.0.2.2"), "stream");
  EXPECT_EQ(asked("192.0.2.1"), "come back");
  EXPECT_EQ(asked("192.0.2.9, 192.0.2.1"), "come back") << "it cannot say that it is another";
  EXPECT_EQ(asked("192.0.2.1"), "429");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(outcome(broker, broker.subscriber_from("10.0.0.5"), kOptions), "204")
        << "health checks";
  }
  EXPECT_EQ(asked("unknown"), "stream") << "the front does not say for whom";
}

TEST(ClientLimits, AConnectionIsItsClientsOnceTheFrontHasNamedIt) {
  Options options;
  options.fronts = {.trusted = {"10.0.0.5"}, .proxy_protocol = ProxyProtocol::accept};
  options.limits.connections_per_address = 1;
  SmallBroker broker(options);
  Peer& first = broker.subscriber_from("10.0.0.5");
  EXPECT_EQ(outcome(broker, first, std::string(kOneLine) + stream()), "stream");
  Peer& second = broker.subscriber_from("10.0.0.5");
  EXPECT_EQ(outcome(broker, second, std::string(kOneLine) + stream()), "closed");
  Peer& direct = broker.subscriber_from("192.0.2.1");
  broker.pass();
  EXPECT_TRUE(direct.gone()) << "the same client, without the front";
  first.hang_up();
  broker.pass();
  EXPECT_EQ(outcome(broker, broker.subscriber_from("192.0.2.1"), stream()), "stream");
}

// kill -9 of a client, a client that is gone for hours, one that stops reading, a request that is
// refused, a drain: each way to go gives back what it held.
TEST(ClientLimits, WhateverEndsAConnectionGivesBackWhatItHeld) {
  Options options;
  options.limits.connections_per_address = 4;
  options.limits.streams_per_address = 4;
  options.limits.head_time = 2s;
  options.limits.idle_time = 2s;
  SmallBroker broker(options);
  const auto four = [&] {
    std::vector<Peer*> peers;
    for (int i = 0; i < 4; ++i) peers.push_back(&broker.subscriber_from("192.0.2.1"));
    broker.pass();
    for (const Peer* const peer : peers) EXPECT_FALSE(peer->gone());
    return peers;
  };
  for (Peer* const peer : four()) peer->hang_up();
  broker.pass();
  for (Peer* const peer : four()) {
    EXPECT_EQ(outcome(broker, *peer, stream()), "stream");
    peer->hang_up();
  }
  broker.pass();
  for (Peer* const peer : four()) EXPECT_EQ(outcome(broker, *peer, "nonsense\r\n\r\n"), "400");
  broker.pass(4s);
  four();
  broker.pass(6s);  // head_time
  for (Peer* const peer : four()) peer->say("GET /ev");
  broker.pass(6s);
  for (Peer* const peer : four()) EXPECT_EQ(outcome(broker, *peer, kOptions), "204");
  broker.pass(6s);  // idle_time
  for (Peer* const peer : four()) EXPECT_EQ(outcome(broker, *peer, stream()), "stream");
  broker.drain();
  broker.pass(8s);
  EXPECT_TRUE(broker.finished());
}

TEST(ClientLimits, AReloadIsForNewcomers) {
  Options options;
  options.limits.streams_per_address = 3;
  SmallBroker broker(options);
  std::vector<Peer*> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(&broker.subscriber_from("192.0.2.1"));
    EXPECT_EQ(outcome(broker, *peers.back(), stream()), "stream");
  }
  options.limits.streams_per_address = 1;
  broker.post(SettingsMessage{std::make_shared<const Options>(options)});
  broker.pass();
  for (const Peer* const peer : peers) EXPECT_FALSE(peer->gone());
  EXPECT_EQ(outcome(broker, broker.subscriber_from("192.0.2.1"), stream()), "come back");
  options.limits.streams_per_address = 0;
  broker.post(SettingsMessage{std::make_shared<const Options>(options)});
  broker.pass();
  EXPECT_EQ(outcome(broker, broker.subscriber_from("192.0.2.1"), stream()), "stream");
}

// ---- tokens

const policy_test::JwtSigner& signer() {
  static const auto kSigner = policy_test::JwtSigner::secret(std::string(32, 's'));
  return kSigner;
}

std::string bearing(std::string_view claims) {
  return fmt::format(
      "Authorization: Bearer {}\r\n",
      signer().token(fmt::format(R"({{{}"channels":["**"],"exp":4000000000}})", claims)));
}

Options with_tokens() {
  Options options;
  options.token.keys = {"/etc/fanfare/token"};
  options.token_keys = std::make_shared<const policy::JwtKeys>(signer().keys());
  return options;
}

TEST(ClientLimits, TheBearerOfATokenIsOneClientWhereverItConnectsFrom) {
  Options options = with_tokens();
  options.limits.streams_per_token = 1;
  SmallBroker broker(options);
  const auto asked = [&](std::string_view address, std::string_view claims) {
    return outcome(broker, broker.subscriber_from(address), stream(bearing(claims)));
  };
  EXPECT_EQ(asked("192.0.2.1", R"("sub":"ann",)"), "stream");
  EXPECT_EQ(asked("192.0.2.2", R"("sub":"ann","jti":"another token",)"), "come back");
  EXPECT_EQ(asked("192.0.2.1", R"("sub":"bob",)"), "stream");
  EXPECT_EQ(asked("192.0.2.1", R"("sub":"ann","iss":"elsewhere",)"), "stream");
  EXPECT_EQ(asked("192.0.2.1", ""), "stream") << "without a subject the token itself counts";
  EXPECT_EQ(asked("192.0.2.1", ""), "come back");
  EXPECT_EQ(asked("192.0.2.1", R"("jti":"2",)"), "stream");
  EXPECT_EQ(broker.counters().streams_over_token_total, 2U);
}

TEST(ClientLimits, ATokenThatAsksTooOftenIsAnsweredLikeAnAddress) {
  Options options = with_tokens();
  options.limits.requests_per_token = "1/h";
  SmallBroker broker(options);
  const std::string ann = bearing(R"("sub":"ann",)");
  EXPECT_EQ(outcome(broker, broker.subscriber_from("192.0.2.1"), stream(ann)), "stream");
  EXPECT_EQ(outcome(broker, broker.subscriber_from("192.0.2.2"), stream(ann)), "429");
  EXPECT_EQ(outcome(broker, broker.subscriber_from("192.0.2.2"),
                    stream(ann + "Accept: text/event-stream\r\n")),
            "come back");
  EXPECT_EQ(
      outcome(broker, broker.subscriber_from("192.0.2.2"), stream(bearing(R"("sub":"bob",)"))),
      "stream");
  EXPECT_EQ(broker.counters().requests_over_token_total, 2U);
}

TEST(ClientLimits, ATicketCountsForItsSubject) {
  Options options = with_tokens();
  options.limits.streams_per_token = 1;
  SmallBroker broker(options);
  const auto with_ticket = [&](std::string_view subject) {
    const std::string reply = broker.command(fmt::format("SSE.TICKET {} a", subject));
    const std::string ticket = reply.substr(reply.find('\n') + 1, 22);
    return outcome(broker, broker.subscriber_from("192.0.2.1"),
                   stream({}, "/events?channel=a&ticket=" + ticket));
  };
  EXPECT_EQ(with_ticket("SUB ann"), "stream");
  EXPECT_EQ(with_ticket("SUB ann"), "come back");
  EXPECT_EQ(with_ticket("SUB bob"), "stream");
  EXPECT_EQ(with_ticket(""), "stream") << "nobody is named";
  EXPECT_EQ(with_ticket(""), "stream");
}

// ---- applications

TEST(ClientLimits, AStreamThatAnApplicationLetsInIsCountedAsWell) {
  Options options;
  testing::route_rule(options, "/ask").upstream = "unix:/app.sock";
  options.limits.streams_per_address = 1;
  SmallBroker broker(options);
  testing::Application& app = broker.application();
  const auto asked = [&] {
    Peer& peer = broker.subscriber_from("192.0.2.1");
    peer.say(stream({}, "/ask"));
    broker.pass();
    app.say(app.connections() - 1,
            "HTTP/1.1 200 OK\r\nFanfare-Channels: b\r\nConnection: close\r\n"
            "Content-Length: 0\r\n\r\n");
    return outcome(broker, peer, "");
  };
  EXPECT_EQ(asked(), "stream");
  EXPECT_EQ(asked(), "come back");
}

}  // namespace
}  // namespace fanfare::server
