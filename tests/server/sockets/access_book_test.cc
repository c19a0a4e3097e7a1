// The access log on a whole shard: a line for each request and each stream, and nothing secret in
// any.
#include "broker/server/sockets/access_book.h"

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

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

Options with_log() {
  Options options;
  options.access.log = "stderr";
  return options;
}

std::size_t lines_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

TEST(AccessLog, IsOffUnlessItIsAskedFor) {
  SmallBroker broker;
  broker.get("/nowhere");
  broker.get("/events?channel=a").hang_up();
  broker.pass(1s);
  EXPECT_THAT(broker.access_lines(), IsEmpty());
  EXPECT_EQ(broker.counters().access_lines_total, 0U);
}

TEST(AccessLog, HasALineForEachAnswer) {
  SmallBroker broker(with_log());
  broker.get("/nowhere?x=1", "User-Agent: curl/8\r\nOrigin: https://a.example\r\n");
  broker.pass(200ms);
  EXPECT_THAT(broker.access_lines(),
              AllOf(StartsWith(R"({"time":"1970-01-01T00:00:01.000Z","client":"127.0.0.3",)"),
                    HasSubstr(R"("method":"GET","path":"/nowhere","query":"x=1","status":404,)"),
                    HasSubstr(R"("agent":"curl/8","origin":"https://a.example",)"),
                    HasSubstr(R"("bytes":)"), HasSubstr(R"("end":"not_keep_alive"})")));
}

TEST(AccessLog, NamesAPeerBehindAUnixSocketAsTheConfigurationDoes) {
  SmallBroker broker(with_log());
  Peer& peer = broker.subscriber();
  peer.come_from(IpAddress{});
  peer.say("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass(200ms);
  EXPECT_THAT(broker.access_lines(), HasSubstr(R"("client":"unix:",)"));
}

TEST(AccessLog, HasALineForAStreamWhenItHasEnded) {
  SmallBroker broker(with_log());
  Peer& peer = broker.get("/events?channel=a&channel=b/*");
  broker.pass(5s);
  EXPECT_THAT(broker.access_lines(), IsEmpty());
  peer.hang_up();
  broker.pass(300ms);
  const std::string line = broker.access_lines();
  EXPECT_EQ(lines_of(line), 1U) << line;
  EXPECT_THAT(line, AllOf(HasSubstr(R"("status":200,)"), HasSubstr(R"("channels":["a","b/*"],)"),
                          HasSubstr(R"("seconds":5.)"), HasSubstr(R"("end":"peer_closed"})")));
  broker.publish("c", "x");
  broker.get("/events?channel=c");
  broker.command("SSE.FINISH c");
  broker.pass(300ms);
  EXPECT_THAT(broker.access_lines(), HasSubstr(R"("end":"stream_complete")"));
}

TEST(AccessLog, SaysWhoWasToldToComeBack) {
  SmallBroker broker(with_log(), nullptr, {}, 1);
  broker.get("/events?channel=a");
  broker.get("/events?channel=a");
  broker.pass(300ms);
  EXPECT_THAT(broker.access_lines(), HasSubstr(R"("end":"overloaded")"));
}

TEST(AccessLog, HasALineForARequestWhoseClientDidNotWait) {
  Options options = with_log();
  testing::route_rule(options, "/ask").upstream = "unix:/app.sock";
  SmallBroker broker(options);
  broker.application();
  broker.get("/ask").hang_up();
  broker.pass(300ms);
  EXPECT_THAT(broker.access_lines(), AllOf(HasSubstr(R"("path":"/ask")"), Not(HasSubstr("status")),
                                           HasSubstr(R"("end":"peer_closed")")));
}

// Its time counts from the request's first byte, however late its answer is known.
TEST(AccessLog, SaysHowLongAnAnswerTook) {
  Options options = with_log();
  testing::route_rule(options, "/ask").upstream = "unix:/app.sock";
  SmallBroker broker(options);
  testing::Application& application = broker.application();

  broker.publish("a", "x");
  broker.get("/events?channel=a&poll=1&wait=2s&last_event_id=ep0ch00-1");
  broker.pass(3s);
  EXPECT_THAT(broker.access_lines(),
              AllOf(HasSubstr(R"("path":"/events")"), HasSubstr(R"("seconds":1.9)")));

  broker.get("/ask");
  broker.pass(1s);
  application.say(0, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  broker.pass(300ms);
  EXPECT_THAT(broker.access_lines(),
              AllOf(HasSubstr(R"("status":403)"), HasSubstr(R"("seconds":1.)")));

  broker.get("/ask");
  broker.pass(1s);
  application.say(0, "HTTP/1.1 200 OK\r\nFanfare-Channels: a\r\nContent-Length: 0\r\n\r\n");
  broker.pass(1s);
  broker.command("SSE.FINISH a");
  broker.pass(300ms);
  EXPECT_THAT(broker.access_lines(),
              AllOf(HasSubstr(R"("status":200)"), HasSubstr(R"("seconds":2.)")));

  Peer& slow = broker.subscriber();
  slow.say("POST /events HTTP/1.1\r\nHost: x\r\nConten");
  broker.pass(2s);
  slow.say("t-Length: nonsense\r\n\r\n");
  broker.pass(1s);
  EXPECT_THAT(broker.access_lines(),
              AllOf(HasSubstr(R"("status":400)"), HasSubstr(R"("seconds":2.)")));
}

// The log may have readers who must not be able to use what is in it.
TEST(AccessLog, HasNoTokenAndNoTicketInIt) {
  Options options = with_log();
  const auto signer = policy_test::JwtSigner::secret(std::string(32, 's'));
  options.token.keys = {"/k"};
  options.token.query = "mine";
  options.token_keys = std::make_shared<const policy::JwtKeys>(signer.keys());
  SmallBroker broker(options);
  const std::string good =
      signer.token(fmt::format(R"({{"exp":{},"sub":"ann \"x\"","channels":["a"]}})",
                               (broker.date() + 1h).time_since_epoch().count()));
  for (const char* name : {"mine", "m%69ne", "token", "ticket", "tick%65t"}) {
    broker.get(fmt::format("/events?channel=a&{}={}&x=1", name, good)).hang_up();
  }
  broker.get("/events?channel=a", fmt::format("Authorization: Bearer {}\r\n", good)).hang_up();
  broker.get("/events?channel=a", fmt::format("Cookie: fanfare_token={}\r\n", good)).hang_up();
  broker.pass(300ms);
  const std::string log = broker.access_lines();
  EXPECT_EQ(lines_of(log), 7U) << log;
  for (const std::string& part : {good, good.substr(0, 20), good.substr(good.size() - 20)}) {
    EXPECT_THAT(log, Not(HasSubstr(part)));
  }
  EXPECT_THAT(log, HasSubstr(R"x("query":"channel=a&x=1&(a token or ticket)")x"));
  EXPECT_THAT(log, HasSubstr(R"("subject":"ann \"x\"",)"));
}

// A line is a line, whatever its client sends.
TEST(AccessLog, QuotesAndCutsWhatAClientChooses) {
  SmallBroker broker(with_log());
  const std::string agent = "\"}\\" + std::string(5000, 'x');
  broker.get("/" + std::string(3000, 'p') + "?" + std::string(3000, 'q'),
             fmt::format("User-Agent: {}\r\nOrigin: \xff\xfe\r\n", agent));
  broker.pass(300ms);
  const std::string line = broker.access_lines();
  EXPECT_EQ(lines_of(line), 1U);
  EXPECT_LT(line.size(), 2000U);
  EXPECT_THAT(line, HasSubstr(R"("agent":"\"}\\xxx)"));
  EXPECT_THAT(line, HasSubstr("\"origin\":\"\xef\xbf\xbd"));
}

TEST(AccessLog, LeavesLinesOutWhereTheDiskCannotKeepUp) {
  Options options = with_log();
  options.access.buffer = 4096;
  SmallBroker broker(options);
  broker.jam_access_log(true);
  for (int i = 0; i < 100; ++i) {
    broker.get("/nowhere").hang_up();
    broker.pass();
  }
  const std::uint64_t left_out = broker.counters().access_lines_left_out_total;
  EXPECT_GT(left_out, 50U);
  broker.jam_access_log(false);
  broker.pass(200ms);
  broker.get("/nowhere");
  broker.pass(200ms);
  const std::string log = broker.access_lines();
  EXPECT_THAT(log, HasSubstr(fmt::format("{{\"left_out\":{}}}\n", left_out)));
  EXPECT_EQ(lines_of(log), 100U - left_out + 2U) << "with that, and the one after it";
}

}  // namespace
}  // namespace fanfare::server
