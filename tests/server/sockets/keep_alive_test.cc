// Whether a connection stays open after an answer: what the answer says, and what is done.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

class Page final : public AdminSurface {
 public:
  AdminAnswer answer(std::string_view, const Snapshot&) override {
    return {.content_type = "text/plain", .body = "a page\n"};
  }
  std::string live_event(const Snapshot&) override { return {}; }
};

// One subscriber has the only seat; `over` is finished, and `surplus` has nobody.
class KeepAlive : public ::testing::Test {
 protected:
  KeepAlive() : broker_({}, &page_, {}, 1) {
    broker_.publish("over", "x");
    broker_.command("SSE.FINISH over");
    broker_.subscriber().say("GET /events?channel=seat HTTP/1.1\r\nHost: x\r\n\r\n");
    broker_.pass();
  }

  // The answer's head says that the connection closes if, and only if, it does.
  void expect_honest(sim::Door door, std::string_view request_line, std::string_view connection) {
    SCOPED_TRACE(fmt::format("{}, {}", request_line, connection));
    Peer& peer = broker_.connect(door);
    peer.say(fmt::format("{}\r\nHost: localhost\r\n{}\r\n", request_line, connection));
    broker_.pass(2s);
    const std::string answer = peer.take();
    const std::string head = answer.substr(0, answer.find("\r\n\r\n") + 2);
    EXPECT_THAT(head, StartsWith("HTTP/1.1 "));
    const bool says_close = head.find("\r\nConnection: close\r\n") != std::string::npos;
    const bool says_stay = head.find("\r\nConnection: keep-alive\r\n") != std::string::npos;
    EXPECT_EQ(peer.gone(), says_close) << answer;
    EXPECT_TRUE(says_close || says_stay || request_line.ends_with("1.1")) << answer;
    EXPECT_FALSE(says_close && says_stay) << answer;
    EXPECT_TRUE(says_close || connection.find("close") == std::string_view::npos) << answer;
    const bool comes_back = answer.find("retry: ") != std::string::npos;
    EXPECT_EQ(peer.reset(), comes_back && request_line.ends_with("1.0")) << answer;
    peer.hang_up();
    broker_.pass();
  }

  Page page_;
  SmallBroker broker_;
};

TEST_F(KeepAlive, AHeadOfAStreamSaidThatItsConnectionClosesAndItStayedOpen) {
  for (const std::string_view version : {"HTTP/1.1", "HTTP/1.0"}) {
    for (const std::string_view connection :
         {"", "Connection: keep-alive\r\n", "Connection: close\r\n"}) {
      for (const std::string_view method : {"GET", "HEAD", "POST", "OPTIONS", "PUT"}) {
        for (const std::string_view target :
             {"/events?channel=a", "/events?channel=over&lastEventID=ep0ch00-1", "/events",
              "/nowhere"}) {
          expect_honest(sim::Door::subscribers, fmt::format("{} {} {}", method, target, version),
                        connection);
        }
        for (const std::string_view target : {"/channels", "/channels/over", "/nowhere"}) {
          expect_honest(sim::Door::publishers, fmt::format("{} {} {}", method, target, version),
                        connection);
        }
        expect_honest(sim::Door::admin, fmt::format("{} /page {}", method, version), connection);
      }
      expect_honest(sim::Door::admin, fmt::format("HEAD /events {}", version), connection);
    }
  }
}

// A stream over HTTP/1.0 ends with its connection, so its head says so from the start.
TEST_F(KeepAlive, AStreamOverHttp10IsTheLastAnswerOfItsConnection) {
  Peer& peer = broker_.operators();
  peer.say("GET /events HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
  broker_.pass();
  EXPECT_THAT(peer.take(), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_FALSE(peer.gone());
  broker_.drain();
  broker_.pass(10s);
  EXPECT_TRUE(peer.gone());
}

// Behind a head of a stream that says nothing of closing, the next request is answered.
TEST_F(KeepAlive, GoesOnAfterTheHeadOfAStreamOverHttp11) {
  Peer& peer = broker_.subscriber();
  for (int i = 0; i < 2; ++i) {
    peer.say("HEAD /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n");
    broker_.pass();
    const std::string answer = peer.take();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, Not(HasSubstr("Connection:")));
  }
  EXPECT_EQ(broker_.closes(CloseReason::not_keep_alive), 0U);
}

}  // namespace
}  // namespace fanfare::server
