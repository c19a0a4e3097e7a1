// Tokens on a whole shard: what a request with one, without one, or with a bad one gets, and how a
// stream ends when its token has expired.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "broker/server/base/rules.h"
#include "broker/server/requests/known_tokens.h"
#include "broker/server/streams/subjects.h"
#include "tests/policy/jwt_signer.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using policy_test::JwtSigner;
using ::testing::AllOf;
using testing::body_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::route_rule;
using testing::SmallBroker;
using ::testing::StartsWith;

const JwtSigner& signer() {
  static const JwtSigner kSigner = JwtSigner::secret(std::string(32, 's'));
  return kSigner;
}

Options with_tokens() {
  Options options;
  options.token.keys = {"/etc/fanfare/token"};
  options.token_keys = std::make_shared<const policy::JwtKeys>(signer().keys());
  return options;
}

std::string token(const SmallBroker& broker, std::string_view channels,
                  std::chrono::seconds life = 1h) {
  return signer().token(fmt::format(R"({{"exp":{},"sub":"ann","channels":{}}})",
                                    (broker.date() + life).time_since_epoch().count(), channels));
}

std::string bearer(std::string_view token) {
  return fmt::format("Authorization: Bearer {}\r\n", token);
}

// The answer to GET, and the peer goes.
std::string answer(SmallBroker& broker, std::string_view target, std::string_view fields = {}) {
  Peer& peer = broker.get(target, fields);
  std::string heard = peer.take();
  peer.hang_up();
  broker.pass();
  return heard;
}

// The application names the channels, whatever the token grants; the token still says until when.
TEST(Tokens, AnApplicationIsAskedOnlyAboutRequestsWithAGoodToken) {
  Options options = with_tokens();
  route_rule(options, "/ask").upstream = "unix:/app.sock";
  SmallBroker broker(options);
  testing::Application& app = broker.application();
  EXPECT_THAT(answer(broker, "/ask"), HasSubstr(" 401 "));
  EXPECT_THAT(answer(broker, "/ask", bearer(token(broker, R"(["a"])", -1h))), HasSubstr(" 401 "));
  EXPECT_EQ(app.connections(), 0U);
  Peer& peer = broker.get("/ask", bearer(token(broker, R"(["a"])", 60s)));
  ASSERT_EQ(app.connections(), 1U);
  app.say(0, "HTTP/1.1 200 OK\r\nFanfare-Channels: b\r\nContent-Length: 0\r\n\r\n");
  broker.pass();
  EXPECT_THAT(peer.take(), HasSubstr(" 200 OK"));
  EXPECT_FALSE(peer.gone());
  broker.pass(100s);  // and the leeway
  EXPECT_TRUE(peer.gone());
  EXPECT_EQ(broker.closes(CloseReason::token_expired), 1U);
}

TEST(Tokens, ATokenOpensTheStreamsThatItGrants) {
  SmallBroker broker(with_tokens());
  const std::string good = token(broker, R"(["chat/*"])");
  EXPECT_THAT(answer(broker, "/events?channel=chat/1", bearer(good)), HasSubstr(" 200 OK"));
  EXPECT_THAT(answer(broker, "/events?channel=chat/1&channel=chat/*", bearer(good)),
              HasSubstr(" 200 OK"));
  EXPECT_THAT(answer(broker, "/events?channel=chat/1&token=" + good), HasSubstr(" 200 OK"));
  for (const char* const cookies : {"fanfare_token=", "a=b; fanfare_token=", "a; fanfare_token="}) {
    EXPECT_THAT(answer(broker, "/events?channel=chat/1",
                       fmt::format("Cookie: {}{}; c=d\r\n", cookies, good)),
                HasSubstr(" 200 OK"));
  }
  EXPECT_THAT(answer(broker, "/events?channel=chat/1",
                     fmt::format("Cookie: fanfare_token=\"{}\"\r\n", good)),
              HasSubstr(" 200 OK"));
  EXPECT_THAT(
      answer(broker, "/events?channel=chat/1", "AUTHORIZATION:   bearer  " + good + "  \r\n"),
      HasSubstr(" 200 OK"));
}

TEST(Tokens, WithoutOneTheAnswerSaysWhereItMayStand) {
  SmallBroker broker(with_tokens());
  const std::string heard = answer(broker, "/events?channel=chat/1");
  EXPECT_THAT(heard, HasSubstr(" 401 Unauthorized"));
  EXPECT_THAT(heard, HasSubstr("WWW-Authenticate: Bearer realm=\"fanfare\"\r\n"));
  EXPECT_EQ(body_of(heard),
            "a token is needed here; send it in the field Authorization: Bearer TOKEN, in the "
            "cookie fanfare_token, or as ?token=TOKEN\n");
  EXPECT_EQ(broker.counters().tokens_missing_total, 1U);
}

TEST(Tokens, WhatIsNoTokenOfOursIsNotLookedAt) {
  SmallBroker broker(with_tokens());
  for (const char* const fields :
       {"Authorization: Basic YTpi\r\n", "Authorization: Bearerx\r\n", "Cookie: fanfare_token=\r\n",
        "Cookie: xfanfare_token=a\r\n", "Cookie: fanfare_token\r\n", "Cookie: ;;=; =\r\n"}) {
    EXPECT_THAT(body_of(answer(broker, "/events?channel=a&token=", fields)),
                StartsWith("a token is needed"))
        << fields;
  }
}

TEST(Tokens, ABadOneIsRefusedWithoutAWordAboutOurKeys) {
  SmallBroker broker(with_tokens());
  broker.pass(1min);  // its clock begins at zero
  const std::string other =
      JwtSigner::secret(std::string(32, 'x'))
          .token(fmt::format(R"({{"exp":{},"channels":["**"]}})",
                             (broker.date() + 1h).time_since_epoch().count()));
  const std::string heard = answer(broker, "/events?channel=a", bearer(other));
  EXPECT_THAT(heard, HasSubstr(" 401 Unauthorized"));
  EXPECT_THAT(heard, HasSubstr("WWW-Authenticate: Bearer realm=\"fanfare\", "
                               "error=\"invalid_token\", error_description=\"the token is not "
                               "accepted here\"\r\n"));
  EXPECT_EQ(body_of(heard), "the token is not accepted here\n");
  for (const char* const text : {"Authorization: Bearer\r\n", "Authorization: Bearer a.b\r\n",
                                 "Cookie: fanfare_token=x\r\n"}) {
    EXPECT_EQ(body_of(answer(broker, "/events?channel=a", text)), "the token is malformed\n");
  }
  EXPECT_EQ(body_of(answer(broker, "/events?channel=a",
                           bearer(token(broker, R"(["a"])", std::chrono::seconds(-31))))),
            "the token has expired\n");
  EXPECT_EQ(broker.counters().tokens_refused_total, 5U);
  EXPECT_EQ(broker.counters().subscriptions_total, 0U);
}

TEST(Tokens, TwoDifferentOnesAreRefused) {
  SmallBroker broker(with_tokens());
  const std::string one = token(broker, R"(["a"])");
  const std::string two = token(broker, R"(["b"])");
  EXPECT_THAT(answer(broker, "/events?channel=a&token=" + one, bearer(one)), HasSubstr(" 200 OK"));
  EXPECT_THAT(answer(broker, "/events?channel=a&token=" + two, bearer(one)),
              AllOf(HasSubstr(" 400 Bad Request"), HasSubstr("two different tokens")));
  EXPECT_THAT(answer(broker, fmt::format("/events?channel=a&token={}&token={}", one, two)),
              HasSubstr(" 400 "));
  EXPECT_THAT(answer(broker, "/events?channel=a",
                     fmt::format("Cookie: fanfare_token={}; fanfare_token={}\r\n", one, two)),
              HasSubstr(" 400 "));
  EXPECT_THAT(answer(broker, "/events?channel=a", bearer(one) + bearer(two)), HasSubstr(" 400 "));
}

TEST(Tokens, TheRefusalNamesTheChannelThatIsNotGranted) {
  SmallBroker broker(with_tokens());
  const std::string good = token(broker, R"(["chat/*"])");
  const std::string heard = answer(broker, "/events?channel=chat/1&channel=orders/1", bearer(good));
  EXPECT_THAT(heard, HasSubstr(" 403 Forbidden"));
  EXPECT_THAT(heard, HasSubstr("error=\"insufficient_scope\""));
  EXPECT_EQ(body_of(heard), "the token does not grant the channel \"orders/1\"\n");
  for (const char* const wide : {"chat/**", "*/*", "**", "chat"}) {
    EXPECT_THAT(answer(broker, fmt::format("/events?channel={}", wide), bearer(good)),
                HasSubstr(" 403 "))
        << wide;
  }
  EXPECT_THAT(answer(broker, "/events?channel=chat/1", bearer(token(broker, "[]"))),
              HasSubstr(" 403 "));
  EXPECT_EQ(broker.counters().tokens_too_narrow_total, 6U);
}

// No seat, no audience: strangers cost what a refused request costs.
TEST(Tokens, NothingIsMadeForAStranger) {
  Options options = with_tokens();
  SmallBroker broker(options, nullptr, {}, /*subscribers_max=*/1);
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(answer(broker, "/events?channel=a/**"), HasSubstr(" 401 "));
    EXPECT_THAT(answer(broker, "/events?channel=b", bearer(token(broker, R"(["a"])"))),
                HasSubstr(" 403 "));
  }
  EXPECT_EQ(broker.command("PUBSUB NUMPAT"), ":0\r\n");
  EXPECT_EQ(broker.reported().subscribers, 0U);
  EXPECT_THAT(answer(broker, "/events?channel=a", bearer(token(broker, R"(["a"])"))),
              AllOf(HasSubstr(" 200 OK"), Not(HasSubstr("come back"))));
}

TEST(Tokens, HeadNeedsOneAndAPreflightNone) {
  Options options = with_tokens();
  options.cors.origins = {"https://app.example"};
  SmallBroker broker(options);
  const auto ask = [&](std::string_view method, std::string_view fields) {
    Peer& peer = broker.subscriber();
    peer.say(fmt::format("{} /events?channel=a HTTP/1.0\r\nHost: x\r\n{}\r\n", method, fields));
    broker.pass();
    return peer.take();
  };
  EXPECT_THAT(ask("HEAD", ""), HasSubstr(" 401 "));
  EXPECT_THAT(ask("HEAD", bearer(token(broker, R"(["a"])"))), HasSubstr(" 200 "));
  EXPECT_THAT(ask("OPTIONS", "Origin: https://app.example\r\n"), HasSubstr(" 204 "));
  EXPECT_THAT(
      ask("GET", "Origin: https://app.example\r\n"),
      AllOf(HasSubstr(" 401 "), HasSubstr("Access-Control-Allow-Origin: https://app.example\r\n")))
      << "else a browser hides why";
}

TEST(Tokens, ARouteSaysWhetherItNeedsOne) {
  Options options = with_tokens();
  route_rule(options, "/open", {"news"}).token = TokenNeed::none;
  route_rule(options, "/maybe", {"news"}).token = TokenNeed::optional;
  route_rule(options, "/closed", {"news"});
  SmallBroker broker(options);
  const std::string other = token(broker, R"(["other"])");
  EXPECT_THAT(answer(broker, "/open"), HasSubstr(" 200 OK"));
  EXPECT_THAT(answer(broker, "/open", bearer("nonsense")), HasSubstr(" 200 OK"));
  EXPECT_THAT(answer(broker, "/maybe"), HasSubstr(" 200 OK"));
  EXPECT_THAT(answer(broker, "/maybe", bearer(other)), HasSubstr(" 200 OK"));
  EXPECT_THAT(answer(broker, "/maybe", bearer("nonsense")), HasSubstr(" 401 "));
  EXPECT_THAT(answer(broker, "/closed"), HasSubstr(" 401 "));
  EXPECT_THAT(answer(broker, "/closed", bearer(other)), HasSubstr(" 403 "));
  EXPECT_THAT(answer(broker, "/closed", bearer(token(broker, R"(["news"])"))),
              HasSubstr(" 200 OK"));
}

TEST(Tokens, WithoutKeysEverybodyMaySubscribeAndTokensAreThePagesOwn) {
  SmallBroker broker;
  EXPECT_THAT(answer(broker, "/events?channel=a&token=nonsense", bearer("nonsense")),
              HasSubstr(" 200 OK"));
  Options options;
  options.token.need = TokenNeed::required;
  SmallBroker closed(options);
  EXPECT_THAT(answer(closed, "/events?channel=a", bearer(token(closed, R"(["a"])"))),
              HasSubstr(" 401 "))
      << "a need without keys lets nobody in";
}

TEST(Tokens, WithoutAPathThatLooksAtTicketsNoneIsIssued) {
  SmallBroker open;
  EXPECT_THAT(open.command("SSE.TICKET a"), HasSubstr("a ticket would open nothing"));
  Options options;
  testing::route_rule(options, "/own").token = TokenNeed::optional;
  options.routes[0].channels = {"a"};
  SmallBroker broker(options);
  EXPECT_THAT(broker.command("SSE.TICKET a"), StartsWith("$22"));
}

// ---- The stream.

TEST(Tokens, AStreamEndsUncleanlyWhenItsTokenHasExpired) {
  Options options = with_tokens();
  options.token.leeway = 5s;
  SmallBroker broker(options);
  Peer& peer = broker.subscriber();
  peer.say(fmt::format("GET /events?channel=a HTTP/1.1\r\nHost: x\r\n{}\r\n",
                       bearer(token(broker, R"(["a"])", 40s))));
  broker.pass();
  EXPECT_THAT(peer.take(), HasSubstr(" 200 OK"));
  broker.pass(44s);
  EXPECT_THAT(peer.take(), Not(HasSubstr("retry:")));
  EXPECT_FALSE(peer.gone()) << "its time includes the leeway";
  broker.publish("a", "last");
  EXPECT_THAT(peer.take(), HasSubstr("data: last"));
  broker.pass(3s);
  EXPECT_TRUE(peer.gone());
  EXPECT_THAT(peer.take(), AllOf(HasSubstr("retry: "), Not(HasSubstr("0\r\n\r\n"))));
  EXPECT_EQ(broker.closes(CloseReason::token_expired), 1U);
  EXPECT_EQ(broker.reported().subscribers, 0U) << "its seat is free";
}

TEST(Tokens, NoHeartbeatAndNoEventKeepsAnExpiredStreamOpen) {
  SmallBroker broker(with_tokens());
  Peer& quiet =
      broker.get("/events?channel=a&heartbeat=300", bearer(token(broker, R"(["a"])", 10s)));
  Peer& busy = broker.get("/events?channel=b&heartbeat=1", bearer(token(broker, R"(["b"])", 10s)));
  Peer& none = broker.get("/events?channel=a&format=raw", bearer(token(broker, R"(["a"])", 10s)));
  for (int i = 0; i < 44; ++i) {
    broker.publish("b", "x");
    broker.pass(1s);
  }
  EXPECT_TRUE(quiet.gone());
  EXPECT_TRUE(busy.gone());
  EXPECT_TRUE(none.gone());
  EXPECT_EQ(broker.closes(CloseReason::token_expired), 3U);
}

// A client that does not read is not waited for.
TEST(Tokens, AnExpiredStreamThatDoesNotReadIsClosed) {
  SmallBroker broker(with_tokens());
  Peer& peer = broker.get("/events?channel=a", bearer(token(broker, R"(["a"])", 2s)));
  peer.stop_reading();
  for (int i = 0; i < 30; ++i) broker.publish("a", std::string(30'000, 'x'));
  broker.pass(36s);
  EXPECT_EQ(broker.closes(CloseReason::token_expired) + broker.closes(CloseReason::slow_stalled),
            1U);
  EXPECT_EQ(broker.reported().subscribers, 0U);
}

TEST(Tokens, ATokenOfCenturiesIsATokenOfAsLongAsWeCount) {
  SmallBroker broker(with_tokens());
  Peer& peer = broker.get("/events?channel=a",
                          bearer(signer().token(R"({"exp":253402300799,"channels":["a"]})")));
  broker.pass(1min);
  EXPECT_FALSE(peer.gone());
}

// ---- What is remembered, and what is shown.

TEST(Tokens, ATokenIsVerifiedOnce) {
  SmallBroker broker(with_tokens());
  const std::string good = token(broker, R"(["a"])", 10s);
  for (int i = 0; i < 3; ++i) answer(broker, "/events?channel=a", bearer(good));
  EXPECT_EQ(broker.counters().tokens_verified_total, 1U);
  EXPECT_EQ(broker.counters().tokens_known_total, 2U);
  broker.pass(41s);
  EXPECT_EQ(body_of(answer(broker, "/events?channel=a", bearer(good))), "the token has expired\n")
      << "a known one expires as well";
}

TEST(Tokens, ATokenOfAKeyThatWasTakenAwayIsNotAcceptedAgain) {
  Options options = with_tokens();
  SmallBroker broker(options);
  const std::string good = token(broker, R"(["a"])");
  EXPECT_THAT(answer(broker, "/events?channel=a", bearer(good)), HasSubstr(" 200 "));
  options.token_keys =
      std::make_shared<const policy::JwtKeys>(JwtSigner::secret(std::string(32, 'n')).keys());
  broker.post(SettingsMessage{std::make_shared<const Options>(options)});
  broker.pass();
  EXPECT_THAT(answer(broker, "/events?channel=a", bearer(good)), HasSubstr(" 401 "));
}

TEST(Tokens, NoPublisherThatWatchesIsShownOne) {
  SmallBroker broker(with_tokens());
  Peer& watcher = broker.publisher();
  watcher.say("{\"op\":\"watch\"}\n");
  broker.pass();
  watcher.take();
  const std::string good = token(broker, R"(["a"])");
  for (const char* const name : {"token", "t%6Fken", "%74oken"}) {
    Peer& peer = broker.get(fmt::format("/events?user=1&{}={}&channel=a", name, good));
    const std::string notice = watcher.take();
    EXPECT_THAT(notice, HasSubstr(R"("query":"user=1&channel=a")")) << name;
    EXPECT_THAT(notice, Not(HasSubstr(good.substr(0, 10)))) << name;
    peer.hang_up();
    broker.pass();
    watcher.take();
  }
}

// A query that is just its channels is not kept, and a token must not change that. Its subject is,
// once.
TEST(Tokens, ATokenInTheQueryCostsAnIdleStreamNoMemoryButItsSubject) {
  SmallBroker broker(with_tokens());
  const std::string target = "/events?channel=a&token=" + token(broker, R"(["a"])");
  Peer& first = broker.get(target);
  Peer& second = broker.get(target);
  EXPECT_EQ(broker.reported().queries_bytes, 3U + Subjects::kOverhead) << "ann, twice";
  first.hang_up();
  broker.pass();
  EXPECT_EQ(broker.reported().queries_bytes, 3U + Subjects::kOverhead);
  second.hang_up();
  broker.pass();
  EXPECT_EQ(broker.reported().queries_bytes, 0U);
}

TEST(Tokens, PublishersThatWatchAreToldTheirSubjects) {
  SmallBroker broker(with_tokens());
  const std::string target = "/events?channel=a&token=" + token(broker, R"(["a"])");
  Peer& before = broker.get(target);
  Peer& watcher = broker.publisher();
  watcher.say("{\"op\":\"watch\"}\n");
  broker.pass();
  const std::string_view ann = R"("sub":"ann","query":"channel=a")";
  EXPECT_THAT(watcher.take(), HasSubstr(ann)) << "who was there";
  broker.get(target);
  EXPECT_THAT(watcher.take(), HasSubstr(ann)) << "who came";
  before.hang_up();
  broker.pass();
  EXPECT_THAT(watcher.take(), AllOf(HasSubstr("unsubscribe"), HasSubstr(ann))) << "who left";
}

// ---- Tickets.

// The ticket in a reply of any dialect: 22 characters, between quotes or in a line of their own.
std::string ticket_in(const std::string& reply) {
  const std::size_t quoted = reply.find("\"ticket\":\"");
  return quoted == std::string::npos ? reply.substr(5, 22) : reply.substr(quoted + 10, 22);
}

std::string ask(SmallBroker& broker, std::string_view bytes) {
  Peer& peer = broker.publisher();
  peer.say(bytes);
  broker.pass();
  std::string reply = peer.take();
  peer.hang_up();
  broker.pass();
  return reply;
}

std::string post_ticket(SmallBroker& broker, std::string_view body) {
  return ask(broker, fmt::format("POST /ticket HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
                                 body.size(), body));
}

TEST(TicketsOfABroker, OpenOneStreamOnceWhateverDialectIssuesThem) {
  SmallBroker broker(with_tokens());
  const std::string replies[] = {
      post_ticket(broker,
                  "{\"channels\": [\"a\", \"b/*\"],\n \"expires\": \"30s\", \"sub\": \"ann\"}"),
      ask(broker,
          "{\"op\":\"ticket\",\"channels\":[\"a\",\"b/*\"],\"expires\":\"30s\",\"ref\":7}\n"),
      ask(broker, "SSE.TICKET EX 30s SUB ann a b/*\r\n")};
  EXPECT_THAT(replies[0], HasSubstr("\",\"expires_seconds\":30}\n"));
  EXPECT_THAT(replies[1],
              AllOf(StartsWith("{\"ok\":true,\"ticket\":\""), HasSubstr("\"ref\":7}\n")));
  EXPECT_THAT(replies[2], StartsWith("$22\r\n"));
  for (const std::string& reply : replies) {
    const std::string ticket = ticket_in(reply);
    EXPECT_THAT(answer(broker, "/events?channel=a&channel=b/1&ticket=" + ticket),
                HasSubstr(" 200 OK"))
        << reply;
    EXPECT_THAT(answer(broker, "/events?channel=a&ticket=" + ticket),
                AllOf(HasSubstr(" 401 "), HasSubstr("it opens one stream, once")));
  }
  EXPECT_EQ(broker.counters().tickets_issued_total, 3U);
  EXPECT_EQ(broker.counters().tickets_used_total, 3U);
  EXPECT_EQ(broker.counters().tickets_refused_total, 3U);
}

// In each dialect: the stream ends then, and its client is told to come back.
TEST(TicketsOfABroker, SayHowLongTheirStreamLasts) {
  SmallBroker broker(with_tokens());
  for (const int dialect : {0, 1, 2}) {
    const std::string reply =
        dialect == 0   ? post_ticket(broker, R"({"channels":["a"],"life":"60s"})")
        : dialect == 1 ? ask(broker, "{\"op\":\"ticket\",\"channels\":[\"a\"],\"life\":\"60s\"}\n")
                       : ask(broker, "SSE.TICKET LIFE 60s SUB ann EX 5s a\r\n");
    Peer& peer = broker.get("/events?channel=a&ticket=" + ticket_in(reply));
    EXPECT_THAT(peer.take(), HasSubstr(" 200 OK")) << reply;
    broker.pass(55s);
    EXPECT_FALSE(peer.gone()) << reply;
    broker.pass(10s);
    EXPECT_TRUE(peer.gone()) << reply;
  }
  EXPECT_EQ(broker.closes(CloseReason::expired), 3U);
  for (const char* life : {"0s", "soon", "10"}) {
    EXPECT_THAT(ask(broker, fmt::format("SSE.TICKET LIFE {} a\r\n", life)),
                AllOf(StartsWith("-ERR "), HasSubstr("how long a stream may last")));
  }
}

// A body that nobody may send is not read.
TEST(Tokens, OfAPostAreLookedAtBeforeItsBodyIsRead) {
  SmallBroker broker(with_tokens());
  const auto head = [&](std::string_view target, std::string_view fields) {
    Peer& peer = broker.subscriber();
    peer.say(
        fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n"
                    "Content-Type: application/json\r\n{}\r\n",
                    target, fields));
    broker.pass();
    std::string heard = peer.take();
    peer.hang_up();
    broker.pass();
    return heard;
  };
  EXPECT_THAT(head("/events", ""),
              AllOf(StartsWith("HTTP/1.1 401 "), HasSubstr("Connection: close"),
                    HasSubstr("WWW-Authenticate: Bearer realm=\"fanfare\"\r\n")));
  EXPECT_THAT(head("/events", bearer("x")), HasSubstr("error=\"invalid_token\""));
  EXPECT_EQ(head("/events", bearer(token(broker, R"(["a"])"))), "") << "its body is waited for";
  EXPECT_EQ(head("/events?ticket=x", ""), "") << "which is used up when the request is whole";
}

TEST(Tokens, ABodyOfThePagesOwnHasNothingToDoWithChannels) {
  Options options;
  options.limits.body_bytes = 1024;
  route_rule(options, "/chat", {"news"});
  SmallBroker broker(options);
  const auto refusal = [&](std::string_view target) {
    Peer& peer = broker.subscriber();
    peer.say(fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", target));
    broker.pass();
    std::string heard = body_of(peer.take());
    peer.hang_up();
    broker.pass();
    return heard;
  };
  EXPECT_THAT(refusal("/events"), HasSubstr("name fewer channels"));
  EXPECT_EQ(refusal("/chat"), "the body is longer than [limits] body_bytes allows (1024 bytes)\n");
}

TEST(TicketsOfABroker, GrantNoMoreThanTheySay) {
  SmallBroker broker(with_tokens());
  const std::string ticket = ticket_in(ask(broker, "SSE.TICKET a\r\n"));
  EXPECT_THAT(answer(broker, "/events?channel=b&ticket=" + ticket), HasSubstr(" 403 "));
  EXPECT_THAT(answer(broker, "/events?channel=a&ticket=" + ticket), HasSubstr(" 401 "))
      << "it was used all the same";
}

TEST(TicketsOfABroker, GoBeforeATokenAndAreNotLookedAtWhereNoneIs) {
  Options options = with_tokens();
  route_rule(options, "/open", {"news"}).token = TokenNeed::none;
  SmallBroker broker(options);
  const std::string ticket = ticket_in(ask(broker, "SSE.TICKET a\r\n"));
  EXPECT_THAT(answer(broker, "/open?ticket=" + ticket), HasSubstr(" 200 OK"));
  EXPECT_THAT(
      answer(broker, "/events?channel=a&ticket=" + ticket, bearer(token(broker, R"(["b"])"))),
      HasSubstr(" 200 OK"));
}

TEST(TicketsOfABroker, OpenStreamsWhereThereAreNoKeys) {
  Options options;
  options.token.need = TokenNeed::required;
  SmallBroker broker(options);
  const std::string ticket = ticket_in(ask(broker, "SSE.TICKET EX 5s a\r\n"));
  EXPECT_THAT(answer(broker, "/events?channel=a&ticket=" + ticket), HasSubstr(" 200 OK"));
  const std::string late = ticket_in(ask(broker, "SSE.TICKET EX 5s a\r\n"));
  broker.pass(5s);
  EXPECT_THAT(answer(broker, "/events?channel=a&ticket=" + late), HasSubstr(" 401 "));
}

TEST(TicketsOfABroker, AreRefusedWithTheReason) {
  Options options = with_tokens();
  options.limits.tickets = 1;
  options.limits.ticket_age = 1min;
  SmallBroker broker(options);
  EXPECT_THAT(post_ticket(broker, "{}"),
              AllOf(HasSubstr(" 400 "), HasSubstr("\\\"channels\\\" is missing")));
  EXPECT_THAT(post_ticket(broker, ""), HasSubstr(" 400 "));
  EXPECT_THAT(post_ticket(broker, R"({"channels":["~own"]})"), HasSubstr("the broker's own"));
  EXPECT_THAT(post_ticket(broker, R"({"channels":["a b"]})"), HasSubstr("channel \\\"a b\\\""));
  EXPECT_THAT(post_ticket(broker, R"({"channels":["a"],"data":"x"})"),
              HasSubstr("not allowed with"));
  EXPECT_THAT(post_ticket(broker, R"({"op":"publish","channel":"a","data":"x"})"),
              HasSubstr(" 400 "));
  EXPECT_THAT(post_ticket(broker, R"({"channels":["a"],"expires":"2min"})"),
              HasSubstr("ticket_age"));
  EXPECT_THAT(post_ticket(broker, R"({"channels":["a"],"expires":"soon"})"), HasSubstr(" 400 "));
  EXPECT_THAT(ask(broker, "SSE.TICKET EX 0s a\r\n"), StartsWith("-ERR "));
  EXPECT_THAT(ask(broker, "GET /ticket HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr(" 405 "));
  EXPECT_THAT(post_ticket(broker, R"({"channel":"a"})"), HasSubstr(" 200 "));
  EXPECT_THAT(post_ticket(broker, R"({"channel":"a"})"),
              AllOf(HasSubstr(" 503 "), HasSubstr("[limits] tickets")));
  EXPECT_EQ(broker.counters().tickets_full_total, 1U);
}

TEST(TicketsOfABroker, AreShownToNobody) {
  SmallBroker broker(with_tokens());
  Peer& watcher = broker.publisher();
  watcher.say("{\"op\":\"watch\"}\n");
  broker.pass();
  watcher.take();
  const std::string ticket = ticket_in(ask(broker, "SSE.TICKET a\r\n"));
  broker.get("/events?channel=a&ticket=" + ticket);
  EXPECT_THAT(watcher.take(), AllOf(HasSubstr(R"("query":"channel=a")"), Not(HasSubstr(ticket))));
}

policy::Digest digest(unsigned char number) {
  policy::Digest made{};
  made[0] = number;
  return made;
}

TEST(KnownTokens, KeepsAsManyAsItMayAndTheUsedOnesLongest) {
  constexpr std::chrono::sys_seconds kNow{};
  KnownTokens known;
  for (unsigned char i = 0; i < 100; ++i) {
    known.add(digest(i), {.subject = std::to_string(i), .channels = {}}, 10);
    EXPECT_LE(known.size(), 10U);
    ASSERT_NE(known.find(digest(0), kNow), nullptr) << "it is used all the time";
  }
  EXPECT_EQ(known.find(digest(99), kNow)->subject, "99");
  EXPECT_EQ(known.find(digest(50), kNow), nullptr);
}

TEST(KnownTokens, ForgetsWhatHasExpired) {
  KnownTokens known;
  const std::chrono::sys_seconds expiry{100s};
  known.add(digest(1), {.subject = {}, .channels = {}, .expires = expiry}, 10);
  EXPECT_NE(known.find(digest(1), expiry - 1s), nullptr);
  EXPECT_EQ(known.find(digest(1), expiry), nullptr);
  EXPECT_EQ(known.size(), 0U);
}

}  // namespace
}  // namespace fanfare::server
