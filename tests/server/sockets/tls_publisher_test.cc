// Publishers over TLS: the three dialects, with a token or with a certificate, and who is refused.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/policy/jwt_signer.h"
#include "tests/server/small_broker.h"
#include "tests/server/tls_peer.h"
#include "tests/wire/tls/authority.h"

namespace fanfare::server {
namespace {

using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;
using testing::TlsPeer;
using tls::Authority;
using tls::Identity;

const Authority& publishers() {
  static const Authority ca("Publishers");
  return ca;
}

Options secured(std::vector<PublishClientRule> clients) {
  Options options;
  tls::ServerOptions made{.fallback = tls::identity_for({"a.test"})};
  made.clients = *tls::read_client_trust({"ca.pem", publishers().certificate()}, {}, tls::kToday);
  options.publish_tls_server = tls::server_of(made);
  options.publish.clients = std::move(clients);
  options.limits.drain = Duration(0);
  return options;
}
Options orders() {
  return secured({{.names = {"orders"}, .channels = {"orders/**"}}});
}

struct Publisher {
  Publisher(SmallBroker& broker, const Identity* identity, int version = TLS1_3_VERSION)
      : peer(broker, {.version = version, .identity = identity}, sim::Door::tls_publishers) {
    peer.shake_hands();
  }
  // The answer to what it says.
  std::string ask(std::string_view said) {
    peer.say(said);
    return peer.take();
  }
  TlsPeer peer;
};

Identity named(const std::string& subject, const std::string& names = {}) {
  return publishers().identity({.subject = subject, .names = names});
}

class TlsPublisherVersions : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Tls, TlsPublisherVersions,
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), [](const auto& test) {
                           return test.param == TLS1_2_VERSION ? "Version12" : "Version13";
                         });

TEST_P(TlsPublisherVersions, PublishInEachDialectWhatTheirCertificateGrants) {
  SmallBroker broker(orders());
  const Identity mine = named("orders");
  Peer& reader = broker.subscriber();
  reader.say("GET /events?channel=orders/7 HTTP/1.0\r\nHost: x\r\n\r\n");
  broker.pass();
  Publisher redis(broker, &mine, GetParam());
  EXPECT_EQ(redis.ask("PUBLISH orders/7 one\r\n"), ":1\r\n");
  EXPECT_THAT(redis.ask("PUBLISH other no\r\n"), StartsWith("-NOPERM"));
  Publisher lines(broker, &mine, GetParam());
  EXPECT_THAT(lines.ask("{\"channel\":\"orders/7\",\"data\":\"two\"}\n"),
              StartsWith("{\"ok\":true"));
  EXPECT_THAT(lines.ask("{\"channel\":\"other\",\"data\":\"no\"}\n"), StartsWith("{\"ok\":false"));
  Publisher http(broker, &mine, GetParam());
  const auto post = [&http](std::string_view channel, std::string_view data) {
    return http.ask(
        fmt::format("POST /publish/{} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", channel,
                    data.size(), data));
  };
  EXPECT_THAT(post("orders/7", "three"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(post("other", "no"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(post("orders/7", "four"), StartsWith("HTTP/1.1 200 ")) << "the connection goes on";
  EXPECT_THAT(reader.take(), AllOf(HasSubstr("data: one\n"), HasSubstr("data: two\n"),
                                   HasSubstr("data: three\n"), HasSubstr("data: four\n")));
  const Counters counters = broker.reported();
  EXPECT_EQ(counters.tls_handshakes_total, 3U);
  EXPECT_EQ(counters.publish_connections_open, 3U);
}

TEST(TlsPublishers, MayBeIdleForDaysOnceTheyHaveSaidSomething) {
  SmallBroker broker(orders());
  const Identity mine = named("orders");
  Publisher known(broker, &mine);
  EXPECT_EQ(known.ask("PING\r\n"), "+PONG\r\n");
  Publisher silent(broker, &mine);
  broker.pass(30s);
  EXPECT_TRUE(silent.peer.peer().gone()) << "nothing tells it from a stranger's scan";
  EXPECT_FALSE(known.peer.peer().gone());
  EXPECT_EQ(known.ask("PUBLISH orders/7 one\r\n"), ":0\r\n");
}

TEST(TlsPublishers, AreRefusedWithoutACertificateThatCounts) {
  SmallBroker broker(orders());
  const Authority others("Others");
  const Identity stranger = others.identity({.subject = "orders"});
  const Identity expired = publishers().identity({.subject = "orders", .ends_in_days = 0});
  for (const Identity* identity : {static_cast<const Identity*>(nullptr), &stranger, &expired}) {
    Publisher refused(broker, identity);
    refused.peer.say("PUBLISH orders/7 no\r\n");
    refused.peer.read();
    EXPECT_TRUE(refused.peer.client().failed());
    EXPECT_EQ(refused.peer.take(), "");
  }
  broker.pass(5s);
  const Counters counters = broker.reported();
  EXPECT_EQ(counters.tls_certificates_refused_total, 3U);
  EXPECT_EQ(counters.publish_connections_open, 0U);
  EXPECT_EQ(counters.ingest_events_total, 0U);
  EXPECT_EQ(broker.closes(CloseReason::tls_failed), 3U);
}

TEST(TlsPublishers, AreRefusedWithACertificateThatNoEntryNames) {
  SmallBroker broker(orders());
  const Identity other = named("stock");
  Publisher unknown(broker, &other);
  EXPECT_THAT(unknown.ask("PUBLISH orders/7 no\r\n"),
              AllOf(StartsWith("-NOAUTH "), HasSubstr("[[publish.client]]")));
  broker.pass(30s);
  EXPECT_TRUE(unknown.peer.peer().gone());
  EXPECT_EQ(broker.closes(CloseReason::publish_refused), 1U);
  EXPECT_EQ(broker.reported().publish_certificates_unknown_total, 1U);
}

TEST(TlsPublishers, TheFirstEntryWithOneOfTheirNamesCounts) {
  SmallBroker broker(secured({{.names = {"spiffe://x/a"}, .channels = {"a"}},
                              {.names = {"b.test", "a.test"}, .channels = {"b"}},
                              {.names = {"*"}, .channels = {"rest"}}}));
  const auto grants = [&broker](const Identity& identity) {
    Publisher publisher(broker, &identity);
    std::string granted;
    for (const std::string_view channel : {"a", "b", "rest"}) {
      if (publisher.ask(fmt::format("PUBLISH {} x\r\n", channel)) == ":0\r\n") granted += channel;
    }
    return granted;
  };
  EXPECT_EQ(grants(named("x", "DNS:a.test,URI:spiffe://x/a")), "a");
  EXPECT_EQ(grants(named("x", "DNS:A.test")), "b");
  EXPECT_EQ(grants(named("a.test", "DNS:c.test")), "rest") << "its common name does not count";
}

TEST(TlsPublishers, LoseWhatTheirCertificateGrantsWhenItsEntryIsTakenOut) {
  const Options before = orders();
  SmallBroker broker(before);
  const Identity mine = named("orders");
  Publisher publisher(broker, &mine);
  EXPECT_EQ(publisher.ask("PUBLISH orders/7 one\r\n"), ":0\r\n");
  Options after = before;
  after.publish.clients = {{.names = {"stock"}, .channels = {"**"}}};
  broker.post(SettingsMessage{std::make_shared<const Options>(after)});
  broker.pass();
  EXPECT_THAT(publisher.ask("PUBLISH orders/7 two\r\n"), StartsWith("-NOAUTH "));
  broker.post(SettingsMessage{std::make_shared<const Options>(before)});
  broker.pass();
  EXPECT_EQ(publisher.ask("PUBLISH orders/7 three\r\n"), ":0\r\n");
}

TEST(TlsPublishers, AreHeldToATokenOnceTheyHavePresentedOne) {
  const auto signer = policy_test::JwtSigner::ed25519();
  Options options = orders();
  options.publish.keys = {"/in/memory"};
  options.publish_keys = std::make_shared<const policy::JwtKeys>(signer.keys());
  SmallBroker broker(options);
  const Identity mine = named("orders");
  const std::string token = signer.token(R"({"exp":253402300799,"publish":["orders/7"]})");
  Publisher redis(broker, &mine);
  EXPECT_EQ(redis.ask("PUBLISH orders/8 x\r\n"), ":0\r\n");
  EXPECT_EQ(redis.ask(fmt::format("AUTH {}\r\n", token)), "+OK\r\n");
  EXPECT_EQ(redis.ask("PUBLISH orders/7 x\r\n"), ":0\r\n");
  EXPECT_THAT(redis.ask("PUBLISH orders/8 x\r\n"), StartsWith("-NOPERM"));
  EXPECT_THAT(redis.ask("AUTH guess\r\n"), StartsWith("-WRONGPASS"));
  EXPECT_THAT(redis.ask("PUBLISH orders/8 x\r\n"), StartsWith("-NOAUTH"));
  EXPECT_EQ(redis.ask("RESET\r\n"), "+RESET\r\n");
  EXPECT_EQ(redis.ask("PUBLISH orders/8 x\r\n"), ":0\r\n");
  Publisher http(broker, &mine);
  const auto post = [&http](std::string_view fields) {
    return http
        .ask(fmt::format("POST /publish/orders/8 HTTP/1.1\r\nHost: x\r\n{}"
                         "Content-Length: 1\r\n\r\nx",
                         fields))
        .substr(9, 3);
  };
  EXPECT_EQ(post(fmt::format("Authorization: Bearer {}\r\n", token)), "403");
  EXPECT_EQ(post(""), "200");
  EXPECT_EQ(post("Authorization: Bearer guess\r\n"), "401");
}

TEST(TlsPublishers, WithoutAnAuthorityNeedAToken) {
  const auto signer = policy_test::JwtSigner::ed25519();
  Options options;
  options.publish_tls_server = tls::simple_server();
  options.publish.keys = {"/in/memory"};
  options.publish_keys = std::make_shared<const policy::JwtKeys>(signer.keys());
  SmallBroker broker(options);
  Publisher publisher(broker, nullptr);
  EXPECT_THAT(publisher.ask("PUBLISH a x\r\n"),
              StartsWith("-NOAUTH a publisher's token is needed"));
  const std::string token = signer.token(R"({"exp":253402300799,"publish":["a"]})");
  EXPECT_EQ(publisher.ask(fmt::format("AUTH {}\r\nPUBLISH a x\r\n", token)), "+OK\r\n:0\r\n");
}

TEST(TlsPublishers, AreAnsweredWhyThereIsNoPlaceForThem) {
  Options options = orders();
  options.limits.publish_connections = 1;
  SmallBroker broker(options);
  const Identity mine = named("orders");
  Publisher first(broker, &mine);
  EXPECT_EQ(first.ask("PING\r\n"), "+PONG\r\n");
  Publisher second(broker, &mine);
  EXPECT_THAT(second.ask("PING\r\n"), StartsWith("-ERR max number of clients reached"));
  Publisher silent(broker, &mine);
  broker.pass(2s);
  EXPECT_THAT(silent.peer.take(), StartsWith("-ERR max number of clients reached"));
  broker.pass(5s);
  EXPECT_TRUE(second.peer.peer().gone());
  EXPECT_TRUE(silent.peer.peer().gone());
}

TEST(TlsPublishers, PublishersWhoseHandshakesTakeTooLongAreDisconnected) {
  Options options = orders();
  options.limits.tls_handshakes = 2;
  SmallBroker broker(options);
  const Identity mine = named("orders");
  TlsPeer halfway(broker, {.identity = &mine}, sim::Door::tls_publishers);
  halfway.say_cipher(halfway.client().receive({}));
  TlsPeer silent(broker, {.identity = &mine}, sim::Door::tls_publishers);
  broker.pass();
  Publisher third(broker, &mine);
  EXPECT_TRUE(third.peer.peer().gone()) << "no place for its handshake";
  EXPECT_EQ(broker.reported().tls_refused_total, 1U);
  broker.pass(15s);
  EXPECT_TRUE(halfway.peer().gone());
  EXPECT_TRUE(silent.peer().gone());
  Publisher fourth(broker, &mine);
  EXPECT_EQ(fourth.ask("PUBLISH orders/7 x\r\n"), ":0\r\n");
}

TEST(TlsPublishers, OfPlainRedisAreDisconnectedAndPlainListenersStayPlain) {
  SmallBroker broker(orders());
  Peer& plain = broker.connect(sim::Door::tls_publishers);
  plain.say("*1\r\n$4\r\nPING\r\n");
  broker.pass(5s);
  EXPECT_EQ(plain.take(), "");
  EXPECT_TRUE(plain.gone());
  Peer& other = broker.network_publisher();
  other.say("PING\r\n");
  broker.pass();
  EXPECT_THAT(other.take(), StartsWith("-NOAUTH"));
}

TEST(TlsPublishers, AreReadInPiecesAndSentTheirRepliesHoweverSlowlyTheyRead) {
  SmallBroker broker(orders());
  const Identity mine = named("orders");
  Publisher publisher(broker, &mine);
  publisher.peer.peer().stop_reading();
  std::string said;
  constexpr int kCount = 2500;  // more than the socket takes
  for (int i = 0; i < kCount; ++i) said += "ECHO 0123456789012345678901234567890123456789\r\n";
  for (std::size_t at = 0; at < said.size(); at += 16'000) {
    publisher.peer.peer().say(publisher.peer.client().send(said.substr(at, 16'000)));
    broker.pass(1ms);
  }
  publisher.peer.peer().read_on();
  std::string heard;
  for (int i = 0; i < 2000 && heard.size() < std::size_t{kCount} * 47; ++i) {
    heard += publisher.peer.take();
  }
  EXPECT_EQ(heard.size(), std::size_t{kCount} * 47);
  EXPECT_EQ(publisher.ask("PUBLISH orders/7 x\r\n"), ":0\r\n");
}

TEST(TlsPublishers, WaitForTheirHandshakeWhileTheShardsAreBehind) {
  Options options = orders();
  options.limits.ingest_pending_bytes = 1000;
  options.limits.head_time = 1min;
  options.delivery.coalesce = 5s;  // so that a feed stays owed what was published
  SmallBroker broker(options);
  broker.get("/events?channel=orders/7");
  broker.publish("orders/7", "first");
  broker.pass();
  Peer& local = broker.publisher();
  local.say("PUBLISH orders/7 " + std::string(2000, 'x') + "\r\n");
  broker.pass();
  local.say("PING\r\n");
  broker.pass();
  const Identity mine = named("orders");
  Publisher publisher(broker, &mine);
  EXPECT_EQ(broker.counters().ingest_paused_total, 1U);
  EXPECT_FALSE(publisher.peer.client().done());
  broker.pass(10s);
  publisher.peer.shake_hands();
  EXPECT_EQ(publisher.ask("PUBLISH orders/7 second\r\n"), ":1\r\n");
}

TEST(TlsPublishers, AreServedWithTheCertificatesOfTheLatestReload) {
  Options options = orders();
  SmallBroker broker(options);
  const Identity mine = named("orders");
  Publisher old(broker, &mine);
  EXPECT_EQ(old.ask("PUBLISH orders/7 x\r\n"), ":0\r\n");
  const Authority next("Next");
  tls::ServerOptions made{.fallback = tls::identity_for({"b.test"})};
  made.clients = *tls::read_client_trust({"ca.pem", next.certificate()}, {}, tls::kToday);
  options.publish_tls_server = tls::server_of(made);
  broker.post(SettingsMessage{std::make_shared<const Options>(options)});
  broker.pass();
  Publisher refused(broker, &mine);
  refused.peer.read();
  EXPECT_TRUE(refused.peer.client().failed());
  const Identity renewed = next.identity({.subject = "orders"});
  Publisher served(broker, &renewed);
  EXPECT_TRUE(served.peer.client().sees("b.test"));
  EXPECT_EQ(served.ask("PUBLISH orders/7 x\r\n"), ":0\r\n");
  EXPECT_EQ(old.ask("PUBLISH orders/7 x\r\n"), ":0\r\n") << "what is open goes on";
}

}  // namespace
}  // namespace fanfare::server
