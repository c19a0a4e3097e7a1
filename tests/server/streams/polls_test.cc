// Polls: what there is, whole, with the next cursor; and waiting for it.
#include "broker/server/streams/polls.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/policy/jwt_signer.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using testing::body_of;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::route_rule;
using testing::SmallBroker;
using ::testing::StartsWith;

constexpr std::string_view kRetry = "retry: 2000\n";

std::string event(std::string_view data, int number) {
  return fmt::format("data: {}\nid: ep0ch00-{}\n\n", data, number);
}

std::string request(std::string_view query, std::string_view fields = {},
                    std::string_view method = "GET") {
  return fmt::format("{} /events?{}&poll=1 HTTP/1.1\r\nHost: x\r\n{}\r\n", method, query, fields);
}

std::string next_cursor(std::string_view answer) {
  constexpr std::string_view kField = "Last-Event-ID: ";
  const std::size_t at = answer.find(kField);
  EXPECT_NE(at, std::string_view::npos) << answer;
  if (at == std::string_view::npos) return {};
  const std::string_view rest = answer.substr(at + kField.size());
  return std::string(rest.substr(0, rest.find("\r\n")));
}

class PollsOfABroker : public ::testing::Test {
 protected:
  explicit PollsOfABroker(const Options& options = {}) : broker_(options) {}

  std::string ask(std::string_view query, std::string_view fields = {}) {
    peer_.say(request(query, fields));
    broker_.pass();
    return peer_.take();
  }

  SmallBroker broker_;
  Peer& peer_ = broker_.subscriber();
};

TEST_F(PollsOfABroker, AnswerWithWhatThereIsAndWhereToGoOn) {
  for (const char* const data : {"1", "2", "3"}) broker_.publish("a", data);
  broker_.publish("b", "4");
  std::string answer = ask("channel=a&last_event_id=ep0ch00-1");
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                            HasSubstr("Content-Type: text/event-stream; charset=utf-8\r\n"),
                            HasSubstr("Content-Length: "), Not(HasSubstr("Transfer-Encoding")),
                            Not(HasSubstr("Connection: close")), Not(HasSubstr("Fanfare-More"))));
  EXPECT_EQ(body_of(answer), fmt::format("{}{}{}", kRetry, event("2", 2), event("3", 3)));
  EXPECT_EQ(next_cursor(answer), "ep0ch00-4") << "the log has come further";
  answer = ask("channel=a&last_event_id=" + next_cursor(answer));
  EXPECT_EQ(body_of(answer), kRetry) << "on the same connection, and there is nothing new";
  broker_.publish("a", "5");
  EXPECT_EQ(body_of(ask("channel=a&last_event_id=" + next_cursor(answer))),
            fmt::format("{}{}", kRetry, event("5", 5)));
  EXPECT_EQ(broker_.counters().polls_total, 3U);
  EXPECT_EQ(broker_.counters().deliveries_total, 3U);
}

TEST_F(PollsOfABroker, WithoutACursorTellWhereTheLogIs) {
  broker_.publish("a", "1");
  const std::string answer = ask("channel=a");
  EXPECT_EQ(body_of(answer), fmt::format("{}id: ep0ch00-1\n", kRetry));
  EXPECT_EQ(next_cursor(answer), "ep0ch00-1");
  EXPECT_EQ(body_of(ask("channel=a&wait=10s")), "retry: 100\nid: ep0ch00-1\n") << "and at once";
  EXPECT_EQ(body_of(ask("channel=a&announce_position=always")),
            std::string(kRetry) + testing::position_event("ep0ch00-1"));
  EXPECT_EQ(body_of(ask("channel=a&announce_position=never")), kRetry);
  EXPECT_THAT(ask("channel=a",
                  "User-Agent: Mozilla/5.0\r\nAccept: text/event-stream\r\n"
                  "Cache-Control: no-cache\r\n"),
              EndsWith(testing::position_event("ep0ch00-1")))
      << "as an EventSource keeps it";
}

TEST_F(PollsOfABroker, BeginWhereTheyAreAsked) {
  for (const char* const data : {"1", "2", "3"}) broker_.publish("a", data);
  EXPECT_EQ(body_of(ask("channel=a&replay=1")), fmt::format("{}{}", kRetry, event("3", 3)));
  EXPECT_EQ(body_of(ask("channel=*&replay=2&each=channel")),
            fmt::format("{}{}{}", kRetry, event("2", 2), event("3", 3)));
  EXPECT_THAT(body_of(ask("channel=a&last_event_id=earliest")), HasSubstr(event("1", 1)));
  broker_.pass(60s);
  broker_.publish("a", "4");
  EXPECT_EQ(body_of(ask("channel=a&since=30")), fmt::format("{}{}", kRetry, event("4", 4)));
}

TEST_F(PollsOfABroker, BringThePayloadAloneWhereThatIsAskedFor) {
  for (const char* const data : {"one ", "", "two"}) broker_.publish("a", data);
  const std::string answer = ask("channel=a&last_event_id=ep0ch00-0&format=raw");
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_EQ(body_of(answer), "one two");
  EXPECT_EQ(next_cursor(answer), "ep0ch00-3");
}

TEST_F(PollsOfABroker, AreReadFromABodyToo) {
  broker_.publish("a", "1");
  const std::string_view body = R"({"channel":"a","last_event_id":"ep0ch00-0","poll":1})";
  peer_.say(
      fmt::format("POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  "Content-Length: {}\r\n\r\n{}",
                  body.size(), body));
  broker_.pass();
  EXPECT_EQ(body_of(peer_.take()), fmt::format("{}{}", kRetry, event("1", 1)));
}

TEST_F(PollsOfABroker, TellOfAGapAsStreamsDo) {
  const std::string answer = ask("channel=a&last_event_id=0therep-7");
  EXPECT_THAT(body_of(answer), AllOf(HasSubstr("event: gap\n"), HasSubstr("\"restarted\"")));
  EXPECT_EQ(next_cursor(answer), "ep0ch00-0");
}

TEST_F(PollsOfABroker, OfAFinishedChannelEndWithNoContent) {
  broker_.publish("a", "1");
  broker_.command("SSE.FINISH a");
  const std::string rest = ask("channel=a&last_event_id=ep0ch00-0&wait=10s");
  EXPECT_THAT(rest, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(ask("channel=a&wait=10s&last_event_id=" + next_cursor(rest)),
              StartsWith("HTTP/1.1 204 No Content\r\n"));
}

TEST_F(PollsOfABroker, AreAnsweredInTheirOrderWhenTheyArePipelined) {
  broker_.publish("a", "1");
  peer_.say(request("channel=a&last_event_id=ep0ch00-0") +
            request("channel=a&wait=5s&last_event_id=ep0ch00-1") +
            request("channel=b&last_event_id=ep0ch00-0"));
  broker_.pass();
  EXPECT_THAT(peer_.take(), EndsWith(event("1", 1)));
  broker_.publish("a", "2");
  EXPECT_THAT(peer_.take(), AllOf(HasSubstr(event("2", 2)), EndsWith(kRetry)));
}

TEST_F(PollsOfABroker, OverHttp10AndAskedToCloseEndTheConnection) {
  broker_.publish("a", "1");
  Peer& old = broker_.get("/events?channel=a&poll=1&last_event_id=ep0ch00-0");
  EXPECT_EQ(body_of(old.take()), fmt::format("{}{}", kRetry, event("1", 1)));
  EXPECT_TRUE(old.ended());
  EXPECT_THAT(ask("channel=a&last_event_id=ep0ch00-0", "Connection: close\r\n"),
              HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(peer_.ended());
}

TEST_F(PollsOfABroker, AreNoStreams) {
  ask("channel=a");
  EXPECT_EQ(broker_.reported().subscribers, 0U);
  EXPECT_EQ(broker_.counters().subscriptions_total, 0U);
  EXPECT_EQ(broker_.command("PUBLISH a 1"), ":0\r\n");
}

// ---- waiting

TEST_F(PollsOfABroker, WaitForTheFirstEvents) {
  broker_.publish("a", "1");
  EXPECT_EQ(ask("channel=a&last_event_id=ep0ch00-1&wait=10s"), "");
  broker_.publish("b", "2");
  EXPECT_EQ(peer_.take(), "") << "of another channel";
  EXPECT_EQ(broker_.counters().polls_waiting, 1U);
  EXPECT_EQ(broker_.command("PUBLISH a 3"), ":1\r\n") << "it counts among the receivers";
  const std::string answer = peer_.take();
  EXPECT_EQ(body_of(answer), fmt::format("retry: 100\n{}", event("3", 3)));
  EXPECT_THAT(answer, Not(HasSubstr("Connection: close")));
  EXPECT_EQ(broker_.counters().polls_waiting, 0U);
  EXPECT_EQ(broker_.reported().subscribers, 0U);
  EXPECT_EQ(ask("channel=a&wait=10s&last_event_id=" + next_cursor(answer)), "");
  broker_.publish("a", "4");
  EXPECT_THAT(peer_.take(), EndsWith(event("4", 4)));
}

TEST_F(PollsOfABroker, DoNotWaitWhereThereIsSomething) {
  broker_.publish("a", "1");
  EXPECT_THAT(ask("channel=a&last_event_id=ep0ch00-0&wait=10s"), EndsWith(event("1", 1)));
  EXPECT_THAT(ask("channel=a&last_event_id=0therep-3&wait=10s"), HasSubstr("event: gap"));
}

TEST_F(PollsOfABroker, AreAnsweredEmptyWhenTheirTimeIsUp) {
  broker_.publish("a", "1");
  EXPECT_EQ(ask("channel=a&last_event_id=ep0ch00-1&wait=4s"), "");
  broker_.pass(3s);
  EXPECT_EQ(peer_.take(), "");
  broker_.publish("b", "2");
  broker_.pass(3s);
  const std::string answer = peer_.take();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(body_of(answer), "retry: 100\n");
  EXPECT_EQ(next_cursor(answer), "ep0ch00-2");
  EXPECT_EQ(broker_.counters().requests_refused_total, 0U);
  EXPECT_EQ(broker_.counters().polls_waiting, 0U);
  EXPECT_EQ(body_of(ask("channel=a&last_event_id=ep0ch00-2")), kRetry) << "the connection goes on";
}

TEST_F(PollsOfABroker, OfAPatternWaitForChannelsThatAreNotThereYet) {
  broker_.publish("a", "1");
  EXPECT_EQ(ask("channel=new/*&last_event_id=ep0ch00-1&wait=10s"), "");
  broker_.publish("new/1", "x");
  EXPECT_THAT(peer_.take(), EndsWith(event("x", 2)));
}

TEST_F(PollsOfABroker, WaitThatIsOverWhenTheChannelIsFinished) {
  broker_.publish("a", "1");
  EXPECT_EQ(ask("channel=a&last_event_id=ep0ch00-1&wait=10s"), "");
  broker_.command("SSE.FINISH a");
  EXPECT_THAT(peer_.take(), StartsWith("HTTP/1.1 204 No Content\r\n"));
}

TEST_F(PollsOfABroker, AreForgottenWithTheirClient) {
  broker_.publish("a", "1");
  EXPECT_EQ(ask("channel=a&last_event_id=ep0ch00-1&wait=10s"), "");
  peer_.hang_up();
  broker_.pass();
  EXPECT_EQ(broker_.counters().polls_waiting, 0U);
  EXPECT_EQ(broker_.counters().connections_open, 0U);
  EXPECT_EQ(broker_.command("PUBLISH a 2"), ":0\r\n");
}

TEST_F(PollsOfABroker, ThatWaitAreAnsweredWhenTheBrokerStops) {
  broker_.publish("a", "1");
  EXPECT_EQ(ask("channel=a&last_event_id=ep0ch00-1&wait=10s"), "");
  broker_.drain();
  const std::string answer = peer_.take();
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Connection: close\r\n")));
  EXPECT_EQ(next_cursor(answer), "ep0ch00-1");
  EXPECT_TRUE(peer_.ended());
  broker_.pass(10s);
  EXPECT_TRUE(broker_.finished());
}

TEST_F(PollsOfABroker, DoNotWaitForAHead) {
  broker_.publish("a", "1");
  peer_.say(request("channel=a&last_event_id=ep0ch00-1&wait=10s", {}, "HEAD"));
  broker_.pass();
  const std::string answer = peer_.take();
  EXPECT_EQ(body_of(answer), "");
  EXPECT_EQ(next_cursor(answer), "ep0ch00-1");
}

TEST_F(PollsOfABroker, OfManyFeedsAreEachToldOfTheirOwn) {
  broker_.publish("x", "0");
  std::vector<Peer*> peers;
  for (int i = 0; i < 10; ++i) {
    peers.push_back(&broker_.subscriber());
    peers.back()->say(request(fmt::format("channel=c/{}&last_event_id=ep0ch00-1&wait=10s", i % 5)));
  }
  broker_.pass();
  for (int i = 0; i < 5; ++i) broker_.publish(fmt::format("c/{}", i), std::to_string(i));
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(peers[static_cast<std::size_t>(i)]->take(),
                EndsWith(event(std::to_string(i % 5), 2 + i % 5)));
  }
  EXPECT_EQ(broker_.counters().polls_waiting, 0U);
}

// A feed with members stands still until its round is over: what waits beside them is not
// forgotten.
TEST_F(PollsOfABroker, WaitBesideMembersThatAreServedAtTheirPace) {
  Options options;
  options.delivery.coalesce = 5s;
  SmallBroker broker(options);
  broker.publish("a", "1");
  Peer& stream = broker.get("/events?channel=a");  // over HTTP/1.0: the framing of polls
  broker.publish("a", "2");
  broker.publish("a", "3");  // held back for the stream
  Peer& poll = broker.subscriber();
  poll.say(request("channel=a&last_event_id=ep0ch00-3&wait=30s"));
  broker.publish("a", "4");
  broker.pass(10s);
  EXPECT_THAT(stream.take(), HasSubstr(event("4", 4)));
  EXPECT_THAT(poll.take(), EndsWith(event("4", 4)));
}

// ---- bounds

TEST(Polls, BringNoMoreThanFitsAndSaySo) {
  Options options;
  options.limits.poll_bytes = 1024;
  SmallBroker broker(options);
  for (int i = 0; i < 10; ++i) broker.publish("a", std::string(300, 'x'));
  Peer& peer = broker.subscriber();
  std::string cursor = "ep0ch00-0";
  std::size_t events = 0;
  for (int polls = 1; polls <= 4; ++polls) {
    peer.say(request("channel=a&last_event_id=" + cursor));
    broker.pass();
    const std::string answer = peer.take();
    EXPECT_EQ(answer.find("Fanfare-More: true\r\n") != std::string::npos, polls < 4) << answer;
    EXPECT_THAT(body_of(answer), StartsWith(polls < 4 ? "retry: 100\n" : "retry: 2000\n"));
    cursor = next_cursor(answer);
    for (std::size_t at = 0; (at = answer.find("data: ", at)) != std::string::npos; ++at) ++events;
  }
  EXPECT_EQ(events, 10U);
  EXPECT_EQ(cursor, "ep0ch00-10");
}

TEST(Polls, BringAtLeastOneEventHoweverLarge) {
  Options options;
  options.limits.poll_bytes = 1024;
  SmallBroker broker(options);
  for (int i = 0; i < 2; ++i) broker.publish("a", std::string(5'000, 'x'));
  Peer& peer = broker.subscriber();
  peer.say(request("channel=a&last_event_id=ep0ch00-0"));
  broker.pass();
  EXPECT_EQ(next_cursor(peer.take()), "ep0ch00-1");
}

TEST(Polls, WaitNoLongerThanTheyMay) {
  Options options;
  options.limits.wait_max = 2s;
  SmallBroker broker(options);
  broker.publish("a", "1");
  Peer& peer = broker.subscriber();
  peer.say(request("channel=a&last_event_id=ep0ch00-1&wait=1h"));
  broker.pass(4s);
  EXPECT_EQ(next_cursor(peer.take()), "ep0ch00-1");
}

// What is asked for is not refused: it is answered at once, and asked for again later.
TEST(Polls, DoNotWaitWhereThereIsNoSeat) {
  SmallBroker broker({}, nullptr, {}, 2);
  broker.publish("a", "1");
  broker.get("/events?channel=a");
  broker.get("/events?channel=a");
  Peer& peer = broker.subscriber();
  peer.say(request("channel=a&last_event_id=ep0ch00-1&wait=10s"));
  broker.pass();
  const std::string answer = peer.take();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_GE(std::stoi(body_of(answer).substr(7)), 8000);
  EXPECT_EQ(broker.counters().overload_answers_total, 1U);
  peer.say(request("channel=a&last_event_id=ep0ch00-0&wait=10s"));
  broker.pass();
  EXPECT_THAT(peer.take(), EndsWith(event("1", 1))) << "what there is takes no seat";
}

TEST(Polls, ThatWaitTakeASeat) {
  SmallBroker broker({}, nullptr, {}, 1);
  broker.publish("a", "1");
  Peer& peer = broker.subscriber();
  peer.say(request("channel=a&last_event_id=ep0ch00-1&wait=10s"));
  broker.pass();
  EXPECT_EQ(broker.reported().subscribers, 1U);
  const auto retry_of_a_stream = [&broker] {
    return std::stoi(body_of(broker.get("/events?channel=a").take()).substr(7));
  };
  EXPECT_GE(retry_of_a_stream(), 8000) << "told to come back";
  broker.publish("a", "2");
  EXPECT_LT(retry_of_a_stream(), 8000);
}

TEST(Polls, DoNotWaitForPatternsBeyondTheirLimit) {
  Options options;
  options.limits.patterns = 1;
  SmallBroker broker(options);
  broker.publish("a", "1");
  broker.get("/events?channel=x/*");
  Peer& peer = broker.subscriber();
  peer.say(request("channel=y/*&last_event_id=ep0ch00-1&wait=10s"));
  broker.pass();
  EXPECT_THAT(peer.take(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(broker.reported().patterns, 1U);
}

// As much as one turn may do; the rest is answered in the next.
TEST(Polls, OfManyClientsAtOnceAreAllAnswered) {
  Options options;
  options.limits.poll_bytes = 1U << 20U;
  SmallBroker broker(options, nullptr, {}, 64);
  for (int i = 0; i < 100; ++i) broker.publish("a", std::string(5'000, 'x'));
  std::vector<Peer*> peers;
  for (int i = 0; i < 40; ++i) {
    peers.push_back(&broker.subscriber());
    peers.back()->say(request("channel=a&last_event_id=ep0ch00-0"));
  }
  broker.pass(1s);
  for (Peer* const peer : peers) {
    EXPECT_THAT(peer->take(), EndsWith(event(std::string(5'000, 'x'), 100)));
  }
  EXPECT_EQ(broker.counters().polls_total, 40U);
}

// ---- who may

TEST(Polls, NeedATokenWhereStreamsDoAndEndWithIt) {
  const auto signer = policy_test::JwtSigner::secret(std::string(32, 's'));
  Options options;
  options.token.keys = {"/etc/fanfare/token"};
  options.token_keys = std::make_shared<const policy::JwtKeys>(signer.keys());
  options.token.leeway = 0s;
  SmallBroker broker(options);
  broker.publish("a", "1");
  Peer& peer = broker.subscriber();
  peer.say(request("channel=a&last_event_id=ep0ch00-0"));
  broker.pass();
  EXPECT_THAT(peer.take(), HasSubstr(" 401 "));
  const std::string token = signer.token(
      fmt::format(R"({{"exp":{},"channels":["a"]}})",
                  (broker.date() + std::chrono::seconds(3)).time_since_epoch().count()));
  peer.say(request("channel=a&last_event_id=ep0ch00-1&wait=50s&token=" + token));
  broker.pass(1s);
  EXPECT_EQ(peer.take(), "");
  broker.pass(4s);
  EXPECT_EQ(next_cursor(peer.take()), "ep0ch00-1") << "the token has expired";
}

TEST(Polls, OfARouteAreItsChannels) {
  Options options;
  route_rule(options, "/board", {"a"});
  SmallBroker broker(options);
  broker.publish("a", "1");
  Peer& peer = broker.get("/board?poll=1&replay=1");
  EXPECT_EQ(body_of(peer.take()), fmt::format("{}{}", kRetry, event("1", 1)));
}

TEST(Polls, OfARouteThatAsksAreAttachedAndWait) {
  Options options;
  RouteRule& rule = route_rule(options, "/ask");
  rule.upstream = "unix:/app.sock";
  rule.ask = Ask::newcomers;
  SmallBroker broker(options);
  broker.publish("b", "1");
  testing::Application& app = broker.application();
  Peer& peer = broker.subscriber();
  const auto ask = [&](std::string_view id) {
    peer.say(fmt::format(
        "GET /ask?poll=1&wait=20s HTTP/1.1\r\nHost: x\r\nLast-Event-ID: {}\r\n\r\n", id));
    broker.pass();
  };
  ask("ep0ch00-1");
  ASSERT_EQ(app.connections(), 1U);
  app.say(0, "HTTP/1.1 200 OK\r\nFanfare-Channels: b\r\nContent-Length: 0\r\n\r\n");
  broker.pass();
  EXPECT_EQ(peer.take(), "") << "it waits on";
  broker.publish("b", "2");
  const std::string answer = peer.take();
  EXPECT_THAT(answer, EndsWith(event("2", 2)));
  ask(next_cursor(answer));
  broker.publish("b", "3");
  EXPECT_THAT(peer.take(), EndsWith(event("3", 3))) << "without asking again";
  EXPECT_EQ(broker.counters().upstream_resumed_total, 1U);
}

TEST(Polls, MayEndWithAnEventOfTheirOwn) {
  Options options;
  options.delivery.end_event = "end";
  SmallBroker broker(options);
  broker.publish("a", "1");
  broker.command("SSE.FINISH a");
  Peer& peer = broker.get("/events?channel=a&poll=1&last_event_id=ep0ch00-0");
  EXPECT_THAT(body_of(peer.take()), HasSubstr(event("1", 1) + "event: end\n"));
}

}  // namespace
}  // namespace fanfare::server
