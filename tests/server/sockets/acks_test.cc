// Acks behind a log that is durable late: they wait, in order, while their publisher goes on; and
// nothing is seen of what may still be lost.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/server/late_gate.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::body_of;
using testing::events_of;
using ::testing::HasSubstr;
using testing::LateGate;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

constexpr std::string_view kPost =
    "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1";

class Acks : public ::testing::Test {
 protected:
  static Options options() {
    Options options;
    options.delivery.stall = 4s;
    options.limits.drain = 0s;
    options.limits.ingest_pending_bytes = 100'000;
    return options;
  }
  std::string after(Peer& peer, std::string_view said) {
    peer.say(said);
    broker_.pass();
    return peer.take();
  }
  void write(std::uint64_t batches) {
    gate_.write(batches);
    broker_.wake();
    broker_.pass();
  }
  void write_all() { write(gate_.heads().size()); }

  LateGate gate_;
  SmallBroker broker_{options(), nullptr, {}, SmallBroker::kSubscribersMax, {}, &gate_};
};

TEST_F(Acks, WaitForTheLogInOrderWhileTheirPublisherGoesOn) {
  Peer& peer = broker_.publisher();
  EXPECT_EQ(after(peer, "XADD a * data 1\r\n"), "");
  EXPECT_EQ(after(peer, "XADD a * data 2\r\nPING\r\n"), "");
  EXPECT_EQ(after(peer, "XADD a * data 3\r\n"), "");
  EXPECT_EQ(broker_.counters().ingest_events_total, 3U) << "it is read on from";
  ASSERT_EQ(gate_.heads().size(), 3U);
  write(1);
  EXPECT_EQ(peer.take(), "$9\r\nep0ch00-1\r\n");
  write(1);
  EXPECT_EQ(peer.take(), "");
  write(2);
  EXPECT_EQ(peer.take(), "$9\r\nep0ch00-2\r\n+PONG\r\n");
  EXPECT_EQ(after(peer, "XADD a * data 4\r\n"), "");
  write(4);
  EXPECT_EQ(peer.take(), "$9\r\nep0ch00-3\r\n$9\r\nep0ch00-4\r\n");
}

TEST_F(Acks, OfJsonLinesWaitForTheLogToo) {
  Peer& peer = broker_.publisher();
  EXPECT_EQ(after(peer, "{\"channel\":\"a\",\"data\":\"1\"}\n{\"channel\":\"a\",\"da"), "");
  EXPECT_EQ(after(peer, "ta\":\"2\"}\n"), "");
  write(1);
  EXPECT_THAT(peer.take(), StartsWith("{\"ok\":true,\"id\":\"ep0ch00-1\""));
  write(2);
  EXPECT_THAT(peer.take(), StartsWith("{\"ok\":true,\"id\":\"ep0ch00-2\""));
}

// A publisher that could not be given a byte is not a slow one.
TEST_F(Acks, OfHttpWaitForTheLogForLongerThanAStall) {
  Peer& peer = broker_.publisher();
  EXPECT_EQ(after(peer, kPost), "");
  broker_.pass(20s);
  EXPECT_FALSE(peer.gone());
  write_all();
  EXPECT_THAT(body_of(peer.take()), HasSubstr("\"id\":\"ep0ch00-1\""));
  EXPECT_EQ(after(peer, kPost), "") << "the connection is kept alive as ever";
  write_all();
  EXPECT_THAT(body_of(peer.take()), HasSubstr("\"id\":\"ep0ch00-2\""));
}

TEST_F(Acks, OfWhatIsNoEventWaitForTheLogToo) {
  Peer& peer = broker_.publisher();
  EXPECT_EQ(after(peer, "PUBLISH a 1\r\n"), "");
  EXPECT_EQ(after(peer, "SSE.FINISH a\r\n"), "");
  write(1);
  EXPECT_EQ(peer.take(), ":0\r\n");
  write(2);
  EXPECT_EQ(peer.take(), "+OK\r\n");
}

// What it tells of the log must not un-happen either.
TEST_F(Acks, HoldBackWhatAPublisherAsksOfTheLog) {
  Peer& peer = broker_.publisher();
  Peer& other = broker_.publisher();
  EXPECT_EQ(after(peer, "PUBLISH a 1\r\n"), "");
  EXPECT_EQ(after(other, "XLEN a\r\n"), "");
  write_all();
  EXPECT_EQ(other.take(), ":1\r\n");
  EXPECT_EQ(after(other, "XLEN a\r\n"), ":1\r\n") << "nothing is waited for";
}

TEST_F(Acks, ComeNoLaterThanWhatSubscribersSee) {
  Peer& reader = broker_.get("/events?channel=a");
  reader.take();
  Peer& peer = broker_.publisher();
  EXPECT_EQ(after(peer, "PUBLISH a 1\r\n"), "");
  EXPECT_EQ(reader.take(), "") << "it may still be lost";
  EXPECT_THAT(events_of(broker_.get("/events?channel=a", "Last-Event-ID: ep0ch00-1\r\n").take()),
              HasSubstr("\"reason\":\"unknown\""))
      << "its id is nobody's yet";
  write_all();
  EXPECT_EQ(peer.take(), ":1\r\n");
  EXPECT_THAT(reader.take(), HasSubstr("data: 1\nid: ep0ch00-1\n"));
}

TEST_F(Acks, AreNotSentToTheNextPublisherInTheSlot) {
  Peer& peer = broker_.publisher();
  EXPECT_EQ(after(peer, "PUBLISH a 1\r\n"), "");
  Peer& http = broker_.publisher();
  EXPECT_EQ(after(http, kPost), "");
  peer.hang_up();
  http.hang_up();
  broker_.pass();
  Peer& next = broker_.publisher();
  EXPECT_EQ(after(next, "PUBLISH a 2\r\n"), "");
  write(2);
  EXPECT_EQ(next.take(), "");
  write(3);
  EXPECT_EQ(next.take(), ":0\r\n");
}

TEST_F(Acks, ReachAPublisherThatHasSaidItsLastWord) {
  Peer& peer = broker_.publisher();
  peer.say("PUBLISH a 1\r\n");
  peer.shut_down();
  broker_.pass(1s);
  EXPECT_EQ(peer.take(), "");
  EXPECT_FALSE(peer.gone());
  Peer& quits = broker_.publisher();
  EXPECT_EQ(after(quits, "PUBLISH a 2\r\nQUIT\r\n"), "");
  write_all();
  EXPECT_EQ(peer.take(), ":0\r\n");
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(quits.take(), ":0\r\n+OK\r\n");
  EXPECT_TRUE(quits.ended());
}

TEST_F(Acks, ThatWaitAreBounded) {
  Peer& peer = broker_.publisher();
  EXPECT_EQ(after(peer, "PUBLISH a 1\r\n"), "");
  const std::string echo = fmt::format("ECHO {}\r\n", std::string(1000, 'x'));
  std::size_t said = 0;
  for (int i = 0; i < 300; ++i) {
    peer.say_what_fits(echo, said);
    broker_.pass();
  }
  EXPECT_GT(said, 900'000U);
  EXPECT_LT(said, 1'400'000U) << "a megabyte of replies, and what lies in both sockets";
  EXPECT_EQ(peer.take(), "");
  write_all();
  for (int i = 0; i < 10; ++i) broker_.pass();
  EXPECT_GT(peer.take().size(), said - 2'000);
}

TEST_F(Acks, ThatWaitSlowTheirPublishersAndLetThemGoOn) {
  Peer& peer = broker_.publisher();
  const std::string event = fmt::format("PUBLISH a {}\r\n", std::string(10'000, 'x'));
  for (int i = 0; i < 15; ++i) {
    peer.say(event);
    broker_.pass();
  }
  EXPECT_GE(broker_.counters().ingest_events_total, 10U);
  EXPECT_LT(broker_.counters().ingest_events_total, 15U) << "100,000 bytes, and what was read";
  EXPECT_EQ(broker_.counters().ingest_paused_total, 1U);
  for (int i = 0; i < 5; ++i) write_all();
  EXPECT_EQ(broker_.counters().ingest_events_total, 15U);
  std::string acks;
  for (int i = 0; i < 15; ++i) acks += ":0\r\n";
  EXPECT_EQ(peer.take(), acks);
}

TEST_F(Acks, OfABrokerThatStopsAreStillGiven) {
  Peer& resp = broker_.publisher();
  Peer& http = broker_.publisher();
  EXPECT_EQ(after(resp, "PUBLISH a 1\r\n"), "");
  EXPECT_EQ(after(http, kPost), "");
  broker_.drain();
  broker_.pass(2s);
  EXPECT_FALSE(resp.gone());
  EXPECT_FALSE(http.gone());
  write_all();
  EXPECT_EQ(resp.take(), ":0\r\n");
  EXPECT_THAT(http.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  broker_.pass(5s);
  EXPECT_TRUE(broker_.finished());
}

TEST_F(Acks, ThatNeverComeKeepNoBrokerFromStopping) {
  Peer& resp = broker_.publisher();
  Peer& http = broker_.publisher();
  EXPECT_EQ(after(resp, "PUBLISH a 1\r\n"), "");
  EXPECT_EQ(after(http, kPost), "");
  broker_.drain();
  broker_.pass(10s);
  EXPECT_TRUE(broker_.finished());
  EXPECT_EQ(resp.take() + http.take(), "") << "what was not acked may be lost";
}

}  // namespace
}  // namespace fanfare::server
