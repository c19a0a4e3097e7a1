// Subscribers over TLS: everything that they are over plain connections, and what TLS adds.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "broker/server/sockets/tls_ring.h"
#include "tests/server/small_broker.h"
#include "tests/server/tls_peer.h"
#include "tests/wire/h2/frames.h"

namespace fanfare::server {
namespace {

using testing::body_of;
using testing::events_of;
using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;
using testing::TlsPeer;

constexpr std::string_view kStream = "GET /events?channel=news HTTP/1.1\r\nHost: x\r\n\r\n";

Options secured(std::string_view name = "a.test") {
  Options options;
  options.tls_server = tls::server_of({.fallback = tls::identity_for({std::string(name)})});
  options.limits.drain = Duration(0);
  return options;
}

// As the stream says it, to the last byte: a chunk.
std::string event(int number, std::string_view data) {
  const std::string text = fmt::format("data: {}\nid: ep0ch00-{}\n\n", data, number);
  return fmt::format("{:x}\r\n{}\r\n", text.size(), text);
}

class TlsVersions : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Tls, TlsVersions, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& parameter) {
                           return parameter.param == TLS1_2_VERSION ? "Version12" : "Version13";
                         });

TEST_P(TlsVersions, StreamEventsToTheEnd) {
  SmallBroker broker(secured());
  TlsPeer peer(broker, {.version = GetParam()});
  peer.shake_hands();
  peer.say(kStream);
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  broker.publish("news", "one");
  broker.publish("news", "two");
  EXPECT_THAT(peer.take(), AllOf(HasSubstr("data: one\n"), HasSubstr("data: two\n")));
  EXPECT_EQ(broker.command("SSE.FINISH news"), "+OK\r\n");
  EXPECT_THAT(peer.take(), ::testing::EndsWith("0\r\n\r\n"));
  // The connection goes on.
  peer.say("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(broker.reported().tls_handshakes_total, 1U);
}

TEST_P(TlsVersions, EndWithACloseNotifyAndAFin) {
  SmallBroker broker(secured());
  TlsPeer peer(broker, {.version = GetParam()});
  peer.shake_hands();
  peer.say("GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 404"));
  broker.pass(100ms);
  peer.read();
  EXPECT_TRUE(peer.client().ended());
  EXPECT_TRUE(peer.peer().ended());
}

TEST_P(TlsVersions, AreToldToComeBackWhenTheBrokerStops) {
  SmallBroker broker(secured());
  TlsPeer peer(broker, {.version = GetParam()});
  peer.shake_hands();
  peer.say(kStream);
  peer.take();
  broker.drain();
  broker.pass(3s);
  const std::string last = peer.take();
  EXPECT_THAT(last, HasSubstr("retry: "));
  EXPECT_THAT(last, ::testing::Not(::testing::EndsWith("0\r\n\r\n")));
  EXPECT_TRUE(peer.client().ended()) << "by a close_notify: nothing was cut";
}

TEST_P(TlsVersions, AreReadHoweverTheirBytesAreCut) {
  SmallBroker broker(secured());
  TlsPeer peer(broker, {.version = GetParam()});
  std::string cipher = peer.client().receive({});
  while (!cipher.empty()) {
    for (const char byte : cipher) {
      peer.peer().say(std::string_view(&byte, 1));
      broker.pass(1ms);
    }
    broker.pass();
    cipher = peer.client().receive(peer.peer().take());
  }
  for (const char byte : peer.client().send(kStream)) {
    peer.peer().say(std::string_view(&byte, 1));
    broker.pass(1ms);
  }
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

// A socket that takes a part of a record, and another part when it has room again.
TEST_P(TlsVersions, GetEveryByteOfWhatASlowSocketTakesInPieces) {
  Options options = secured();
  options.history.bytes = 8U << 20U;
  options.delivery.stall = 10min;
  SmallBroker broker(options);
  TlsPeer peer(broker, {.version = GetParam()});
  peer.shake_hands();
  peer.say(kStream);
  peer.take();
  peer.peer().stop_reading();
  std::string sent;
  for (int i = 0; i < 20; ++i) {
    const std::string data = std::to_string(i) + std::string(60'000, static_cast<char>('a' + i));
    broker.publish("news", data);
    sent += event(i + 1, data);
  }
  std::string got;
  for (int i = 0; i < 2000 && got.find("data: 19") == std::string::npos; ++i) {
    peer.peer().read_some(7001);
    got += peer.take();
  }
  peer.peer().read_on();
  broker.pass(1s);
  got += peer.take();
  ASSERT_FALSE(peer.client().failed());
  EXPECT_TRUE(got == sent);
}

// Sends that are short or find no room, receives that bring a part or find no buffer.
TEST_P(TlsVersions, GetTheSameBytesFromAKernelThatMisbehaves) {
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 6000;
  faults.send_short = 0.3;
  faults.send_blocked = 0.1;
  faults.receive_short = 0.5;
  faults.receive_no_buffer = 0.1;
  SmallBroker broker(secured(), nullptr, faults);
  std::deque<TlsPeer> peers;
  for (int i = 0; i < 4; ++i) {
    TlsPeer& peer = peers.emplace_back(broker, tls::ClientOptions{.version = GetParam()});
    peer.shake_hands();
    peer.say(kStream);
    EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  std::string sent;
  std::vector<std::string> got(peers.size());
  for (int i = 0; i < 150; ++i) {
    const std::string data = std::to_string(i) + std::string(static_cast<std::size_t>(i) * 20, 'x');
    broker.publish("news", data);
    sent += event(i + 1, data);
    const std::size_t reads = static_cast<std::size_t>(i) % peers.size();
    got[reads] += peers[reads].take();
  }
  for (std::size_t i = 0; i < peers.size(); ++i) {
    for (int n = 0; n < 200 && !got[i].contains("data: 149"); ++n) got[i] += peers[i].take();
    got[i] += peers[i].take();
    EXPECT_FALSE(peers[i].client().failed());
    EXPECT_TRUE(got[i] == sent) << "of client " << i;
  }
}

// What is sealed for them is a good deal longer than its text: many sends of one turn fill the
// arena.
TEST_P(TlsVersions, AreSentShortRecordsWhereTheyAskForThem) {
  constexpr int kPeers = 20;
  Options options = secured();
  options.history.bytes = 8U << 20U;
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 256U << 10U;
  SmallBroker broker(options, nullptr, faults, kPeers);
  std::deque<TlsPeer> peers;
  for (int i = 0; i < kPeers; ++i) {
    TlsPeer& peer = peers.emplace_back(
        broker,
        tls::ClientOptions{.version = GetParam(), .fragments = TLSEXT_max_fragment_length_512});
    peer.shake_hands();
    peer.say(kStream);
    EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  int number = 0;
  for (std::size_t size = 58'200; size < 58'600; size += 20) {
    const std::string data(size, 'x');
    const std::string sent = event(++number, data);
    broker.publish("news", data);
    for (TlsPeer& peer : peers) {
      ASSERT_TRUE(peer.take() == sent);
      ASSERT_FALSE(peer.client().failed());
    }
  }
}

// What was sealed for it is lost: the next record would not be the one that the peer waits for.
TEST_P(TlsVersions, HearNothingMoreOnceASendHasFailed) {
  Options options = secured();
  options.delivery.heartbeat = 1s;
  SmallBroker broker(options);
  TlsPeer peer(broker, {.version = GetParam()});
  peer.shake_hands();
  peer.say(kStream);
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  broker.faults().send_error = ENETDOWN;  // for the first heartbeat
  broker.pass(3s);
  EXPECT_EQ(peer.take(), "");
  EXPECT_TRUE(peer.peer().gone());
  EXPECT_FALSE(peer.client().failed()) << "a reason of OpenSSL's: " << peer.client().failure();
}

// The last flight of the handshake, or the tickets behind it.
TEST_P(TlsVersions, AreDisconnectedWhenWhatTlsItselfSaysIsLost) {
  SmallBroker broker(secured());
  TlsPeer peer(broker, {.version = GetParam()});
  peer.say_cipher(peer.client().receive({}));
  const std::string last = peer.client().receive(peer.peer().take());
  broker.faults().send_error = ENETDOWN;
  peer.say_cipher(last);
  EXPECT_TRUE(peer.peer().gone());
  peer.client().receive(peer.peer().take());
  EXPECT_FALSE(peer.client().failed()) << "a reason of OpenSSL's: " << peer.client().failure();
}

TEST_P(TlsVersions, AreDisconnectedWhenTheyStall) {
  Options options = secured();
  options.delivery.stall = 5s;
  SmallBroker broker(options);
  TlsPeer peer(broker, {.version = GetParam()});
  peer.shake_hands();
  peer.say(kStream);
  peer.take();
  peer.peer().stop_reading();
  for (int i = 0; i < 100; ++i) broker.publish("news", std::string(60'000, 'x'));
  broker.pass(12s);
  EXPECT_EQ(broker.closes(CloseReason::slow_stalled), 1U);
}

// The stream waits for room, which there would never be.
TEST_P(TlsVersions, AreDisconnectedWhenTheRestOfARecordIsLost) {
  SmallBroker broker(secured());
  TlsPeer peer(broker, {.version = GetParam()});
  peer.shake_hands();
  peer.say(kStream);
  peer.take();
  peer.peer().stop_reading();
  for (int i = 0; i < 5; ++i) broker.publish("news", std::string(60'000, 'x'));
  broker.faults().send_error = EIO;
  peer.peer().read_on();
  broker.pass(1s);
  EXPECT_TRUE(peer.peer().gone());
}

TEST_P(TlsVersions, KeepTheirConnectionsWhenTheCertificateIsReplaced) {
  Options options = secured("old.test");
  SmallBroker broker(options);
  TlsPeer old(broker, {.version = GetParam()});
  old.shake_hands();
  old.say(kStream);
  old.take();
  options.tls_server = secured("new.test").tls_server;
  broker.post(SettingsMessage{std::make_shared<const Options>(options)});
  broker.pass();
  TlsPeer next(broker, {.version = GetParam()});
  next.shake_hands();
  EXPECT_TRUE(next.client().sees("new.test"));
  broker.publish("news", "still here");
  EXPECT_THAT(old.take(), HasSubstr("data: still here"));
}

TEST(Tls, APlainRequestIsAnsweredInClear) {
  SmallBroker broker(secured());
  Peer& peer = broker.connect(sim::Door::tls);
  peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass();
  const std::string answer = peer.take();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(body_of(answer), HasSubstr("https://"));
  EXPECT_TRUE(peer.ended());
  peer.hang_up();
  broker.pass();
  EXPECT_EQ(broker.closes(CloseReason::tls_failed), 1U);
  EXPECT_EQ(broker.reported().tls_failed_total, 1U);
}

TEST(Tls, GarbageAndDamageEndTheConnection) {
  SmallBroker broker(secured());
  Peer& garbage = broker.connect(sim::Door::tls);
  garbage.say(std::string(300, '\xff'));
  broker.pass(3s);
  EXPECT_TRUE(garbage.gone());

  TlsPeer damaged(broker);
  damaged.shake_hands();
  std::string cipher = damaged.client().send(kStream);
  cipher.back() = static_cast<char>(cipher.back() ^ 1);
  damaged.say_cipher(cipher);
  damaged.read();
  EXPECT_EQ(damaged.client().failure(), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
  broker.pass(3s);
  EXPECT_TRUE(damaged.peer().gone());
  EXPECT_EQ(broker.closes(CloseReason::tls_failed), 2U);
}

// So much happens at once that the shard sends events before it has heard of the damage.
TEST_P(TlsVersions, AreSentNothingInClearAfterADamagedRecord) {
  constexpr int kOthers = 600;
  Options options = secured();
  options.tls_server =
      tls::server_of({.fallback = tls::identity_for({"a.test"}), .protocols = {"h2", "http/1.1"}});
  SmallBroker broker(options, nullptr, {}, kOthers + 1);
  TlsPeer peer(broker, {.version = GetParam(), .protocols = {"h2"}});
  peer.shake_hands();
  peer.say(h2_test::greeting() + h2_test::get(1, "/events?channel=news"));
  peer.take();
  Peer& publisher = broker.publisher();
  std::deque<Peer*> others;
  for (int i = 0; i < kOthers; ++i) others.push_back(&broker.subscriber());
  broker.pass();
  std::string sent;
  broker.watch_sends([&](std::string_view bytes) { sent += bytes; });
  std::string cipher = peer.client().send(h2_test::frame(h2_test::kPing, 0, 0, "12345678"));
  cipher.back() = static_cast<char>(cipher.back() ^ 1);
  peer.peer().say(cipher);
  publisher.say("PUBLISH news secret\r\n");
  for (Peer* other : others) other->say("GET");
  broker.pass_without_turns(20ms);
  broker.pass(3s);
  EXPECT_TRUE(peer.peer().gone());
  EXPECT_FALSE(sent.contains("secret"));
}

TEST(Tls, AHandshakeThatTakesTooLongIsEnded) {
  Options options = secured();
  options.limits.head_time = 3s;
  SmallBroker broker(options);
  Peer& silent = broker.connect(sim::Door::tls);
  TlsPeer halfway(broker);
  halfway.say_cipher(halfway.client().receive({}));
  broker.pass(5s);
  EXPECT_TRUE(silent.gone());
  EXPECT_TRUE(halfway.peer().gone());
  EXPECT_EQ(broker.closes(CloseReason::head_timeout), 2U);
}

TEST(Tls, AFrontMayNameItsClientBeforeTheHandshake) {
  Options options = secured();
  options.fronts = {.trusted = {"10.0.0.0/8"}, .proxy_protocol = ProxyProtocol::accept};
  SmallBroker broker(options);
  TlsPeer peer(broker);
  peer.peer().come_from(*IpAddress::parse("10.0.0.5"));
  peer.peer().say("PROXY TCP4 192.0.2.1 10.0.0.5 56324 443\r\n");
  peer.shake_hands();
  peer.say(kStream);
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  broker.drain();
  broker.pass(2s);
  const auto closes = broker.snapshot().recent_closes;
  ASSERT_FALSE(closes.empty());
  EXPECT_EQ(closes.back().peer, "192.0.2.1:56324");
}

TEST(Tls, HandshakesUnderWayAreBounded) {
  Options options = secured();
  options.limits.tls_handshakes = 2;
  SmallBroker broker(options);
  TlsPeer first(broker);
  TlsPeer second(broker);
  TlsPeer third(broker);
  for (TlsPeer* peer : {&first, &second, &third}) peer->say_cipher(peer->client().receive({}));
  EXPECT_TRUE(third.peer().gone());
  EXPECT_EQ(broker.reported().tls_refused_total, 1U);
  first.shake_hands();
  EXPECT_TRUE(first.client().done());
  second.peer().hang_up();
  broker.pass();
  for (int i = 0; i < 2; ++i) {
    TlsPeer next(broker);
    next.shake_hands();
    next.say(kStream);
    EXPECT_THAT(next.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
}

TEST(Tls, PlainListenersStayPlain) {
  SmallBroker broker(secured());
  EXPECT_THAT(broker.get("/events?channel=news").take(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(Tls, ManyHandshakesAtOnceAreSpreadOverTurns) {
  SmallBroker broker(secured(), nullptr, {}, 200);
  std::deque<TlsPeer> peers;
  for (int i = 0; i < 60; ++i) peers.emplace_back(broker);
  broker.pass();
  for (TlsPeer& peer : peers) peer.peer().say(peer.client().receive({}));
  broker.pass_without_turns(20ms);
  broker.pass();
  for (TlsPeer& peer : peers) {
    peer.shake_hands();
    peer.say(kStream);
    EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  broker.publish("news", "for all");
  for (TlsPeer& peer : peers) EXPECT_THAT(peer.take(), HasSubstr("data: for all"));
  EXPECT_GT(broker.reported().tls_deferred_total, 0U);
}

}  // namespace
}  // namespace fanfare::server
