// HTTP/1.1 on a connection: one exchange at a time, its times, its bounds, and how it ends.
#include "broker/server/http_port.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::body_of;
using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

constexpr std::string_view kOptions = "OPTIONS /events HTTP/1.1\r\nHost: x\r\n\r\n";

Options impatient() {
  Options options;
  options.limits.head_time = 3s;
  options.limits.idle_time = 8s;
  options.delivery.stall = 4s;
  return options;
}

// A surface with one page that no small socket takes at once.
class LargePage final : public AdminSurface {
 public:
  static constexpr std::size_t kSize = 100'000;
  AdminAnswer answer(std::string_view, const Snapshot&) override {
    return {.content_type = "text/plain", .body = std::string(kSize, 'p')};
  }
  std::string live_event(const Snapshot&) override { return {}; }
};

TEST(HttpPort, AHeadHasItsTimeHoweverItTrickles) {
  SmallBroker broker(impatient());
  Peer& peer = broker.subscriber();
  for (const char byte : std::string_view("GET /e")) {
    if (peer.gone()) break;
    peer.say({&byte, 1});
    broker.pass(1s);
  }
  EXPECT_TRUE(peer.gone());
  EXPECT_EQ(broker.closes(CloseReason::head_timeout), 1U);
}

TEST(HttpPort, AConnectionThatNeverSpeaksHasTheTimeOfAHead) {
  SmallBroker broker(impatient());
  Peer& peer = broker.subscriber();
  broker.pass(2s);
  EXPECT_FALSE(peer.ended());
  broker.pass(3s);
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(broker.closes(CloseReason::head_timeout), 1U);
}

TEST(HttpPort, ABodyThatDoesNotComeIsWaitedForNoLonger) {
  SmallBroker broker(impatient());
  Peer& peer = broker.subscriber();
  peer.say("POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
  broker.pass(5s);
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(broker.closes(CloseReason::head_timeout), 1U);
}

TEST(HttpPort, BetweenRequestsAConnectionMayBeIdleForLonger) {
  SmallBroker broker(impatient());
  Peer& peer = broker.subscriber();
  for (int i = 0; i < 3; ++i) {
    peer.say(kOptions);
    broker.pass(6s);
    EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 204 ")) << i;
    EXPECT_FALSE(peer.ended());
  }
  broker.pass(4s);
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(broker.closes(CloseReason::idle_timeout), 1U);
}

TEST(HttpPort, EmptyLinesBetweenRequestsAreNoRequest) {
  SmallBroker broker(impatient());
  Peer& peer = broker.subscriber();
  peer.say(kOptions);
  broker.pass();
  peer.take();
  peer.say("\r\n");
  broker.pass();
  peer.say(kOptions);
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 204 "));
  EXPECT_EQ(broker.counters().requests_total, 2U);
  EXPECT_EQ(broker.counters().requests_refused_total, 0U);
}

TEST(HttpPort, AsksForABodyThatIsExpectedToBeAskedFor) {
  SmallBroker broker;
  Peer& peer = broker.subscriber();
  peer.say(
      "POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: 18\r\nExpect: 100-continue\r\n\r\n");
  broker.pass();
  EXPECT_EQ(peer.take(), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.say(R"({"channels":)");
  broker.pass();
  peer.say(R"(["a"]})");
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpPort, RefusesABodyByItsDeclaredLengthWithoutAskingForIt) {
  Options options;
  options.limits.body_bytes = 1000;
  SmallBroker broker(options);
  Peer& peer = broker.subscriber();
  peer.say(
      "POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(peer.ended());
}

TEST(HttpPort, RefusesAChunkedBodyWhenItHasGrownTooLarge) {
  Options options;
  options.limits.body_bytes = 1000;
  SmallBroker broker(options);
  Peer& peer = broker.subscriber();
  peer.say("POST /events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(peer.take(), "") << i;
    peer.say(fmt::format("190\r\n{}\r\n", std::string(400, ' ')));
    broker.pass();
  }
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(peer.ended());
}

TEST(HttpPort, AfterARefusalWhatStillComesIsDiscarded) {
  SmallBroker broker;
  Peer& peer = broker.subscriber();
  peer.say("GET /a b HTTP/1.1\r\n\r\n");
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(peer.ended());
  peer.say(kOptions);
  broker.pass(500ms);
  EXPECT_FALSE(peer.reset()) << "or the refusal might be lost with what was on its way";
  EXPECT_EQ(peer.take(), "");
  peer.hang_up();
  EXPECT_EQ(broker.closes(CloseReason::bad_request), 1U);
  EXPECT_EQ(broker.counters().requests_refused_total, 1U);
}

TEST(HttpPort, APeerThatNeverClosesIsNotWaitedForForEver) {
  SmallBroker broker;
  Peer& peer = broker.subscriber();
  peer.say("OPTIONS /events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  broker.pass();
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(broker.counters().connections_open, 1U);
  broker.pass(4s);
  EXPECT_EQ(broker.counters().connections_open, 0U);
  EXPECT_EQ(broker.closes(CloseReason::not_keep_alive), 1U);
}

TEST(HttpPort, AnAnswerThatDoesNotFitIsSentAsItIsRead) {
  LargePage surface;
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  SmallBroker broker(impatient(), &surface, faults);
  Peer& peer = broker.operators();
  peer.stop_reading();
  peer.say("GET /page HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass(3s);
  peer.read_on();
  broker.pass(1s);
  const std::string answers = peer.take();
  EXPECT_GT(answers.size(), 2 * LargePage::kSize);
  EXPECT_EQ(body_of(answers).find_first_not_of('p'), LargePage::kSize);
  EXPECT_FALSE(peer.ended()) << "kept alive";
}

TEST(HttpPort, WhoDoesNotReadItsAnswerIsLetGo) {
  LargePage surface;
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  SmallBroker broker(impatient(), &surface, faults);
  Peer& peer = broker.operators();
  peer.stop_reading();
  peer.say("GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass(3s);
  EXPECT_EQ(broker.counters().admin_connections_open, 1U);
  broker.pass(3s);
  EXPECT_EQ(broker.counters().admin_connections_open, 0U);
  EXPECT_EQ(broker.closes(CloseReason::slow_stalled), 1U);
}

// A socket that one answer fills to the last byte: the first send of the next one takes nothing.
// Half of the time for that next request is gone when it is whole.
void expect_the_whole_stall(sim::Door door, std::string_view first, std::string_view next) {
  Options options = impatient();
  options.limits.head_time = 3s;
  options.limits.idle_time = 3s;
  options.delivery.stall = 20s;
  std::size_t size = 0;
  {
    SmallBroker broker(options);
    Peer& peer = broker.connect(door);
    peer.say(first);
    broker.pass();
    size = peer.take().size();
  }
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = size;
  SmallBroker broker(options, nullptr, faults);
  Peer& peer = broker.connect(door);
  peer.stop_reading();
  peer.say(first);
  broker.pass();
  peer.say(next.substr(0, 10));
  broker.pass(2s);
  peer.say(next.substr(10));
  broker.pass(15s);
  EXPECT_EQ(broker.closes(CloseReason::slow_stalled), 0U) << "it has the stall's 20 s";
  EXPECT_FALSE(peer.gone());
  broker.pass(8s);
  EXPECT_EQ(broker.closes(CloseReason::slow_stalled), 1U);
}

TEST(HttpPort, AnAnswersStallBeganWithItsRequestAndCutItShort) {
  constexpr std::string_view kFirst = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
  expect_the_whole_stall(sim::Door::subscribers, kFirst, kFirst);
  constexpr std::string_view kListing = "GET /channels HTTP/1.1\r\nHost: x\r\n\r\n";
  expect_the_whole_stall(sim::Door::publishers, kListing, kListing);
}

TEST(HttpPort, AnInterimAnswersStallBeganWithItsRequestAndCutItShort) {
  constexpr std::string_view kFirst = "GET /channels HTTP/1.1\r\nHost: x\r\n\r\n";
  constexpr std::string_view kNext =
      "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
  expect_the_whole_stall(sim::Door::publishers, kFirst, kNext);
}

TEST(HttpPort, ARequestOnAConnectionThatEndsIsForgotten) {
  SmallBroker broker;
  Peer& peer = broker.subscriber();
  peer.say("GET /events?channel=a HTTP/1.1\r\nHo");
  broker.pass();
  peer.shut_down();
  broker.pass();
  EXPECT_EQ(peer.take(), "");
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(broker.closes(CloseReason::peer_closed), 1U);
}

}  // namespace
}  // namespace fanfare::server
