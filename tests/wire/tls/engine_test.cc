// Engine against OpenSSL's client, in memory.
#include "broker/wire/tls/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/conf.h>

#include "tests/wire/split.h"
#include "tests/wire/tls/authority.h"
#include "tests/wire/tls/client.h"

namespace fanfare::tls {
namespace {

using State = Engine::State;

class Versions : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Tls, Versions, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& parameter) {
                           return parameter.param == TLS1_2_VERSION ? "Version12" : "Version13";
                         });

TEST_P(Versions, CarryTextBothWaysAfterTheHandshake) {
  Pair pair(simple_server(), {.version = GetParam()});
  pair.shake_hands();
  ASSERT_TRUE(pair.open());
  EXPECT_EQ(pair.engine.is_13(), GetParam() == TLS1_3_VERSION);
  EXPECT_EQ(pair.sent("data: hello\n\n"), "data: hello\n\n");
  pair.talk(pair.client.send("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(pair.text, "GET / HTTP/1.1\r\n\r\n");
}

TEST_P(Versions, CarryTextOfManyRecords) {
  Pair pair(simple_server(), {.version = GetParam()});
  pair.shake_hands();
  std::string text;
  for (int i = 0; text.size() < 5 * kRecordTextMax; ++i) text += std::to_string(i) + '\n';
  EXPECT_EQ(pair.sent(text), text);
  pair.talk(pair.client.send(text));
  EXPECT_EQ(pair.text, text);
}

// Every byte that the client says, in pieces: the server reads and says the same.
TEST_P(Versions, AreIndifferentToWhereTheirInputIsCut) {
  const auto server = simple_server();
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U, 64U, 500U}) {
    Pair pair(server, {.version = GetParam()});
    std::string to_engine = pair.client.receive({});
    bool asked = false;
    while (!to_engine.empty()) {
      std::string to_client;
      wire_test::Cuts cuts;
      for (std::size_t at = piece; at < to_engine.size(); at += piece) cuts.push_back(at);
      wire_test::feed_in_pieces(to_engine, cuts, [&](std::string_view part) {
        pair.engine.received(part, pair.text, to_client);
      });
      to_engine = pair.client.receive(to_client);
      if (pair.client.done() && !std::exchange(asked, true)) {
        to_engine += pair.client.send("first ");
        to_engine += pair.client.send("second ");
        to_engine += pair.client.send(std::string(20'000, 'x'));
        to_engine += pair.client.close();
      }
    }
    EXPECT_EQ(pair.engine.state(), State::ended) << "in pieces of " << piece;
    EXPECT_EQ(pair.text, "first second " + std::string(20'000, 'x'));
  }
}

TEST_P(Versions, EndWithACloseNotifyFromEitherSide) {
  Pair pair(simple_server(), {.version = GetParam()});
  pair.shake_hands();
  std::string cipher;
  pair.engine.close(cipher);
  pair.client.receive(cipher);
  EXPECT_TRUE(pair.client.ended());
  std::string again;
  pair.engine.close(again);
  EXPECT_EQ(again, "") << "it is said once";
  pair.talk(pair.client.close());
  EXPECT_EQ(pair.engine.state(), State::ended);

  Pair other(simple_server(), {.version = GetParam()});
  other.shake_hands();
  other.talk(other.client.close());
  EXPECT_EQ(other.engine.state(), State::ended);
}

// RFC 8446 §6.1, RFC 5246 §7.2.1.
TEST_P(Versions, SayNothingBehindTheirCloseNotify) {
  Pair pair(simple_server(), {.version = GetParam()});
  pair.shake_hands();
  std::string cipher;
  pair.engine.close(cipher);
  std::string damaged = pair.client.send("hello");
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  std::string out;
  EXPECT_EQ(pair.engine.received(damaged, pair.text, out), State::failed);
  EXPECT_EQ(out, "");
}

TEST_P(Versions, ChooseTheProtocolThatTheServerPrefers) {
  const auto server = server_of({.fallback = identity_for({"a"}), .protocols = {"h2", "http/1.1"}});
  Pair both(server, {.version = GetParam(), .protocols = {"http/1.1", "h2"}});
  both.shake_hands();
  EXPECT_EQ(both.engine.protocol(), 0U);
  EXPECT_EQ(both.client.protocol(), "h2");
  Pair one(server, {.version = GetParam(), .protocols = {"spdy/1", "http/1.1"}});
  one.shake_hands();
  EXPECT_EQ(one.engine.protocol(), 1U);
  Pair none(server, {.version = GetParam()});
  none.shake_hands();
  ASSERT_TRUE(none.open());
  EXPECT_EQ(none.engine.protocol(), std::nullopt);
}

TEST_P(Versions, RefuseAClientWithoutAProtocolInCommon) {
  Pair pair(simple_server(), {.version = GetParam(), .protocols = {"ftp"}});
  pair.shake_hands();
  EXPECT_EQ(pair.engine.state(), State::failed);
  EXPECT_EQ(pair.engine.failure(), Failure::protocol);
  EXPECT_EQ(pair.client.failure(), SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
}

TEST_P(Versions, ShowTheCertificateOfTheNameThatIsAskedFor) {
  ServerOptions options{.fallback = identity_for({"fallback.test"})};
  options.named.push_back({{"Events.Example.org"}, identity_for({"events.example.org"})});
  options.named.push_back({{"*.example.org"}, identity_for({"*.example.org"})});
  const auto server = server_of(options);
  const auto shown = [&](const std::string& asked, const std::string& covered) {
    Pair pair(server, {.version = GetParam(), .host = asked});
    pair.shake_hands();
    EXPECT_TRUE(pair.open());
    return pair.client.sees(covered);
  };
  EXPECT_TRUE(shown("events.example.org", "events.example.org"));
  EXPECT_FALSE(shown("events.example.org", "other.example.org")) << "the exact name comes first";
  EXPECT_TRUE(shown("EVENTS.example.org", "events.example.org"));
  EXPECT_TRUE(shown("other.example.org", "other.example.org"));
  EXPECT_TRUE(shown("a.b.example.org", "fallback.test")) << "the star is one label";
  EXPECT_TRUE(shown("example.org", "fallback.test"));
  EXPECT_TRUE(shown("unknown.test", "fallback.test"));
  EXPECT_TRUE(shown("", "fallback.test"));
}

TEST_P(Versions, GoOnWithTheOldCertificateAfterAReload) {
  auto server = server_of({.fallback = identity_for({"old.test"})});
  Pair old(server, {.version = GetParam()});
  old.shake_hands();
  Pair midway(server, {.version = GetParam()});
  std::string to_client;
  midway.engine.received(midway.client.receive({}), midway.text, to_client);
  server = server_of({.fallback = identity_for({"new.test"})});
  Pair next(server, {.version = GetParam()});
  next.shake_hands();
  EXPECT_TRUE(next.client.sees("new.test"));
  EXPECT_EQ(old.sent("still here"), "still here");
  midway.talk(midway.client.receive(to_client));
  EXPECT_TRUE(midway.open());
  EXPECT_TRUE(midway.client.sees("old.test"));
}

TEST_P(Versions, ResumeWithATicketAlsoAfterItsKeyWasReplaced) {
  const auto tickets = std::make_shared<TicketKeys>(TimePoint{});
  const auto server = server_of({.fallback = identity_for({"a.test"})}, tickets);
  Pair first(server, {.version = GetParam()});
  first.shake_hands();
  ASSERT_NE(first.client.session(), nullptr);
  EXPECT_FALSE(first.engine.resumed());

  Pair second(server, {.version = GetParam(), .session = first.client.session().get()});
  second.shake_hands();
  EXPECT_TRUE(second.engine.resumed());
  EXPECT_TRUE(second.client.resumed());
  EXPECT_EQ(second.sent("resumed"), "resumed");

  tickets->rotate(TimePoint{});
  const auto reloaded = server_of({.fallback = identity_for({"b.test"})}, tickets);
  Pair third(reloaded, {.version = GetParam(), .session = first.client.session().get()});
  third.shake_hands();
  EXPECT_TRUE(third.engine.resumed()) << "with the key before, after a reload";
  if (GetParam() == TLS1_3_VERSION) {
    EXPECT_GT(third.client.sessions(), 0U) << "and the ticket is replaced";
  }

  tickets->rotate(TimePoint{});
  tickets->rotate(TimePoint{});
  Pair late(server, {.version = GetParam(), .session = first.client.session().get()});
  late.shake_hands();
  EXPECT_TRUE(late.open()) << "an old ticket leads to a full handshake";
  EXPECT_FALSE(late.engine.resumed());
}

// One resumed handshake in 256 failed: what the client's Finished is encrypted to may begin with
// any byte, and 1 was taken for the type of a ClientHello that says it is too long.
TEST(Engine, ReadsNoClientHelloInWhatIsEncrypted) {
  const auto server = simple_server();
  Pair first(server, {.version = TLS1_2_VERSION});
  first.shake_hands();
  Pair second(server, {.version = TLS1_2_VERSION, .session = first.client.session().get()});
  std::string to_client;
  second.engine.received(second.client.receive({}), second.text, to_client);
  std::string flight = second.client.receive(to_client);
  constexpr std::size_t kFinished = 6;  // behind ChangeCipherSpec, a record of one byte
  ASSERT_TRUE(flight.starts_with("\x14\3\3")) << "it resumes";
  ASSERT_EQ(flight.substr(kFinished, 3), "\x16\3\3");
  flight.replace(kFinished + kRecordHeaderBytes, 4, "\1\xff\xff\xff");
  second.engine.received(flight, second.text, to_client);
  EXPECT_EQ(second.engine.failure(), Failure::bad_record)
      << "it is decrypted, which damage prevents";
}

TEST_P(Versions, KnowAClientByItsCertificate) {
  const Authority ca("Publishers");
  ServerOptions options{.fallback = identity_for({"a.test"})};
  options.clients = *read_client_trust({"clients.pem", ca.certificate()}, {}, kToday);
  const auto server = server_of(options);
  const Identity mine = ca.identity({.subject = "publisher-7"});
  Pair known(server, {.version = GetParam(), .identity = &mine});
  known.shake_hands();
  ASSERT_TRUE(known.open());
  EXPECT_EQ(known.engine.peer()->subject, "CN = publisher-7");
  EXPECT_EQ(known.client.sessions(), 0U) << "its certificate is looked at each time";

  Pair bare(server, {.version = GetParam()});
  bare.shake_hands();
  EXPECT_EQ(bare.engine.failure(), Failure::no_certificate);
  const Identity stranger = identity_for({"publisher-7.test"});
  Pair other(server, {.version = GetParam(), .identity = &stranger});
  other.shake_hands();
  EXPECT_EQ(other.engine.failure(), Failure::certificate_refused);
  EXPECT_EQ(other.engine.peer()->subject, "CN = publisher-7.test") << "for the log";
}

TEST_P(Versions, SayWhatIsWrongWithAClientsCertificate) {
  const Authority ca("Publishers");
  const auto failure = [&](const PemFile& revocations, const Identity& identity) {
    ServerOptions options{.fallback = identity_for({"a.test"})};
    options.clients = *read_client_trust({"clients.pem", ca.certificate()}, revocations, kToday);
    Pair pair(server_of(options), {.version = GetParam(), .identity = &identity});
    pair.shake_hands();
    return pair.engine.failure();
  };
  const Issued good = ca.issue({.subject = "good"});
  const Issued stolen = ca.issue({.subject = "stolen"});
  const PemFile list{"crl.pem", ca.revocations({&stolen})};
  const auto identity = [](const Issued& issued) { return Authority::identity_of(issued); };
  EXPECT_EQ(failure({}, identity(good)), Failure::none);
  EXPECT_EQ(failure(list, identity(good)), Failure::none);
  EXPECT_EQ(failure({}, identity(stolen)), Failure::none);
  EXPECT_EQ(failure(list, identity(stolen)), Failure::certificate_revoked);
  EXPECT_EQ(failure({"crl.pem", ca.revocations({}, /*next_in_days=*/-1)}, identity(good)),
            Failure::revocation_unknown);
  EXPECT_EQ(failure({"crl.pem", Authority("Others").revocations({})}, identity(good)),
            Failure::revocation_unknown);
  EXPECT_EQ(failure({}, ca.identity({.begins_in_days = -9, .ends_in_days = -1})),
            Failure::certificate_expired);
  EXPECT_EQ(failure({}, ca.identity({.begins_in_days = 1})), Failure::certificate_expired);
  EXPECT_EQ(failure({}, ca.identity({.usage = "serverAuth"})), Failure::certificate_refused);
  EXPECT_EQ(failure({}, ca.identity({.usage = "clientAuth"})), Failure::none);
}

TEST_P(Versions, TrustAnAuthorityThatAnotherOneIssued) {
  const Authority root("Root");
  const Authority publishers(root, "Publishers");
  ServerOptions options{.fallback = identity_for({"a.test"})};
  options.clients = *read_client_trust({"clients.pem", publishers.certificate()}, {}, kToday);
  const auto server = server_of(options);
  const Identity mine = publishers.identity({.subject = "mine"});
  Pair known(server, {.version = GetParam(), .identity = &mine});
  known.shake_hands();
  EXPECT_TRUE(known.open());
  const Identity above = root.identity({.subject = "above"});
  Pair other(server, {.version = GetParam(), .identity = &above});
  other.shake_hands();
  EXPECT_EQ(other.engine.failure(), Failure::certificate_refused);
}

// What is made with the subscribers' tickets must not open the publishers' door.
TEST_P(Versions, DoNotResumeWhereACertificateIsAskedFor) {
  const Authority ca("Publishers");
  const auto tickets = std::make_shared<TicketKeys>(TimePoint{});
  Pair first(server_of({.fallback = identity_for({"a.test"})}, tickets), {.version = GetParam()});
  first.shake_hands();
  ASSERT_NE(first.client.session().get(), nullptr);
  ServerOptions options{.fallback = identity_for({"a.test"})};
  options.clients = *read_client_trust({"clients.pem", ca.certificate()}, {}, kToday);
  Pair second(server_of(options, tickets),
              {.version = GetParam(), .session = first.client.session().get()});
  second.shake_hands();
  EXPECT_EQ(second.engine.failure(), Failure::no_certificate);
}

TEST_P(Versions, SayWhatIsWrongWithADamagedRecord) {
  Pair pair(simple_server(), {.version = GetParam()});
  pair.shake_hands();
  std::string cipher = pair.client.send("hello");
  cipher.back() = static_cast<char>(cipher.back() ^ 1);
  std::string out;
  EXPECT_EQ(pair.engine.received(cipher, pair.text, out), State::failed);
  EXPECT_EQ(pair.engine.failure(), Failure::bad_record);
  EXPECT_EQ(pair.text, "");
  pair.client.receive(out);
  EXPECT_EQ(pair.client.failure(), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
}

TEST_P(Versions, SayThatARecordIsTooLarge) {
  Pair pair(simple_server(), {.version = GetParam()});
  pair.shake_hands();
  std::string out;
  EXPECT_EQ(pair.engine.received(std::string_view("\x17\3\3\x60\0", 5), pair.text, out),
            State::failed);
  EXPECT_EQ(pair.engine.failure(), Failure::too_large);
  EXPECT_NE(out, "");
}

TEST_P(Versions, FailWhenThePeerSendsAFatalAlert) {
  Pair pair(simple_server(), {.version = GetParam()});
  // In clear, in the middle of the handshake: unknown_ca.
  std::string to_client;
  pair.engine.received(pair.client.receive({}), pair.text, to_client);
  std::string out;
  pair.engine.received(std::string_view("\x15\3\3\0\2\2\x30", 7), pair.text, out);
  EXPECT_EQ(pair.engine.state(), State::failed);
  EXPECT_EQ(pair.engine.failure(), Failure::refused_by_peer);
}

// RFC 6066 §4: a client with little memory asks for short records, and breaks off at a longer one.
TEST_P(Versions, WriteNoLongerRecordsThanTheClientAskedFor) {
  std::string text;
  for (int i = 0; text.size() < 4 * kRecordTextMax; ++i) text += std::to_string(i) + '\n';
  const std::vector<std::pair<std::uint8_t, std::size_t>> lengths{
      {TLSEXT_max_fragment_length_512, 512},
      {TLSEXT_max_fragment_length_1024, 1024},
      {TLSEXT_max_fragment_length_2048, 2048},
      {TLSEXT_max_fragment_length_4096, 4096}};
  const auto server = simple_server();
  for (const auto& [asked, length] : lengths) {
    Pair first(server, {.version = GetParam(), .fragments = asked});
    first.shake_hands();
    const OwnedSession session = first.client.session();
    Pair pair(server, {.version = GetParam(), .fragments = asked, .session = session.get()});
    pair.shake_hands();
    ASSERT_TRUE(pair.open());
    EXPECT_TRUE(pair.engine.resumed());
    EXPECT_EQ(first.sent(text).size(), text.size());
    std::string cipher;
    pair.engine.send(text, cipher);
    EXPECT_LE(cipher.size(), Engine::sealed_bytes_max(text.size())) << length;
    EXPECT_GT(cipher.size(), text.size() + text.size() / length * kRecordHeaderBytes) << length;
    pair.talk(pair.client.receive(cipher));
    EXPECT_FALSE(pair.client.failed()) << length;
    EXPECT_TRUE(pair.client.take_text() == text) << length;
  }
}

TEST(Engine, KnowsAPlainRequestByItsFirstByte) {
  for (const std::string_view request : {"GET / HTTP/1.1\r\n\r\n", "POST", "PRI * HTTP/2.0"}) {
    Pair pair(simple_server());
    std::string out;
    EXPECT_EQ(pair.engine.received(request.substr(0, 1), pair.text, out), State::failed);
    EXPECT_EQ(pair.engine.failure(), Failure::plain_http);
    EXPECT_EQ(out, "");
  }
  EXPECT_THAT(answer_to_plain_http(), testing::HasSubstr("https://"));
  const std::string_view answer = answer_to_plain_http();
  const std::string_view body = answer.substr(answer.find("\r\n\r\n") + 4);
  EXPECT_THAT(answer,
              testing::HasSubstr("Content-Length: " + std::to_string(body.size()) + "\r\n"));
}

TEST(Engine, RefusesWhatIsNoTls) {
  for (const std::string_view bytes :
       {std::string_view("\0\0\0", 3), std::string_view("\x80\x2e\1"), std::string_view("hello"),
        std::string_view("\x17\3\3\0\1a")}) {
    Pair pair(simple_server());
    std::string out;
    EXPECT_EQ(pair.engine.received(bytes, pair.text, out), State::failed);
    EXPECT_EQ(pair.engine.failure(), Failure::not_tls);
  }
}

TEST(Engine, RefusesVersionsThatAreTooOld) {
  Pair pair(simple_server(), {.version = TLS1_1_VERSION});
  pair.shake_hands();
  EXPECT_EQ(pair.engine.state(), State::failed);
  EXPECT_EQ(pair.engine.failure(), Failure::version);
  EXPECT_EQ(pair.client.failure(), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
}

TEST(Engine, BoundsTheBytesOfAHandshake) {
  Pair pair(simple_server());
  std::string hello = pair.client.receive({});
  // Records of one byte each of a message that never ends.
  std::string out;
  std::string flood("\x16\3\1\0\4\1\1\0\0", 9);
  for (int i = 0; i < 200'000; ++i) flood += std::string("\x16\3\1\0\1\0", 6);
  EXPECT_EQ(pair.engine.received(flood, pair.text, out), State::failed);
}

// However it is cut, and before OpenSSL takes memory for all of it.
TEST(Engine, RefusesAHelloThatSaysItIsTooLong) {
  const std::string in_pieces("\x16\3\1\0\1\1\x16\3\1\0\3\0\x40\1", 14);
  for (const std::string& hello : {std::string("\x16\3\1\0\4\1\0\x40\1", 9), in_pieces}) {
    wire_test::expect_same_for_every_split(hello, [&](const wire_test::Cuts& cuts) {
      Pair pair(simple_server());
      std::string out;
      wire_test::feed_in_pieces(hello, cuts, [&](std::string_view part) {
        EXPECT_TRUE(part.empty() || pair.engine.state() == State::handshaking);
        pair.engine.received(part, pair.text, out);
      });
      EXPECT_EQ(pair.engine.state(), State::failed);
      return pair.engine.failure();
    });
  }
}

// The server asks for another group, and the client says hello once more (RFC 8446 §4.1.4).
TEST(Engine, RefusesASecondHelloThatSaysItIsTooLong) {
  Pair pair(simple_server());
  std::string groups = "P-521:X25519";
  SSL_set1_groups_list(pair.client.ssl(), groups.data());
  std::string out;
  ASSERT_EQ(pair.engine.received(pair.client.receive({}), pair.text, out), State::handshaking);
  EXPECT_EQ(pair.engine.received(std::string_view("\x14\3\3\0\1\1\x16\3\3\0\4\1\2\0\0", 15),
                                 pair.text, out),
            State::failed);
  EXPECT_EQ(pair.engine.failure(), Failure::too_large);
}

TEST(Engine, CarriesTextWithEachCipherAndAcrossKeyUpdates) {
  for (const std::string cipher :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    Pair pair(simple_server(), {.ciphers_13 = cipher});
    pair.shake_hands();
    ASSERT_TRUE(pair.open()) << cipher;
    EXPECT_EQ(pair.sent("one"), "one") << cipher;
    for (const int kind : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
      SSL_key_update(pair.client.ssl(), kind);
      pair.text.clear();
      pair.talk(pair.client.send("after an update"));
      EXPECT_EQ(pair.text, "after an update");
      EXPECT_EQ(pair.sent("and back"), "and back") << cipher;
    }
  }
}

// OpenSSL's clients name AES-256 first, and mean nothing by it.
TEST(Engine, ChoosesTheCipherOfTheCheapestHandshake) {
  Pair pair(simple_server(), {.ciphers_13 = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"});
  pair.shake_hands();
  ASSERT_TRUE(pair.open());
  EXPECT_STREQ(SSL_CIPHER_get_name(SSL_get_current_cipher(pair.client.ssl())),
               "TLS_AES_128_GCM_SHA256");
}

TEST(Engine, RefusesEarlyDataAndGoesOn) {
  const auto server = simple_server();
  Pair first(server);
  first.shake_hands();
  ASSERT_NE(first.client.session(), nullptr);
  const OwnedSession session = first.client.session();
  EXPECT_EQ(SSL_SESSION_get_max_early_data(session.get()), 0U);
  // A client that sends it all the same.
  SSL_SESSION_set_max_early_data(session.get(), 1000);
  Pair second(server, {.session = session.get()});
  std::size_t written = 0;
  ASSERT_EQ(SSL_write_early_data(second.client.ssl(), "GET /", 5, &written), 1);
  second.talk(second.client.take());
  second.talk(second.client.receive({}));
  EXPECT_TRUE(second.open());
  EXPECT_EQ(second.text, "") << "nothing that could be a replay";
  EXPECT_EQ(SSL_get_early_data_status(second.client.ssl()), SSL_EARLY_DATA_REJECTED);
  EXPECT_EQ(second.sent("goes on"), "goes on");
}

TEST(Engine, RefusesToNegotiateAgain) {
  Pair pair(simple_server(), {.version = TLS1_2_VERSION});
  pair.shake_hands();
  ASSERT_TRUE(pair.open());
  SSL_renegotiate(pair.client.ssl());
  SSL_do_handshake(pair.client.ssl());
  std::string out;
  pair.engine.received(pair.client.take(), pair.text, out);
  pair.client.receive(out);
  EXPECT_TRUE(pair.client.failed());
  EXPECT_EQ(pair.client.failure(), SSL_R_NO_RENEGOTIATION);
}

// A peer that asks again and again, and reads nothing, would otherwise be kept an alert for each.
TEST(Engine, EndsWithAPeerThatWantsToNegotiateAgain) {
  Pair pair(simple_server(), {.version = TLS1_2_VERSION});
  pair.shake_hands();
  ASSERT_TRUE(pair.open());
  SSL_renegotiate(pair.client.ssl());
  SSL_do_handshake(pair.client.ssl());
  std::string out;
  EXPECT_EQ(pair.engine.received(pair.client.take(), pair.text, out), State::failed);
  EXPECT_EQ(pair.engine.failure(), Failure::malformed);
}

// The machine's openssl.cnf may offer more ciphers than Records has: those of Fedora and RHEL do.
TEST(Engine, OffersNoCipherThatItCannotGoOnWith) {
  const std::string text =
      "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n"
      "[tls]\nCiphersuites = TLS_AES_128_CCM_SHA256:TLS_AES_128_GCM_SHA256\n";
  const OwnedBio in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  const std::unique_ptr<CONF, Freed<NCONF_free>> machine(NCONF_new(nullptr));
  long line = 0;
  ASSERT_EQ(NCONF_load_bio(machine.get(), in.get(), &line), 1);
  ASSERT_EQ(CONF_modules_load(machine.get(), nullptr, 0), 1);
  const auto server = simple_server();
  Pair pair(server, {.ciphers_13 = "TLS_AES_128_CCM_SHA256"});
  CONF_modules_finish();
  pair.shake_hands();
  EXPECT_EQ(pair.engine.state(), State::failed);
  EXPECT_EQ(pair.engine.failure(), Failure::cipher);
}

}  // namespace
}  // namespace fanfare::tls
