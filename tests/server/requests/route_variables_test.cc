// [[route]] with variables: which channels a request gets, and what no request can get.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>

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

std::string answer(SmallBroker& broker, std::string_view target, std::string_view fields = {}) {
  Peer& peer = broker.get(target, fields);
  std::string heard = peer.take();
  peer.hang_up();
  broker.pass();
  return heard;
}

// "400 sentence"
std::string refusal(SmallBroker& broker, std::string_view target, std::string_view fields = {}) {
  const std::string heard = answer(broker, target, fields);
  return heard.substr(heard.find(' ') + 1, 4) + body_of(heard);
}

// The value of a field of an answer; empty if it has none.
std::string field_of(std::string_view answer, std::string_view name) {
  const std::size_t at = answer.find(fmt::format("\r\n{}: ", name));
  if (at == std::string_view::npos) return {};
  const std::string_view rest = answer.substr(at + name.size() + 4);
  return std::string(rest.substr(0, rest.find('\r')));
}

class RouteVariables : public ::testing::Test {
 protected:
  static Options options() {
    Options options;
    route_rule(options, "/chat/{room}", {"chat/{room}", "news"});
    route_rule(options, "/chat/lobby", {"lobby"});
    route_rule(options, "/{a}/of-{b}", {"{a}/x-{b}/*"});
    route_rule(options, "/any/{name}/it", {"{name}"});
    route_rule(options, "/search", {"search/{query.q}"});
    route_rule(options, "/answers", {"answers/{query.text:sha256}"});
    route_rule(options, "/own", {"own/{connection}"});
    options.cors.origins = {"https://a.example"};
    return options;
  }
  // Whether a stream of this request gets what is published there.
  bool gets(std::string_view target, std::string_view channel) {
    Peer& peer = broker_.get(target);
    EXPECT_THAT(peer.take(), HasSubstr(" 200 OK\r\n")) << target;
    broker_.publish(channel, "it");
    const bool heard = peer.take().find("data: it\n") != std::string::npos;
    peer.hang_up();
    broker_.pass();
    return heard;
  }
  SmallBroker broker_{options()};
};

TEST_F(RouteVariables, APathNamesItsChannel) {
  EXPECT_TRUE(gets("/chat/7", "chat/7"));
  EXPECT_TRUE(gets("/chat/7", "news"));
  EXPECT_FALSE(gets("/chat/7", "chat/8"));
  EXPECT_FALSE(gets("/chat/7", "chat/7/8"));
  EXPECT_TRUE(gets("/chat/lobby", "lobby"));
  EXPECT_FALSE(gets("/chat/lobby", "chat/lobby")) << "the path that is said goes first";
  EXPECT_TRUE(gets("/u/of-7", "u/x-7/any")) << "a star of the operator's stays one";
  EXPECT_FALSE(gets("/u/of-7", "u/x-8/any"));
}

TEST_F(RouteVariables, AValueIsDecodedOnce) {
  EXPECT_TRUE(gets("/chat/%61%2Db", "chat/a-b"));
  EXPECT_TRUE(gets("/search?q=a%2Db&x=y", "search/a-b"));
  EXPECT_THAT(refusal(broker_, "/chat/a%252Fb"), HasSubstr("not '%'"));
}

TEST_F(RouteVariables, AValueIsNoPatternAndNoFurtherSegmentAndNothingOfTheBrokers) {
  EXPECT_EQ(refusal(broker_, "/chat/*"),
            "400 {room} is \"*\": a channel name may contain only A-Z a-z 0-9 . _ ~ : @ / -, not "
            "'*' (byte 0)\n");
  for (const std::string_view target : {"/chat/%2A%2A", "/chat/a*", "/any/**/it", "/chat/a%2Ab"}) {
    EXPECT_THAT(refusal(broker_, target), AllOf(StartsWith("400 {"), HasSubstr("'*'"))) << target;
  }
  EXPECT_EQ(refusal(broker_, "/chat/a%2Fb"), "400 {room} is \"a/b\": it must not hold a slash\n");
  EXPECT_THAT(refusal(broker_, "/search?q=a/b"), HasSubstr("slash"));
  EXPECT_THAT(refusal(broker_, "/search?q=*"), HasSubstr("'*'"));
  EXPECT_EQ(refusal(broker_, "/any/~admin/it"),
            "400 {name} is \"~admin\": names that begin with ~ are not open\n");
  EXPECT_TRUE(gets("/chat/~admin", "chat/~admin")) << "there it is a name like any other";
  EXPECT_THAT(refusal(broker_, "/chat/.."), HasSubstr("dots"));
  EXPECT_THAT(refusal(broker_, "/chat/%2e"), HasSubstr("dots"));
  EXPECT_THAT(refusal(broker_, "/chat/%"), HasSubstr("begins no escape"));
  EXPECT_THAT(refusal(broker_, "/chat/%00"), HasSubstr("0x00"));
  EXPECT_THAT(refusal(broker_, "/chat/" + std::string(251, 'a')), HasSubstr("has 256 bytes"));
  EXPECT_TRUE(gets("/chat/" + std::string(250, 'a'), "chat/" + std::string(250, 'a')));
}

TEST_F(RouteVariables, AValueThatTheQueryDoesNotSayIsNamed) {
  EXPECT_EQ(refusal(broker_, "/search"),
            "400 the query has no \"q\", which the channels of this path are made of "
            "({query.q})\n");
  EXPECT_THAT(refusal(broker_, "/search?Q=a"), StartsWith("400 the query has no \"q\""));
  EXPECT_THAT(refusal(broker_, "/search?q="), HasSubstr("{query.q} is \"\": it must not be empty"));
  EXPECT_THAT(refusal(broker_, "/search?q=a&q=b"), HasSubstr("has more than one \"q\""));
}

TEST_F(RouteVariables, ADigestStandsForAnyText) {
  EXPECT_TRUE(gets("/answers?text=%E4%B8%BA%E4%BB%80%E4%B9%88+%26+how%3F%2F*",
                   "answers/47e74f9f78747a4d2ee72558279ba95c714fa86d1aeab883ed06f445709e8218"));
  EXPECT_THAT(refusal(broker_, "/answers?text="), HasSubstr("must not be empty"));
  // printf abc | sha256sum
  EXPECT_TRUE(gets("/answers?text=a%62c",
                   "answers/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

TEST_F(RouteVariables, EachRequestHasAConnectionOfItsOwnAndItsClientIsToldWhich) {
  std::set<std::string> names;
  for (int i = 0; i < 10; ++i) {
    Peer& peer = broker_.get("/own");
    const std::string head = peer.take();
    const std::string name = field_of(head, "Fanfare-Connection");
    EXPECT_EQ(name.size(), 22U);
    names.insert(name);
    broker_.publish("own/" + name, "to you");
    broker_.publish("own/other", "to another");
    EXPECT_THAT(peer.take(), AllOf(HasSubstr("data: to you\n"), Not(HasSubstr("another"))));
  }
  EXPECT_EQ(names.size(), 10U);
  EXPECT_EQ(field_of(answer(broker_, "/chat/7"), "Fanfare-Connection"), "") << "nobody needs it";
}

TEST_F(RouteVariables, APageOfAnotherOriginMayReadItsConnection) {
  const std::string heard = answer(broker_, "/own", "Origin: https://a.example\r\n");
  EXPECT_THAT(heard, HasSubstr("\r\nAccess-Control-Expose-Headers: Fanfare-Connection\r\n"));
  EXPECT_THAT(answer(broker_, "/own", "Origin: https://b.example\r\n"), Not(HasSubstr("Expose")));
  EXPECT_THAT(answer(broker_, "/chat/7", "Origin: https://a.example\r\n"),
              Not(HasSubstr("Expose-Headers: Fanfare")));
}

TEST_F(RouteVariables, CountAsOneChannelEachAndLeaveNothingBehind) {
  for (int i = 0; i < 20; ++i) answer(broker_, fmt::format("/chat/{}", i));
  EXPECT_EQ(broker_.snapshot().counters.patterns, 0U);
  EXPECT_EQ(broker_.reported().subscriptions_total, 20U);
}

// ---- Tokens.

const JwtSigner& signer() {
  static const JwtSigner kSigner = JwtSigner::secret(std::string(32, 's'));
  return kSigner;
}

Options with_tokens() {
  Options options;
  options.token.keys = {"/keys/hmac"};
  options.token_keys = std::make_shared<const policy::JwtKeys>(signer().keys());
  route_rule(options, "/mine", {"user/{token.sub}"});
  route_rule(options, "/org", {"org/{token.org.id}/{token.role}"});
  route_rule(options, "/room/{room}", {"room/{room}"});
  return options;
}

std::string bearer(const SmallBroker& broker, std::string_view claims) {
  return fmt::format(
      "Authorization: Bearer {}\r\n",
      signer().token(fmt::format(R"({{"exp":{},{}}})",
                                 (broker.date() + 1h).time_since_epoch().count(), claims)));
}

TEST(RouteTokens, AClaimNamesTheChannelAndTheTokenHasToGrantIt) {
  SmallBroker broker(with_tokens());
  const std::string good = bearer(broker, R"("sub":"ann","channels":["user/*"])");
  Peer& peer = broker.get("/mine", good);
  EXPECT_THAT(peer.take(), HasSubstr(" 200 OK"));
  broker.publish("user/bob", "his");
  broker.publish("user/ann", "hers");
  EXPECT_THAT(peer.take(), AllOf(HasSubstr("data: hers\n"), Not(HasSubstr("his"))));
  EXPECT_THAT(refusal(broker, "/mine"), StartsWith("401 "));
  EXPECT_EQ(refusal(broker, "/mine", bearer(broker, R"("sub":"bob","channels":["user/ann"])")),
            "403 the token does not grant the channel \"user/bob\"\n");
  EXPECT_THAT(answer(broker, "/room/1", bearer(broker, R"("channels":["room/1"])")),
              HasSubstr(" 200 OK"));
  EXPECT_THAT(refusal(broker, "/room/2", bearer(broker, R"("channels":["room/1"])")),
              StartsWith("403 the token does not grant the channel \"room/2\""));
}

TEST(RouteTokens, AClaimThatIsMissingOrUnfitIsForbidden) {
  SmallBroker broker(with_tokens());
  constexpr std::string_view kAll = R"("channels":["**"])";
  EXPECT_EQ(refusal(broker, "/mine", bearer(broker, kAll)),
            "403 the token has no \"sub\" that is a text, which the channels of this path are made "
            "of ({token.sub})\n");
  for (const std::string_view sub : {"*", "a/b", "**", "..", "a b"}) {
    EXPECT_THAT(
        refusal(broker, "/mine", bearer(broker, fmt::format(R"("sub":"{}",{})", sub, kAll))),
        StartsWith("403 {token.sub} is "))
        << sub;
  }
  const auto org = [&](std::string_view claims) {
    return refusal(broker, "/org", bearer(broker, fmt::format("{},{}", claims, kAll)));
  };
  EXPECT_THAT(org(R"("org":{"id":7},"role":"x")"), StartsWith("200 "));
  EXPECT_THAT(org(R"("org":{"id":"7"},"role":"x")"), StartsWith("200 "));
  EXPECT_THAT(org(R"("org":{"id":7.5},"role":"x")"), StartsWith("403 the token has no \"org.id\""));
  EXPECT_THAT(org(R"("org":{"id":["7"]},"role":"x")"), StartsWith("403 "));
  EXPECT_THAT(org(R"("org":7,"role":"x")"), StartsWith("403 "));
  EXPECT_THAT(org(R"("org":{"id":7})"), StartsWith("403 the token has no \"role\""));
  EXPECT_EQ(broker.counters().tokens_too_narrow_total, 10U);
}

TEST(RouteTokens, AReloadThatNeedsAnotherClaimReadsTokensAnew) {
  Options before = with_tokens();
  SmallBroker broker(before);
  const std::string good = bearer(broker, R"("sub":"ann","team":"red","channels":["**"])");
  EXPECT_THAT(answer(broker, "/mine", good), HasSubstr(" 200 OK"));
  Options after = with_tokens();
  after.routes[0].channels = {"team/{token.team}"};
  broker.post(SettingsMessage{std::make_shared<const Options>(after)});
  broker.pass();
  EXPECT_THAT(answer(broker, "/mine", good), HasSubstr(" 200 OK"));
}

TEST(RouteTokens, ATicketHasASubjectAndNoOtherClaim) {
  SmallBroker broker(with_tokens());
  const auto ticket = [&] {
    const std::string reply = broker.command("SSE.TICKET SUB ann **");
    return reply.substr(reply.find("\r\n") + 2, 22);
  };
  EXPECT_THAT(answer(broker, "/mine?ticket=" + ticket()), HasSubstr(" 200 OK"));
  EXPECT_THAT(refusal(broker, "/org?ticket=" + ticket()), StartsWith("403 the token has no"));
}

}  // namespace
}  // namespace fanfare::server
