// Routes that ask an application, on a whole shard: what it is asked, what its answer does, and
// every way in which it may not answer.
#include "broker/server/upstream/upstreams.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using testing::Application;
using testing::body_of;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using testing::events_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::route_rule;
using testing::SmallBroker;
using ::testing::StartsWith;

constexpr std::string_view kStream = "Accept: text/event-stream\r\n";
constexpr std::string_view kAttach =
    "HTTP/1.1 200 OK\r\nFanfare-Channels: room/7\r\nContent-Length: 0\r\n\r\n";

class Asked : public ::testing::Test {
 protected:
  static Options options() {
    Options options;
    options.limits.upstream_time = 3s;
    options.limits.drain = 1s;
    route_rule(options, "/chat").upstream = "unix:/app.sock";
    RouteRule& resuming = route_rule(options, "/ai");
    resuming.upstream = "http://127.0.0.1:3000";
    resuming.ask = Ask::newcomers;
    return options;
  }
  explicit Asked(const Options& options = Asked::options()) : broker_(options) {}

  Peer& ask(std::string_view fields = kStream, std::string_view target = "/chat?room=7",
            std::string_view method = "GET", std::string_view body = {}) {
    Peer& peer = broker_.subscriber();
    ask_again(peer, fields, target, method, body);
    return peer;
  }
  void ask_again(Peer& peer, std::string_view fields = kStream,
                 std::string_view target = "/chat?room=7", std::string_view method = "GET",
                 std::string_view body = {}) {
    std::string length;
    if (method == "POST") length = fmt::format("Content-Length: {}\r\n", body.size());
    peer.say(fmt::format("{} {} HTTP/1.1\r\nHost: x.example\r\n{}{}\r\n{}", method, target, fields,
                         length, body));
    broker_.pass();
  }
  void say(std::string_view text, std::size_t connection = 0) {
    app_.say(connection, text);
    broker_.pass();
  }

  SmallBroker broker_;
  Application& app_ = broker_.application();
};

TEST_F(Asked, TheApplicationIsToldWhatTheClientSaidAndForWhom) {
  Peer& peer =
      ask("Accept: text/event-stream\r\nCookie: session=1\r\nAuthorization: Bearer t\r\n"
          "Last-Event-ID: ep0ch00-3\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\n"
          "Keep-Alive: 5\r\nFanfare-Connection: forged\r\nX-Forwarded-For: 10.0.0.1\r\n",
          "/chat?room=7", "POST", "hello");
  const std::string asked = app_.take(0);
  EXPECT_THAT(asked, StartsWith("POST /chat?room=7 HTTP/1.1\r\nHost: x.example\r\n"));
  EXPECT_THAT(
      asked,
      AllOf(HasSubstr("Cookie: session=1\r\n"), HasSubstr("Authorization: Bearer t\r\n"),
            HasSubstr("Last-Event-ID: ep0ch00-3\r\n"), HasSubstr("Via: 1.1 fanfare\r\n"),
            HasSubstr("X-Forwarded-Proto: http\r\n"), HasSubstr("X-Forwarded-Host: x.example\r\n"),
            HasSubstr("X-Forwarded-For: 10.0.0.1, 127.0.0.")));
  EXPECT_THAT(asked, AllOf(ContainsRegex("Fanfare-Connection: [A-Za-z0-9_-]{22}\r\n"),
                           HasSubstr("Content-Length: 5\r\n"), EndsWith("\r\n\r\nhello")));
  EXPECT_THAT(asked, AllOf(Not(HasSubstr("X-Private")), Not(HasSubstr("Keep-Alive")),
                           Not(HasSubstr("Connection: keep")), Not(HasSubstr("forged"))));
  EXPECT_EQ(peer.take(), "") << "nothing is said before the application has";
}

TEST_F(Asked, AnAnswerWithChannelsAttachesTheClientAndItsCookiePasses) {
  Peer& peer = ask();
  say("HTTP/1.1 200 OK\r\nFanfare-Channels: room/7, user/1\r\nSet-Cookie: a=b\r\nX-Own: no\r\n"
      "Content-Length: 4\r\n\r\nbody");
  const std::string opened = peer.take();
  EXPECT_THAT(opened, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                            HasSubstr("Content-Type: text/event-stream; charset=utf-8\r\n"),
                            HasSubstr("Set-Cookie: a=b\r\n"), Not(HasSubstr("X-Own")),
                            Not(HasSubstr("body"))));
  broker_.publish("room/7", "one");
  broker_.publish("user/1", "two");
  broker_.publish("room/8", "another's");
  EXPECT_THAT(peer.take(), AllOf(HasSubstr("data: one\n"), HasSubstr("data: two\n"),
                                 Not(HasSubstr("another's"))));
  EXPECT_EQ(broker_.reported().upstream_attached_total, 1U);
}

TEST_F(Asked, TheApplicationSaysHowMuchIsReplayed) {
  for (const std::string_view data : {"a", "b", "c"}) broker_.publish("room/7", data);
  Peer& peer = ask();
  say("HTTP/1.1 200 OK\r\nFanfare-Channels: room/7\r\nFanfare-Replay: 2\r\n"
      "Content-Length: 0\r\n\r\n");
  EXPECT_THAT(peer.take(),
              AllOf(Not(HasSubstr("data: a\n")), HasSubstr("data: b\n"), HasSubstr("data: c\n")));
}

TEST_F(Asked, AnyOtherAnswerIsPassedOnAndBothConnectionsGoOn) {
  Peer& peer = ask();
  say("HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nX-Own: yes\r\n"
      "Fanfare-Heartbeat: 3s\r\nKeep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n"
      "9\r\n{\"no\":403\r\n1\r\n}\r\n0\r\n\r\n");
  const std::string refused = peer.take();
  EXPECT_THAT(refused, AllOf(StartsWith("HTTP/1.1 403 Forbidden\r\n"),
                             HasSubstr("Content-Type: application/json\r\n"),
                             HasSubstr("X-Own: yes\r\n"), HasSubstr("Content-Length: 10\r\n"),
                             Not(HasSubstr("Fanfare-")), Not(HasSubstr("chunked"))));
  EXPECT_EQ(body_of(refused), "{\"no\":403}");
  app_.take(0);
  ask_again(peer);
  EXPECT_EQ(app_.connections(), 1U);
  EXPECT_THAT(app_.take(0), StartsWith("GET /chat?room=7"));
  say("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(peer.take(), AllOf(StartsWith("HTTP/1.1 302 "), HasSubstr("Location: /login\r\n")));
}

TEST_F(Asked, AnAnswerToHeadKeepsTheSizeThatItWasGiven) {
  Peer& peer = ask({}, "/chat", "HEAD");
  EXPECT_THAT(app_.take(0), StartsWith("HEAD /chat HTTP/1.1\r\n"));
  say("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
  EXPECT_THAT(peer.take(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                                 HasSubstr("Content-Length: 1234\r\n"), EndsWith("\r\n\r\n")));
}

// ---- Kept-alive connections

TEST_F(Asked, AnIdleConnectionIsClosedBeforeTheApplicationWouldDoIt) {
  ask();
  say(kAttach);
  EXPECT_FALSE(app_.ended(0));
  broker_.pass(4s);
  EXPECT_TRUE(app_.ended(0));
  EXPECT_EQ(broker_.reported().upstream_connections_open, 0U);
}

TEST_F(Asked, AKeptConnectionThatHadEndedCostsAGetNothing) {
  ask();
  say(kAttach);
  app_.take(0);
  Peer& peer = ask();  // the application closes as the request comes
  EXPECT_THAT(app_.take(0), StartsWith("GET"));
  app_.hang_up(0);
  broker_.pass();
  ASSERT_EQ(app_.connections(), 2U);
  EXPECT_THAT(app_.take(1), StartsWith("GET /chat?room=7"));
  say(kAttach, 1);
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(broker_.reported().upstream_retries_total, 1U);
}

TEST_F(Asked, AGetIsAskedTwiceAndNoMore) {
  Peer& peer = ask({});
  app_.hang_up(0);
  broker_.pass();
  app_.hang_up(1);
  broker_.pass();
  EXPECT_EQ(app_.connections(), 2U);
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 502 "));
}

// It may have begun what it was asked for.
TEST_F(Asked, APostThatWasSentIsNotAskedAgain) {
  Peer& peer = ask({}, "/chat", "POST", "generate");
  app_.hang_up(0);
  broker_.pass();
  EXPECT_EQ(app_.connections(), 1U);
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 502 "));
  EXPECT_EQ(broker_.reported().upstream_down_total, 1U);
}

// ---- No answer

TEST_F(Asked, AnEventStreamWhoseApplicationIsDownComesBack) {
  app_.stop();
  Peer& peer = ask();
  const std::string said = peer.take();
  EXPECT_THAT(said,
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("retry: "),
                    HasSubstr("the application does not answer"), Not(HasSubstr("\r\n0\r\n\r\n"))));
  EXPECT_TRUE(peer.ended());
  Peer& script = ask({});
  EXPECT_THAT(script.take(),
              AllOf(StartsWith("HTTP/1.1 502 "),
                    HasSubstr("the application cannot be reached: nobody listens there")));
  EXPECT_EQ(broker_.reported().upstream_down_total, 2U);
}

TEST_F(Asked, AnApplicationThatIsSlowIsNotWaitedForForEver) {
  Peer& stream = ask();
  Peer& script = ask({});
  broker_.pass(5s);
  EXPECT_THAT(stream.take(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("retry: "),
                                   Not(HasSubstr("\r\n0\r\n\r\n"))));
  EXPECT_THAT(script.take(),
              AllOf(StartsWith("HTTP/1.1 504 "), HasSubstr("no answer came within 3s")));
  EXPECT_EQ(app_.open(), 0U) << "its answers would be nobody's";
  EXPECT_EQ(broker_.reported().upstream_slow_total, 2U);
  EXPECT_EQ(broker_.reported().upstream_connections_open, 0U);
}

TEST_F(Asked, AConnectThatNobodyAnswersEndsWithItsClientsPatience) {
  broker_.faults().connect_stalls = 1;
  Peer& peer = ask({});
  broker_.pass(5s);
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 504 "));
  EXPECT_EQ(broker_.reported().upstream_connections_open, 0U);
}

// A Unix socket with a full backlog refuses at once, when many clients come at the same time.
TEST_F(Asked, AClientWaitsForRoomInTheApplicationsBacklog) {
  Peer& first = broker_.subscriber();
  Peer& second = broker_.subscriber();
  broker_.pass();
  const std::size_t usual = std::exchange(broker_.faults().backlog, 0);
  ask_again(first);
  ask_again(second, kStream, "/chat?second");
  broker_.pass(1s);
  EXPECT_EQ(first.take() + second.take(), "");
  EXPECT_EQ(app_.connections(), 0U);
  EXPECT_LE(broker_.reported().upstream_connections_total, 25U) << "it is tried once a tick";
  broker_.faults().backlog = usual;
  broker_.pass(100ms);
  ASSERT_EQ(app_.connections(), 2U);
  say(kAttach, 0);
  say(kAttach, 1);
  EXPECT_THAT(first.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(second.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(Asked, ABacklogThatStaysFullIsNotWaitedForForEver) {
  Peer& stream = broker_.subscriber();
  Peer& script = broker_.subscriber();
  Peer& leaves = broker_.subscriber();
  broker_.pass();
  broker_.faults().backlog = 0;
  ask_again(stream);
  ask_again(script, {});
  ask_again(leaves, {});
  leaves.hang_up();
  broker_.pass(5s);
  EXPECT_THAT(stream.take(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("retry: ")));
  EXPECT_THAT(script.take(),
              AllOf(StartsWith("HTTP/1.1 504 "), HasSubstr("no answer came within 3s")));
  EXPECT_EQ(broker_.reported().upstream_connections_open, 0U);
  EXPECT_EQ(broker_.reported().upstream_waiting, 0U);
}

TEST_F(Asked, NonsenseAndHalfAnAnswerAreEachSaidAndCounted) {
  Peer& first = ask({});
  say("SSH-2.0-OpenSSH\r\n");
  EXPECT_THAT(first.take(), AllOf(StartsWith("HTTP/1.1 502 "), HasSubstr("answered nonsense")));
  EXPECT_TRUE(app_.ended(0));
  Peer& second = ask({});
  say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", 1);
  app_.hang_up(1);
  broker_.pass();
  EXPECT_THAT(second.take(), AllOf(StartsWith("HTTP/1.1 502 "), HasSubstr("broke off")));
  const Counters counters = broker_.reported();
  EXPECT_EQ(counters.upstream_nonsense_total, 1U);
  EXPECT_EQ(counters.upstream_cut_total, 1U);
}

TEST_F(Asked, AnAnswerThatAResetEndsIsHalfAnAnswer) {
  Peer& peer = ask({});
  say("HTTP/1.1 200 OK\r\nFanfare-Channels: room/7\r\n\r\nsome of it");
  app_.reset(0);
  broker_.pass();
  EXPECT_THAT(peer.take(), AllOf(StartsWith("HTTP/1.1 502 "), HasSubstr("broke off")));
  EXPECT_EQ(broker_.reported().upstream_attached_total, 0U);
}

TEST_F(Asked, AnAnswerThatIsTooLargeIsNotPassedOn) {
  Peer& peer = ask({});
  say("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n");
  const std::string piece(30'000, 'x');
  for (int i = 0; i < 40 && !app_.ended(0); ++i) say(piece);
  EXPECT_THAT(peer.take(), AllOf(StartsWith("HTTP/1.1 502 "), HasSubstr("upstream_answer_bytes")));
  EXPECT_EQ(broker_.reported().upstream_too_large_total, 1U);
}

TEST_F(Asked, AChannelThatIsNoneIsTheApplicationsMistake) {
  Peer& peer = ask();
  say("HTTP/1.1 200 OK\r\nFanfare-Channels: room 7\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 502 "));
  Peer& other = ask();
  say("HTTP/1.1 200 OK\r\nFanfare-Channels: a\r\nFanfare-Expires: soon\r\n"
      "Content-Length: 0\r\n\r\n");
  EXPECT_THAT(other.take(), StartsWith("HTTP/1.1 502 "));
  EXPECT_EQ(broker_.reported().upstream_nonsense_total, 2U);
}

// ---- Bounds

class AskedOverOne : public Asked {
 protected:
  static Options with_one() {
    Options options = Asked::options();
    options.limits.upstream_connections = 1;
    return options;
  }
  AskedOverOne() : Asked(with_one()) {}
};

TEST_F(AskedOverOne, ARequestWaitsForTheConnectionOfAnother) {
  Peer& first = ask();
  Peer& second = ask();
  EXPECT_EQ(app_.connections(), 1U);
  app_.take(0);
  say(kAttach);
  EXPECT_THAT(first.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(app_.take(0), StartsWith("GET"));
  say(kAttach);
  EXPECT_THAT(second.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(AskedOverOne, AFullBacklogCostsNobodyItsPlaceInLine) {
  Peer& first = broker_.subscriber();
  Peer& second = broker_.subscriber();
  broker_.pass();
  const std::size_t usual = std::exchange(broker_.faults().backlog, 0);
  ask_again(first, kStream, "/chat?first");
  ask_again(second, kStream, "/chat?second");
  broker_.pass(1s);
  broker_.faults().backlog = usual;
  broker_.pass(100ms);
  EXPECT_THAT(app_.take(0), StartsWith("GET /chat?first "));
  say(kAttach);
  EXPECT_THAT(app_.take(0), StartsWith("GET /chat?second "));
}

TEST_F(AskedOverOne, AClientThatLeavesTheLineIsNotAskedAbout) {
  ask();
  Peer& second = ask();
  Peer& third = ask(kStream, "/chat?third");
  second.hang_up();
  broker_.pass();
  app_.take(0);
  say(kAttach);
  EXPECT_THAT(app_.take(0), StartsWith("GET /chat?third "));
  say(kAttach);
  EXPECT_THAT(third.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(AskedOverOne, AnIdleConnectionMakesWayForAnotherApplication) {
  ask();
  say(kAttach);
  Peer& other = ask(kStream, "/ai");
  broker_.pass(200ms);
  ASSERT_EQ(app_.connections(), 2U);
  EXPECT_THAT(app_.take(1), StartsWith("GET /ai "));
  say(kAttach, 1);
  EXPECT_THAT(other.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(Asked, AClientThatLeavesEndsItsExchange) {
  Peer& peer = ask();
  peer.hang_up();
  broker_.pass();
  EXPECT_TRUE(app_.ended(0));
  const Counters counters = broker_.reported();
  EXPECT_EQ(counters.upstream_abandoned_total, 1U);
  EXPECT_EQ(counters.upstream_connections_open, 0U);
}

TEST_F(Asked, ABrokerThatStopsStillAnswersWhoeverWaits) {
  Peer& peer = ask();
  broker_.drain();
  say(kAttach);
  EXPECT_THAT(peer.take(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("retry: ")));
  broker_.pass(10s);
  EXPECT_TRUE(broker_.finished());
}

TEST_F(Asked, ABrokerThatStopsDoesNotWaitForASilentApplication) {
  ask();
  broker_.drain();
  broker_.pass(10s);
  EXPECT_TRUE(broker_.finished());
}

// ---- Streams with an end

TEST_F(Asked, AStreamWhosePermissionExpiresComesBack) {
  Peer& peer = ask();
  say("HTTP/1.1 200 OK\r\nFanfare-Channels: room/7\r\nFanfare-Expires: 5s\r\n"
      "Content-Length: 0\r\n\r\n");
  broker_.pass(4s);
  EXPECT_FALSE(peer.gone());
  peer.take();
  broker_.pass(2s);
  EXPECT_TRUE(peer.gone());
  EXPECT_THAT(peer.take(), AllOf(HasSubstr("retry: "), Not(HasSubstr("\r\n0\r\n\r\n"))));
  EXPECT_EQ(broker_.closes(CloseReason::expired), 1U);
}

TEST_F(Asked, AStreamThatIsToFinishEndsCleanly) {
  Peer& peer = ask();
  say("HTTP/1.1 200 OK\r\nFanfare-Channels: room/7\r\nFanfare-Finish-After: 5s\r\n"
      "Content-Length: 0\r\n\r\n");
  broker_.publish("room/7", "last");
  broker_.pass(6s);
  EXPECT_THAT(peer.take(), AllOf(HasSubstr("data: last\n"), EndsWith("0\r\n\r\n")));
}

// Else a client that reads slowly could keep what was to end.
TEST_F(Asked, AStreamThatIsBehindForLongAfterItsEndComesBack) {
  Peer& peer = ask();
  say("HTTP/1.1 200 OK\r\nFanfare-Channels: room/7\r\nFanfare-Finish-After: 5s\r\n"
      "Content-Length: 0\r\n\r\n");
  broker_.pass(4s);
  peer.take();
  peer.stop_reading();
  const std::string large(30'000, 'x');
  for (int i = 0; i < 20; ++i) broker_.publish("room/7", large);
  for (int second = 0; second < 60 && !peer.gone(); ++second) {  // never so slow that it stalls
    peer.read_some(30'000);
    broker_.publish("room/7", large);
    broker_.pass(1s);
    if (second < 20) {
      EXPECT_EQ(broker_.closes(CloseReason::expired), 0U) << second;
    }
  }
  EXPECT_EQ(broker_.closes(CloseReason::expired), 1U);
}

TEST_F(Asked, AStreamThatLeftBeforeItsEndIsNotMistakenForTheNext) {
  Peer& first = ask();
  say("HTTP/1.1 200 OK\r\nFanfare-Channels: room/7\r\nFanfare-Expires: 5s\r\n"
      "Content-Length: 0\r\n\r\n");
  first.hang_up();
  broker_.pass();
  Peer& second = ask();
  say(kAttach, app_.connections() - 1);
  broker_.pass(8s);
  EXPECT_FALSE(second.gone());
}

// ---- Only newcomers

class AskedOnce : public Asked {
 protected:
  static constexpr std::string_view kPrompt = R"({"prompt":"hello"})";
  static std::string bearer(std::string_view token, std::string_view further = {}) {
    return fmt::format("{}Authorization: Bearer {}\r\n{}", kStream, token, further);
  }
  Peer& post(const std::string& fields, std::string_view body = kPrompt,
             std::string_view target = "/ai") {
    return ask(fields, target, "POST", body);
  }
  // The application lets the oldest unanswered one in.
  void attach(std::string_view channel) {
    say(fmt::format("HTTP/1.1 200 OK\r\nFanfare-Channels: {}\r\nContent-Length: 0\r\n\r\n",
                    channel));
  }
  bool is_asked() { return !app_.take(0).empty(); }
};

constexpr std::string_view kCursor = "Last-Event-ID: ep0ch00-1\r\n";

TEST_F(AskedOnce, APostThatResumesAsksForNoSecondGeneration) {
  Peer& first = post(bearer("t"));
  ASSERT_TRUE(is_asked());
  attach("gen/1");
  broker_.publish("gen/1", "one");
  first.hang_up();
  broker_.pass();
  broker_.publish("gen/1", "two");
  Peer& again = post(bearer("t", kCursor));
  EXPECT_FALSE(is_asked());
  EXPECT_THAT(again.take(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("data: two\n"),
                                  Not(HasSubstr("data: one\n"))));
  EXPECT_EQ(broker_.reported().upstream_resumed_total, 1U);
}

TEST_F(AskedOnce, ACursorInTheQueryResumesAsWell) {
  post(bearer("t"));
  ASSERT_TRUE(is_asked());
  attach("gen/1");
  Peer& again = post(bearer("t"), kPrompt, "/ai?lastEventId=ep0ch00-0");
  EXPECT_FALSE(is_asked());
  EXPECT_THAT(again.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(AskedOnce, ACursorAloneOpensNothing) {
  post(bearer("t"));
  ASSERT_TRUE(is_asked());
  attach("gen/1");
  post(bearer("another's", kCursor));
  EXPECT_TRUE(is_asked()) << "another's token";
  attach("gen/2");
  post(bearer("t", std::string("Cookie: a=b\r\n").append(kCursor)));
  EXPECT_TRUE(is_asked()) << "another session";
  attach("gen/3");
  post(bearer("t", kCursor), R"({"prompt":"bye"})");
  EXPECT_TRUE(is_asked()) << "another question";
  attach("gen/4");
  post(bearer("t"));
  EXPECT_TRUE(is_asked()) << "a newcomer asks anew";
  attach("gen/1");
}

TEST_F(AskedOnce, TwoStreamsOfOneRequestAreNotMistakenForEachOther) {
  post(bearer("t"));
  ASSERT_TRUE(is_asked());
  attach("gen/1");
  post(bearer("t"));
  ASSERT_TRUE(is_asked());
  attach("gen/2");
  post(bearer("t", kCursor));
  EXPECT_TRUE(is_asked());
  attach("gen/2");
}

TEST_F(AskedOnce, APermissionThatHasExpiredIsAskedForAgain) {
  post(bearer("t"));
  ASSERT_TRUE(is_asked());
  say("HTTP/1.1 200 OK\r\nFanfare-Channels: gen/1\r\nFanfare-Expires: 1s\r\n"
      "Keep-Alive: timeout=30\r\nContent-Length: 0\r\n\r\n");
  broker_.pass(3s);
  post(bearer("t", kCursor));
  EXPECT_TRUE(is_asked());
}

TEST_F(Asked, ACursorIsAskedAboutWhereTheRouteSaysAlways) {
  ask();
  app_.take(0);
  say(kAttach);
  ask(std::string(kStream).append(kCursor));
  EXPECT_THAT(app_.take(0), HasSubstr("Last-Event-ID: ep0ch00-1\r\n"));
}

}  // namespace
}  // namespace fanfare::server
