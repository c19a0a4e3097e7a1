// GET /position, and the field Position of what publishers are answered: the id of now.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "tests/policy/jwt_signer.h"
#include "tests/server/late_gate.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using testing::body_of;
using testing::events_of;
using ::testing::HasSubstr;
using testing::LateGate;
using ::testing::Not;
using testing::Peer;
using testing::route_rule;
using testing::SmallBroker;

std::string answer(SmallBroker& broker, std::string_view head) {
  Peer& peer = broker.subscriber();
  peer.say(fmt::format("{} HTTP/1.1\r\nHost: x\r\n\r\n", head));
  broker.pass();
  std::string heard = peer.take();
  peer.hang_up();
  return heard;
}

std::string position(SmallBroker& broker) {
  return body_of(answer(broker, "GET /position"));
}

std::string published(SmallBroker& broker, std::string_view head, std::string_view body = {}) {
  Peer& peer = broker.publisher();
  peer.say(fmt::format("{} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", head, body.size(),
                       body));
  broker.pass();
  std::string heard = peer.take();
  peer.hang_up();
  return heard;
}

TEST(Position, IsTheIdOfTheNewestEventThatWasTold) {
  SmallBroker broker;
  EXPECT_EQ(position(broker), "ep0ch00-0\n") << "of an empty log";
  broker.publish("a", "1");
  broker.publish("b", "2");
  EXPECT_EQ(position(broker), "ep0ch00-2\n");
  EXPECT_EQ(broker.counters().positions_total, 2U);
}

TEST(Position, IsTextOrJsonAndInAFieldAndNeverKept) {
  SmallBroker broker;
  broker.publish("a", "1");
  const std::string text = answer(broker, "GET /position");
  EXPECT_THAT(text,
              AllOf(HasSubstr("HTTP/1.1 200 OK\r\n"), HasSubstr("Cache-Control: no-store\r\n"),
                    HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"),
                    HasSubstr("Last-Event-ID: ep0ch00-1\r\n")));
  const std::string head = answer(broker, "HEAD /position");
  EXPECT_THAT(
      head, AllOf(HasSubstr("Last-Event-ID: ep0ch00-1\r\n"), HasSubstr("Content-Length: 10\r\n")));
  EXPECT_EQ(body_of(head), "");
  Peer& peer = broker.get("/position", "Accept: application/json\r\n");
  const std::string json = peer.take();
  EXPECT_EQ(body_of(json), "{\"position\":\"ep0ch00-1\"}\n");
  EXPECT_THAT(json, HasSubstr("Content-Type: application/json\r\n"));
}

TEST(Position, IsReadAndNotPosted) {
  SmallBroker broker;
  EXPECT_THAT(answer(broker, "POST /position"),
              AllOf(HasSubstr(" 405 "), HasSubstr("Allow: GET, HEAD, OPTIONS\r\n")));
}

// What is in the log and not durable yet may be lost with the broker.
TEST(Position, DoesNotNameWhatMayStillBeLost) {
  LateGate gate;
  SmallBroker broker({}, nullptr, {}, SmallBroker::kSubscribersMax, {}, &gate);
  Peer& publisher = broker.publisher();
  publisher.say("XADD a * data 1\r\n");
  broker.pass();
  EXPECT_EQ(position(broker), "ep0ch00-0\n");
  gate.write_all();
  broker.wake();
  broker.pass();
  EXPECT_EQ(publisher.take(), "$9\r\nep0ch00-1\r\n");
  EXPECT_EQ(position(broker), "ep0ch00-1\n");
}

// Whatever its channels are, it gets what came after, and no gap for what went before.
TEST(Position, IsWhereAStreamOfAnyChannelsBegins) {
  Options options;
  options.history.events = 2;
  SmallBroker broker(options);
  for (const char* const data : {"1", "2", "3", "4", "5"}) broker.publish("busy/1", data);
  broker.publish("quiet", "q");
  broker.command("SSE.FINISH over");
  const std::string now = position(broker);
  broker.publish("busy/1", "6");
  broker.publish("new/1", "n");
  for (const char* const channels : {"channel=busy/1&channel=new/1", "channel=**",
                                     "channel=busy/*&channel=new/**&channel=over"}) {
    Peer& peer = broker.get(
        fmt::format("/events?{}&last_event_id={}", channels, now.substr(0, now.size() - 1)));
    EXPECT_EQ(events_of(peer.take()), "data: 6\nid: ep0ch00-7\n\ndata: n\nid: ep0ch00-8\n\n");
  }
  EXPECT_THAT(answer(broker, "GET /events?channel=over&last_event_id=ep0ch00-8"),
              HasSubstr(" 204 "));
}

TEST(Position, OfALifeOfTheBrokerThatIsOverLeadsToAGap) {
  SmallBroker broker;
  Peer& peer = broker.get("/events?channel=a&last_event_id=0therep-7");
  EXPECT_THAT(events_of(peer.take()), HasSubstr(R"("reason":"restarted","after":"0therep-7")"));
}

TEST(Position, MayBeReadByPagesOfOtherOriginsThatAreAllowed) {
  Options options;
  options.cors.origins = {"https://a.example"};
  SmallBroker broker(options);
  EXPECT_THAT(broker.get("/position", "Origin: https://a.example\r\n").take(),
              HasSubstr("Access-Control-Allow-Origin: https://a.example\r\n"));
  EXPECT_THAT(broker.get("/position", "Origin: https://b.example\r\n").take(),
              Not(HasSubstr("Access-Control-Allow-Origin")));
}

TEST(Position, IsAnsweredUnderTheNamesOfTheBrokerOnly) {
  Options options;
  options.listen.hosts = {"events.example"};
  SmallBroker broker(options);
  EXPECT_THAT(answer(broker, "GET /position"), HasSubstr(" 421 "));
}

TEST(Position, IsThereForThePagesOfRoutesWhereEventsIsClosed) {
  Options options;
  options.subscribe.events = false;
  route_rule(options, "/news", {"news"});
  SmallBroker broker(options);
  EXPECT_EQ(body_of(answer(broker, "GET /position")), "ep0ch00-0\n");
}

TEST(Position, IsNotWhatAVariableOfARouteStandsFor) {
  Options options;
  route_rule(options, "/{page}", {"a"});
  SmallBroker broker(options);
  EXPECT_THAT(answer(broker, "GET /position"), HasSubstr("ep0ch00-0\n"));
  EXPECT_THAT(answer(broker, "GET /positions"), HasSubstr("text/event-stream"));
}

TEST(Position, NeedsATokenWhereStreamsDo) {
  const auto signer = policy_test::JwtSigner::secret(std::string(32, 's'));
  Options options;
  options.token.keys = {"/etc/fanfare/token"};
  options.token_keys = std::make_shared<const policy::JwtKeys>(signer.keys());
  SmallBroker broker(options);
  EXPECT_THAT(answer(broker, "GET /position"),
              AllOf(HasSubstr(" 401 "), HasSubstr("WWW-Authenticate: Bearer")));
  const std::string token =
      signer.token(fmt::format(R"({{"exp":{},"channels":["a"]}})",
                               (broker.date() + std::chrono::hours(1)).time_since_epoch().count()));
  EXPECT_THAT(answer(broker, "GET /position?token=" + token), HasSubstr("ep0ch00-0\n"));
}

// A ticket opens one stream, and it would be a pity if this used it up.
TEST(Position, TakesNoTicket) {
  Options options;
  options.token.need = TokenNeed::required;
  SmallBroker broker(options);
  const std::string issued = broker.command("SSE.TICKET a");
  const std::string ticket = issued.substr(issued.find("\r\n") + 2, 22);
  EXPECT_THAT(answer(broker, "GET /position?ticket=" + ticket), HasSubstr(" 401 "));
  EXPECT_THAT(answer(broker, "GET /events?channel=a&ticket=" + ticket), HasSubstr(" 200 OK"));
}

TEST(Position, ComesWithWhatPublishersAreAnswered) {
  SmallBroker broker;
  EXPECT_THAT(
      published(broker, "GET /position"),
      AllOf(HasSubstr("Position: ep0ch00-0\r\n"), HasSubstr("{\"position\":\"ep0ch00-0\"}\n")));
  EXPECT_THAT(published(broker, "POST /publish/a?id=k", "1"), HasSubstr("Position: ep0ch00-1\r\n"));
  EXPECT_THAT(published(broker, "POST /publish/a", "2"), HasSubstr("Position: ep0ch00-2\r\n"));
  EXPECT_THAT(published(broker, "POST /publish/a?id=k", "1"),
              AllOf(HasSubstr("\"id\":\"ep0ch00-1\""), HasSubstr("Position: ep0ch00-2\r\n")))
      << "a repeat: now is later than its event";
  EXPECT_THAT(published(broker, "POST /finish/a"), HasSubstr("Position: ep0ch00-2\r\n"));
  EXPECT_THAT(published(broker, "DELETE /channels/a"), HasSubstr("Position: ep0ch00-2\r\n"));
  EXPECT_THAT(published(broker, "POST /publish/a%20b", "1"), Not(HasSubstr("Position:")));
  EXPECT_THAT(published(broker, "GET /channels"), Not(HasSubstr("Position:")));
  EXPECT_THAT(broker.command("INFO"), HasSubstr("position:ep0ch00-2\r\n"));
}

TEST(Position, OfABatchIsThatOfItsLastEvent) {
  SmallBroker broker;
  Peer& peer = broker.publisher();
  peer.say(
      "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
      "Content-Length: 26\r\n\r\n{\"data\":\"1\"}\n{\"data\":\"2\"}\n");
  broker.pass();
  EXPECT_THAT(peer.take(), HasSubstr("Position: ep0ch00-2\r\n"));
}

// The answer waits until the position that it names is durable and told.
TEST(Position, OfAnAnswerToAPublisherCanBeOpenedAtOnce) {
  LateGate gate;
  SmallBroker broker({}, nullptr, {}, SmallBroker::kSubscribersMax, {}, &gate);
  broker.publisher().say("XADD a * data 1\r\n");
  broker.pass();
  Peer& asking = broker.publisher();
  asking.say("GET /position HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass();
  EXPECT_EQ(asking.take(), "");
  gate.write_all();
  broker.wake();
  broker.pass();
  EXPECT_THAT(asking.take(), HasSubstr("Position: ep0ch00-1\r\n"));
}

}  // namespace
}  // namespace fanfare::server
