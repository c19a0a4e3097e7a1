// HTTP/1.1 on a connection: one exchange at a time, its times, its bounds, and how it ends.
#include "broker/server/sockets/http_port.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

// Says `bytes` one by one, a second apart, until the broker has had enough.
void trickle(SmallBroker& broker, Peer& peer, std::string_view bytes) {
  for (const char byte : bytes) {
    if (peer.gone()) break;
    peer.say({&byte, 1});
    broker.pass(1s);
  }
}

TEST(HttpPort, AHeadHasItsTimeHoweverItTrickles) {
  SmallBroker broker(impatient());
  Peer& peer = broker.subscriber();
  trickle(broker, peer, "GET /event");
  EXPECT_THAT(peer.take(), AllOf(StartsWith("HTTP/1.1 408 Request Timeout\r\n"),
                                 HasSubstr("Connection: close\r\n")));
  EXPECT_TRUE(peer.gone());
  broker.pass(3s);
  EXPECT_EQ(broker.closes(CloseReason::head_timeout), 1U);
  EXPECT_EQ(broker.counters().requests_refused_total, 1U);
}

// It was cut without a word, and its client saw a broken pipe.
TEST(HttpPort, AnswersABodyThatTakesTooLongWithTheKeyThatSaysSo) {
  SmallBroker broker(impatient());
  Peer& peer = broker.subscriber();
  peer.say("POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
  trickle(broker, peer, "{\"channels");
  EXPECT_EQ(body_of(peer.take()),
            "the body did not arrive completely within [limits] head_time (3s)\n");
  EXPECT_TRUE(peer.ended());
}

TEST(HttpPort, SaysThatNothingOfASlowBodyWasPublished) {
  SmallBroker broker(impatient());
  Peer& peer = broker.publisher();
  peer.say(
      "POST /publish HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
      "Transfer-Encoding: chunked\r\n\r\n1f\r\n{\"channel\":\"st\",\"data\":\"one\"}\r\n\r\n");
  broker.pass(5s);
  const std::string answer = peer.take();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_EQ(
      body_of(answer),
      R"({"error":"the body did not arrive completely within [limits] head_time (3s); nothing was )"
      R"(published; to stream events as they come, write lines of JSON to this socket without )"
      R"(HTTP, where there is no time limit: nc -UN SOCKET"})"
      "\n");
  EXPECT_TRUE(peer.ended());
  EXPECT_THAT(broker.command("XLEN st"), ":0\r\n");
}

TEST(HttpPort, ABodyHasATimeOfItsOwn) {
  SmallBroker broker(impatient());
  Peer& peer = broker.subscriber();
  peer.say("POST /events?channel=a HTTP/1.1\r\n");
  broker.pass(2s);
  peer.say("Host: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{");
  broker.pass(2s);
  EXPECT_EQ(peer.take(), "") << "head and body together took longer than either may";
  peer.say("}");
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpPort, ATimeoutCarriesTheOriginIfItHadArrived) {
  Options options = impatient();
  options.cors.origins = {"https://a.example"};
  SmallBroker broker(options);
  Peer& peer = broker.subscriber();
  peer.say(
      "POST /events HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\nContent-Length: 9\r\n\r\n");
  Peer& midway = broker.subscriber();
  midway.say("GET /events HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\nAcc");
  broker.pass(5s);
  for (Peer* one : {&peer, &midway}) {
    EXPECT_THAT(one->take(),
                AllOf(StartsWith("HTTP/1.1 408 "),
                      HasSubstr("Access-Control-Allow-Origin: https://a.example\r\n")));
  }
}

TEST(HttpPort, AConnectionThatNeverSpeaksHasTheTimeOfAHead) {
  SmallBroker broker(impatient());
  Peer& peer = broker.subscriber();
  broker.pass(2s);
  EXPECT_FALSE(peer.ended());
  broker.pass(3s);
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(peer.take(), "") << "nothing was asked";
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
  EXPECT_EQ(peer.take(), "") << "it closes without a word";
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

// ---- Refusals by the parser.

struct Refusing {
  std::string request;
  std::string status;
  std::string words;
};

std::vector<Refusing> refused_requests() {
  const std::string get = "GET /events?channel=a HTTP/1.1\r\nHost: x\r\n";
  const std::string post = "POST /events HTTP/1.1\r\nHost: x\r\n";
  const std::string way_out = "; POST /events takes the channels in its body\n";
  const std::string origin = "Origin: https://a.example\r\n";
  return {
      {"GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: x\r\n" + origin + "\r\n",
       "414 URI Too Long",
       "the request target is longer than [limits] target_bytes allows (256 bytes)" + way_out},
      {get + origin + "X: " + std::string(2000, 'a') + "\r\n\r\n",
       "431 Request Header Fields Too Large",
       "the request head is longer than [limits] head_bytes allows (1024 bytes)" + way_out},
      {get + "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\nG: 1\r\n" + origin + "\r\n",
       "431 Request Header Fields Too Large",
       "the request has more header fields than [limits] head_fields allows (8)" + way_out},
      {post + "Content-Length: 2000\r\n" + origin + "\r\n", "413 Content Too Large",
       "the body is longer than [limits] body_bytes allows (1024 bytes); name fewer channels, or "
       "patterns\n"},
      {post + "Transfer-Encoding: chunked\r\n" + origin + "\r\n800\r\n", "413 Content Too Large",
       "[limits] body_bytes"},
      {post + "Transfer-Encoding: chunked\r\n" + origin + "\r\nzz\r\n", "400 Bad Request", "chunk"},
      {post + "Transfer-Encoding: gzip, chunked\r\n" + origin + "\r\n", "501 Not Implemented",
       "`chunked`"},
      {post + "Content-Length: x\r\n" + origin + "\r\n", "400 Bad Request", "Content-Length"},
      {get + "Expect: more\r\n" + origin + "\r\n", "417 Expectation Failed", "100-continue"},
      {get + "Host: y\r\n" + origin + "\r\n", "400 Bad Request", "more than one Host"},
      {"GET /events HTTP/1.1\r\n" + origin + "\r\n", "400 Bad Request", "must have a Host"},
      {get + origin + "Bad Name: x\r\n\r\n", "400 Bad Request", "whitespace"},
      {get + origin + " folded\r\n\r\n", "400 Bad Request", "whitespace"},
      {get + origin + "X: a\x01z\r\n\r\n", "400 Bad Request", "control character"},
      {get + origin + "X: a\rz\r\n\r\n", "400 Bad Request", "CR"},
      {std::string(33, 'M') + " /events HTTP/1.1\r\nHost: x\r\n" + origin + "\r\n",
       "501 Not Implemented", "the method is too long"},
      {"GET /nowhere HTTP/1.1\r\nHost: x\r\n" + origin + "\r\n", "404 Not Found", "/events"},
      {"DELETE /events HTTP/1.1\r\nHost: x\r\n" + origin + "\r\n", "405 Method Not Allowed", "GET"},
      {"GET /events HTTP/1.1\r\nHost: x\r\n" + origin + "\r\n", "400 Bad Request", "no channel"},
  };
}

Options narrow() {
  Options options;
  options.cors.origins = {"https://a.example"};
  options.limits.head_bytes = 1024;
  options.limits.target_bytes = 256;
  options.limits.head_fields = 8;
  options.limits.body_bytes = 1024;
  return options;
}

// A browser that does not find the fields shows its page a CORS error in place of the reason.
TEST(HttpPort, EveryRefusalCarriesTheCorsFieldsOfItsOrigin) {
  SmallBroker broker(narrow());
  for (const auto& [request, status, words] : refused_requests()) {
    for (const std::size_t piece : {request.size(), std::size_t{7}}) {
      Peer& peer = broker.subscriber();
      for (std::size_t at = 0; at < request.size() && !peer.ended(); at += piece) {
        peer.say(std::string_view(request).substr(at, piece));
        broker.pass(1ms);
      }
      broker.pass();
      EXPECT_THAT(peer.take(),
                  AllOf(StartsWith("HTTP/1.1 " + status), HasSubstr(words),
                        HasSubstr("Access-Control-Allow-Origin: https://a.example\r\n")))
          << request;
      peer.hang_up();
    }
  }
}

// An origin that is not allowed, or none, gets the same answer without them.
TEST(HttpPort, ARefusalWithoutAnAllowedOriginHasNoCorsFields) {
  SmallBroker broker(narrow());
  for (auto [request, status, words] : refused_requests()) {
    request.replace(request.find("a.example"), 9, "b.example");
    Peer& peer = broker.subscriber();
    peer.say(request);
    broker.pass();
    EXPECT_THAT(peer.take(), AllOf(StartsWith("HTTP/1.1 " + status), HasSubstr("Vary: Origin\r\n"),
                                   Not(HasSubstr("Access-Control-Allow-Origin"))));
    peer.hang_up();
  }
}

TEST(HttpPort, AHeadRequestThatIsRefusedGetsNoBody) {
  SmallBroker broker;
  Peer& peer = broker.subscriber();
  peer.say("HEAD /events HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n");
  broker.pass();
  const std::string answer = peer.take();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(body_of(answer), "");
}

TEST(HttpPort, LimitsOfAHeadHoldOnEveryPortAndNameTheirKey) {
  LargePage surface;
  SmallBroker broker(narrow(), &surface);
  const std::string long_target = "GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n";
  for (Peer* peer : {&broker.subscriber(), &broker.publisher(), &broker.operators()}) {
    peer->say(long_target);
    broker.pass();
    EXPECT_THAT(peer->take(), AllOf(StartsWith("HTTP/1.1 414 "), HasSubstr("[limits] target_bytes"),
                                    HasSubstr("256 bytes")));
  }
}

TEST(HttpPort, AnHttp2PrefaceIsAnsweredInASentenceWhereThatIsNotSpoken) {
  LargePage surface;
  Options options;
  options.listen.h2c = false;
  SmallBroker broker(options, &surface);
  for (Peer* peer : {&broker.subscriber(), &broker.publisher(), &broker.operators()}) {
    peer->say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    broker.pass();
    EXPECT_THAT(peer->take(), AllOf(StartsWith("HTTP/1.1 505 "),
                                    HasSubstr("HTTP/2 is not supported on this port")));
  }
}

// ---- Date.

TEST(HttpPort, EveryAnswerSaysItsDate) {
  LargePage surface;
  SmallBroker broker(impatient(), &surface);
  broker.pass(2s);
  const std::string head = " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const auto date_of = [&broker](Peer& peer, const std::string& request) {
    peer.say(request);
    broker.pass();
    const std::string answer = peer.take();
    const std::size_t at = answer.find("\r\nDate: ");
    EXPECT_NE(at, std::string::npos) << answer;
    EXPECT_EQ(answer.find("\r\nDate: ", at + 1), std::string::npos) << answer;
    return at == std::string::npos ? std::string() : answer.substr(at + 8, 29);
  };
  http::Date now;
  now.tell(broker.date());
  const std::string right(now.text());
  for (const std::string request :
       {"GET /events?channel=a", "HEAD /events?channel=a", "OPTIONS /events", "GET /events",
        "GET /nowhere", "PUT /events", "GET /events?channel=a&last_event_id=x", "GET /a b"}) {
    EXPECT_EQ(date_of(broker.subscriber(), request + head), right) << request;
  }
  for (const std::string request : {"GET /page", "POST /page", "GET /events", "GET /a b"}) {
    EXPECT_EQ(date_of(broker.operators(), request + head), right) << request;
  }
  for (const std::string request :
       {"GET /channels", "PUT /publish/a", "GET /nowhere", "GET /a b"}) {
    EXPECT_EQ(date_of(broker.publisher(), request + head), right) << request;
  }
  broker.pass(1s);
  EXPECT_NE(date_of(broker.subscriber(), "OPTIONS /events" + head), right) << "time goes on";
}

TEST(HttpPort, AnAnswerThatDoesNotFitIsSentAsItIsRead) {
  LargePage surface;
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  SmallBroker broker(impatient(), &surface, faults);
  Peer& peer = broker.operators();
  peer.stop_reading();
  peer.say(
      "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\nGET /next HTTP/1.1\r\nHost: localhost\r\n\r\n");
  broker.pass(3s);
  peer.read_on();
  broker.pass(1s);
  const std::string answers = peer.take();
  EXPECT_GT(answers.size(), 2 * LargePage::kSize);
  EXPECT_EQ(body_of(answers).find_first_not_of('p'), LargePage::kSize);
  EXPECT_FALSE(peer.ended()) << "kept alive";
}

TEST(HttpPort, DisconnectsAClientThatDoesNotReadItsAnswer) {
  LargePage surface;
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  SmallBroker broker(impatient(), &surface, faults);
  Peer& peer = broker.operators();
  peer.stop_reading();
  peer.say("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
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
