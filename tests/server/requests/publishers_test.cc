// Publishing over TCP on a whole shard: no dialect is served without a token, a token lets its
// bearer do what it grants and for as long as it lasts, and those who stay at the door are sent
// away.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
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
using testing::SmallBroker;
using ::testing::StartsWith;

const JwtSigner& signer() {
  static const JwtSigner kSigner = JwtSigner::secret(std::string(32, 'p'));
  return kSigner;
}

Options with_publishers() {
  Options options;
  options.publish.listen = {"127.0.0.1:0"};
  options.publish.keys = {"/etc/fanfare/publishers"};
  options.publish_keys = std::make_shared<const policy::JwtKeys>(signer().keys());
  return options;
}

std::string token(const SmallBroker& broker, std::string_view channels,
                  std::chrono::seconds life = 1h, std::string_view claim = "publish") {
  return signer().token(fmt::format(R"({{"exp":{},"sub":"app","{}":{}}})",
                                    (broker.date() + life).time_since_epoch().count(), claim,
                                    channels));
}

std::string said(SmallBroker& broker, Peer& peer, std::string_view text) {
  peer.say(text);
  broker.pass();
  return peer.take();
}

std::string post(SmallBroker& broker, std::string_view fields,
                 std::string_view path = "/publish/a") {
  Peer& peer = broker.network_publisher();
  std::string heard = said(
      broker, peer,
      fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{}\r\nhi", path, fields));
  peer.hang_up();
  broker.pass();
  return heard;
}

std::string auth_line(std::string_view token) {
  return fmt::format("{{\"op\":\"auth\",\"token\":\"{}\"}}\n", token);
}

TEST(Publishers, NoDialectIsServedWithoutAToken) {
  SmallBroker broker(with_publishers());
  EXPECT_THAT(said(broker, broker.network_publisher(), "PUBLISH a hi\r\n"), StartsWith("-NOAUTH "));
  EXPECT_THAT(said(broker, broker.network_publisher(), "{\"channel\":\"a\",\"data\":\"hi\"}\n"),
              StartsWith("{\"ok\":false,"));
  EXPECT_THAT(post(broker, ""), AllOf(HasSubstr(" 401 Unauthorized"),
                                      HasSubstr("WWW-Authenticate: Bearer realm=\"fanfare\"\r\n")));
  EXPECT_EQ(broker.counters().ingest_events_total, 0U);
  EXPECT_EQ(broker.counters().publish_tokens_missing_total, 3U);
  EXPECT_EQ(broker.counters().publish_connections_total, 3U);
  EXPECT_EQ(broker.counters().ingest_connections_total, 0U);
}

TEST(Publishers, EachDialectPublishesWithAToken) {
  SmallBroker broker(with_publishers());
  const std::string good = token(broker, R"(["a"])");
  Peer& subscriber = broker.get("/events?channel=a");
  EXPECT_EQ(
      said(broker, broker.network_publisher(), fmt::format("AUTH {}\r\nPUBLISH a one\r\n", good)),
      "+OK\r\n:1\r\n");
  EXPECT_THAT(said(broker, broker.network_publisher(),
                   auth_line(good) + "{\"channel\":\"a\",\"data\":\"two\"}\n"),
              StartsWith("{\"ok\":true}\n{\"ok\":true,\"id\""));
  EXPECT_THAT(post(broker, fmt::format("Authorization: Bearer {}\r\n", good)),
              HasSubstr(" 200 OK"));
  EXPECT_THAT(subscriber.take(),
              AllOf(HasSubstr("data: one"), HasSubstr("data: two"), HasSubstr("data: hi")));
  EXPECT_EQ(broker.counters().publish_tokens_verified_total, 1U) << "and known from then on";
  EXPECT_EQ(broker.counters().publish_tokens_known_total, 3U);
}

TEST(Publishers, EachDialectIsHeldToTheGrants) {
  SmallBroker broker(with_publishers());
  const std::string good = token(broker, R"(["a"])");
  Peer& resp = broker.network_publisher();
  said(broker, resp, fmt::format("AUTH {}\r\n", good));
  for (const char* command :
       {"PUBLISH b x", "XADD b * data x", "DEL b", "DEL a b", "SSE.FINISH b", "SSE.TICKET b",
        "XLEN b", "EXISTS a b", "PUBSUB NUMSUB a b", "SSE.TICKET **"}) {
    EXPECT_THAT(said(broker, resp, fmt::format("{}\r\n", command)), StartsWith("-NOPERM "))
        << command;
  }
  EXPECT_THAT(said(broker, resp, "MULTI\r\nPUBLISH a x\r\nPUBLISH b x\r\nEXEC\r\n"),
              AllOf(HasSubstr("-NOPERM"), HasSubstr("-EXECABORT")));
  Peer& lines = broker.network_publisher();
  said(broker, lines, auth_line(good));
  for (const char* line : {R"({"channel":"b","data":"x"})", R"({"channel":["a","b"],"data":"x"})",
                           R"({"op":"finish","channel":"b"})", R"({"op":"delete","channel":"b"})",
                           R"({"op":"info","channel":"b"})", R"({"op":"ticket","channels":["b"]})",
                           R"({"op":"watch"})"}) {
    EXPECT_THAT(said(broker, lines, fmt::format("{}\n", line)),
                AllOf(StartsWith("{\"ok\":false"), HasSubstr("the token")))
        << line;
  }
  const std::string bearer = fmt::format("Authorization: Bearer {}\r\n", good);
  for (const char* path : {"/publish/b", "/finish/b", "/publish/%62"}) {
    EXPECT_THAT(post(broker, bearer, path),
                AllOf(HasSubstr(" 403 Forbidden"), HasSubstr("error=\"insufficient_scope\"")))
        << path;
  }
  EXPECT_THAT(post(broker, bearer + "Content-Type: application/x-ndjson\r\n", "/publish/b"),
              Not(HasSubstr("\"ok\":true")));
  EXPECT_EQ(broker.counters().ingest_events_total, 0U);
}

TEST(Publishers, ASubscribersTokenLetsNobodyPublish) {
  SmallBroker broker(with_publishers());
  const std::string other = token(broker, R"(["**"])", 1h, "channels");
  EXPECT_THAT(said(broker, broker.network_publisher(), fmt::format("AUTH {}\r\n", other)),
              StartsWith("-WRONGPASS "));
  EXPECT_THAT(post(broker, fmt::format("Authorization: Bearer {}\r\n", other)),
              AllOf(HasSubstr(" 401 "), HasSubstr("error=\"invalid_token\"")));
}

// What is not read cannot fill the memory of the broker.
TEST(Publishers, ATokenIsLookedAtBeforeTheBodyIsRead) {
  SmallBroker broker(with_publishers());
  Peer& peer = broker.network_publisher();
  const std::string heard = said(broker, peer,
                                 "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n"
                                 "Expect: 100-continue\r\nAuthorization: Bearer x\r\n\r\n");
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(heard, HasSubstr("Connection: close"));
}

TEST(Publishers, TwoDifferentTokensInARequestAreNone) {
  SmallBroker broker(with_publishers());
  const std::string good = token(broker, R"(["a"])");
  EXPECT_THAT(
      post(broker, fmt::format("Authorization: Bearer {}\r\nAuthorization: Bearer x\r\n", good)),
      HasSubstr(" 401 "));
  EXPECT_THAT(
      post(broker, fmt::format("Authorization: Basic eA==\r\nAuthorization: Bearer {}\r\n", good)),
      HasSubstr(" 200 "));
}

// The next request of a connection that was let in once brings its own.
TEST(Publishers, OverHttpEachRequestNeedsAToken) {
  SmallBroker broker(with_publishers());
  const std::string good = token(broker, R"(["a"])");
  Peer& peer = broker.network_publisher();
  const std::string request =
      "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{}\r\nhi";
  EXPECT_THAT(
      said(broker, peer,
           fmt::format(fmt::runtime(request), fmt::format("Authorization: Bearer {}\r\n", good))),
      HasSubstr(" 200 OK"));
  EXPECT_THAT(said(broker, peer, fmt::format(fmt::runtime(request), "")), HasSubstr(" 401 "));
}

TEST(Publishers, AnExpiredTokenPublishesNoMore) {
  SmallBroker broker(with_publishers());
  const std::string brief = token(broker, R"(["a"])", 5s);
  Peer& resp = broker.network_publisher();
  Peer& lines = broker.network_publisher();
  EXPECT_THAT(said(broker, resp, fmt::format("AUTH {}\r\nPUBLISH a x\r\n", brief)),
              HasSubstr(":0\r\n"));
  EXPECT_THAT(said(broker, lines, auth_line(brief) + "{\"channel\":\"a\",\"data\":\"x\"}\n"),
              HasSubstr("\"id\""));
  broker.pass(36s);  // and the leeway
  EXPECT_THAT(said(broker, resp, "PUBLISH a x\r\n"), HasSubstr("-NOAUTH the token has expired"));
  EXPECT_THAT(said(broker, lines, "{\"channel\":\"a\",\"data\":\"x\"}\n"),
              HasSubstr("the token has expired"));
  EXPECT_EQ(broker.counters().ingest_events_total, 2U);
  EXPECT_EQ(
      said(broker, resp, fmt::format("AUTH {}\r\nPUBLISH a x\r\n", token(broker, R"(["a"])"))),
      "+OK\r\n:0\r\n")
      << "with another one it goes on";
  broker.pass(12s);
  EXPECT_FALSE(resp.gone());
  EXPECT_TRUE(lines.gone()) << "which did not present another within head_time";
  EXPECT_EQ(broker.closes(CloseReason::token_expired), 1U);
}

TEST(Publishers, AWatcherIsSentNothingOnceItsTokenHasExpired) {
  SmallBroker broker(with_publishers());
  Peer& watcher = broker.network_publisher();
  said(broker, watcher, auth_line(token(broker, R"(["**"])", 5s)) + "{\"op\":\"watch\"}\n");
  broker.pass(33s);
  EXPECT_FALSE(watcher.gone());
  broker.pass(4s);
  EXPECT_TRUE(watcher.gone());
  EXPECT_EQ(broker.closes(CloseReason::token_expired), 1U);
}

TEST(Publishers, OneThatPresentsNoTokenIsDisconnectedAfterHeadTime) {
  SmallBroker broker(with_publishers());
  Peer& silent = broker.network_publisher();
  Peer& half = broker.network_publisher();
  Peer& busy = broker.network_publisher();
  Peer& local = broker.publisher();
  half.say("*2\r\n$4\r\nAUTH\r\n$5000\r\nabc");
  broker.pass(9s);
  said(broker, busy, "PING\r\n");
  EXPECT_FALSE(silent.gone() || half.gone() || busy.gone());
  broker.pass(2500ms);
  EXPECT_TRUE(silent.gone() && half.gone() && busy.gone());
  EXPECT_FALSE(local.gone());
  EXPECT_EQ(broker.closes(CloseReason::publish_refused), 3U);
}

TEST(Publishers, OneThatHasPresentedATokenMayBeIdle) {
  SmallBroker broker(with_publishers());
  Peer& peer = broker.network_publisher();
  said(broker, peer, fmt::format("AUTH {}\r\n", token(broker, R"(["a"])")));
  broker.pass(30min);
  EXPECT_EQ(said(broker, peer, "PUBLISH a x\r\n"), ":0\r\n");
}

TEST(Publishers, OneThatGuessesIsDisconnected) {
  SmallBroker broker(with_publishers());
  Peer& peer = broker.network_publisher();
  const std::string heard = said(broker, peer, "AUTH a\r\nAUTH b\r\nAUTH c\r\nAUTH d\r\n");
  EXPECT_EQ(std::count(heard.begin(), heard.end(), '-'), 3) << heard;
  broker.pass(3s);
  EXPECT_TRUE(peer.gone());
  EXPECT_EQ(broker.counters().publish_tokens_refused_total, 3U);
  peer.hang_up();
  EXPECT_EQ(broker.closes(CloseReason::publish_refused), 1U);
}

TEST(Publishers, AfterABadTokenNoneCounts) {
  SmallBroker broker(with_publishers());
  Peer& peer = broker.network_publisher();
  EXPECT_THAT(
      said(broker, peer,
           fmt::format("AUTH {}\r\nAUTH bad\r\nPUBLISH a x\r\n", token(broker, R"(["a"])"))),
      AllOf(StartsWith("+OK\r\n-WRONGPASS"), HasSubstr("-NOAUTH the token is malformed")));
  EXPECT_EQ(broker.counters().ingest_events_total, 0U);
}

// The keys that a SIGHUP brings count for those who are connected, too.
TEST(Publishers, AKeyThatIsTakenAwayCountsNoMore) {
  Options options = with_publishers();
  SmallBroker broker(options);
  Peer& peer = broker.network_publisher();
  said(broker, peer, fmt::format("AUTH {}\r\n", token(broker, R"(["a"])")));
  options.limits.tokens = 100;
  broker.post(SettingsMessage{std::make_shared<const Options>(options)});
  broker.pass();
  EXPECT_EQ(said(broker, peer, "PUBLISH a x\r\n"), ":0\r\n") << "the key is still there";
  options.publish_keys =
      std::make_shared<const policy::JwtKeys>(JwtSigner::secret(std::string(32, 'q')).keys());
  broker.post(SettingsMessage{std::make_shared<const Options>(options)});
  broker.pass();
  EXPECT_THAT(said(broker, peer, "PUBLISH a x\r\n"),
              StartsWith("-NOAUTH the token is not accepted"));
  broker.pass(25s);
  EXPECT_TRUE(peer.gone());
}

// Strangers cannot take the places of the applications on this machine.
TEST(Publishers, HavePlacesOfTheirOwn) {
  Options options = with_publishers();
  options.limits.publish_connections = 2;
  SmallBroker broker(options);
  broker.network_publisher();
  broker.network_publisher();
  broker.pass();
  EXPECT_THAT(said(broker, broker.network_publisher(), "PING\r\n"),
              AllOf(StartsWith("-ERR max number of clients reached"),
                    HasSubstr("[limits] publish_connections allows (2)")));
  EXPECT_EQ(said(broker, broker.publisher(), "PING\r\n"), "+PONG\r\n");
  EXPECT_EQ(broker.counters().publish_connections_refused_total, 1U);
}

}  // namespace
}  // namespace fanfare::server
