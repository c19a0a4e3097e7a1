// Answers that come later: a Routes has asked somebody else, who has yet to speak.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "broker/server/sockets/http_port.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using testing::body_of;
using ::testing::EndsWith;
using testing::events_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

// Stands in front of the subscribers' Routes and puts every answer off, but that to /now.
class Asking final : public Routes {
 public:
  Routes& in_front_of(Routes& own) {
    own_ = &own;
    return *this;
  }
  Routes& own() { return *own_; }
  // The oldest exchange that has not been answered yet.
  ExchangeId next() {
    EXPECT_FALSE(asked_.empty());
    const ExchangeId id = asked_.front();
    asked_.erase(asked_.begin());
    return id;
  }
  std::size_t asked() const { return asked_.size(); }

  std::optional<std::size_t> body_allowed(const Request& request, Response& response) override {
    return own_->body_allowed(request, response);
  }
  void refuse_body(const Request& request, BodyRefusal refusal, Response& response) override {
    own_->refuse_body(request, refusal, response);
  }
  void refuse(const Request& request, const Refused& why, Response& response) override {
    own_->refuse(request, why, response);
  }
  void answer(const Request& request, Response& response) override {
    if (request.head.path == "/now") {
      response.body = "at once\n";
      return;
    }
    put_off(request, response);
  }
  void put_off(const Request& request, Response& response) {
    asked_.push_back(request.exchange);
    response.kind = Response::Kind::later;
    response.patience = patience;
  }

  Duration patience = 5s;

 private:
  Routes* own_ = nullptr;
  std::vector<ExchangeId> asked_;
};

class Later : public ::testing::Test {
 protected:
  static Options options() {
    Options options;
    options.limits.drain = 2s;
    options.cors.origins = {"https://a.example"};
    return options;
  }
  Peer& ask(std::string_view target, std::string_view method = "GET") {
    Peer& peer = broker_.subscriber();
    say(peer, fmt::format("{} {} HTTP/1.1\r\nHost: x\r\n\r\n", method, target));
    return peer;
  }
  void say(Peer& peer, std::string_view text) {
    peer.say(text);
    broker_.pass();
  }
  void answer(ExchangeId about, const HttpPort::Answerer& make) {
    broker_.answer(about, make);
    broker_.pass();
  }
  // False: the exchange no longer waits for it.
  bool speak(ExchangeId about, std::string_view text = "spoken\n") {
    bool wanted = false;
    answer(about, [&](const Request&, Response& response) {
      wanted = true;
      response.body = text;
    });
    return wanted;
  }

  Asking asking_;
  SmallBroker broker_{
      options(), nullptr, {}, SmallBroker::kSubscribersMax, [this](Routes& own) -> Routes& {
        return asking_.in_front_of(own);
      }};
};

TEST_F(Later, AnAnswerInTimeIsSentAndItsConnectionGoesOn) {
  Peer& peer = ask("/slow");
  broker_.pass(3s);
  EXPECT_EQ(peer.take(), "");
  EXPECT_TRUE(speak(asking_.next()));
  EXPECT_THAT(peer.take(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\nDate: "),
                                 EndsWith("\r\nContent-Length: 7\r\n\r\nspoken\n")));
  say(peer, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(peer.take()), "at once\n");
  EXPECT_EQ(broker_.counters().requests_total, 2U);
  EXPECT_EQ(broker_.counters().requests_refused_total, 0U);
}

TEST_F(Later, TheRequestIsKeptThoughItsBytesHaveGone) {
  Peer& bare = broker_.subscriber();
  say(bare, "GET /slow?a=b HTTP/1.1\r\nHost: x\r\nX-Who: me\r\n\r\n");
  Peer& post = broker_.subscriber();
  say(post, "POST /slow?c=d HTTP/1.1\r\nHost: x\r\nX-Who: you\r\nContent-Length: 4\r\n\r\nbo");
  say(post, "dy");
  ask("/other?things=that&lie=where&the=first&requests=lay");
  std::string seen;
  for (int i = 0; i < 2; ++i) {
    answer(asking_.next(), [&](const Request& request, Response& response) {
      seen +=
          fmt::format("{} {} {}\n", request.head.target, request.head.value("x-who"), request.body);
      response.status = 404;
    });
  }
  EXPECT_EQ(seen, "/slow?a=b me \n/slow?c=d you body\n");
  EXPECT_THAT(bare.take(), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(post.take(), StartsWith("HTTP/1.1 404 "));
}

TEST_F(Later, AClientThatLeavesIsForgottenAndNobodyElseGetsItsAnswer) {
  Peer& gone = ask("/slow");
  const ExchangeId first = asking_.next();
  gone.hang_up();
  broker_.pass();
  EXPECT_EQ(broker_.closes(CloseReason::peer_closed), 1U) << "at once";
  Peer& next = ask("/slow");
  const ExchangeId second = asking_.next();
  EXPECT_EQ(second.index, first.index) << "or this test is about nothing";
  EXPECT_FALSE(speak(first, "not yours\n"));
  EXPECT_EQ(next.take(), "");
  EXPECT_TRUE(speak(second));
  EXPECT_EQ(body_of(next.take()), "spoken\n");
}

TEST_F(Later, AClientThatSaysItIsDoneIsForgotten) {
  Peer& peer = ask("/slow");
  peer.shut_down();
  broker_.pass();
  EXPECT_FALSE(speak(asking_.next()));
  EXPECT_EQ(peer.take(), "");
}

TEST_F(Later, AnAnswerThatDoesNotComeIs504AndComesTooLateAfterThat) {
  Peer& peer = broker_.subscriber();
  say(peer, "GET /slow HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n\r\n");
  broker_.pass(4s);
  EXPECT_EQ(peer.take(), "");
  broker_.pass(3s);
  const std::string answer = peer.take();
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 504 Gateway Timeout\r\n"),
                            HasSubstr("Access-Control-Allow-Origin: https://a.example\r\n"),
                            Not(HasSubstr("Connection: close"))));
  EXPECT_EQ(body_of(answer), "no answer came within 5s\n");
  EXPECT_EQ(broker_.counters().requests_refused_total, 1U);
  EXPECT_FALSE(speak(asking_.next()));
  EXPECT_FALSE(peer.ended());
  say(peer, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(peer.take()), "at once\n");
}

TEST_F(Later, ASecondAnswerIsNone) {
  Peer& peer = ask("/slow");
  const ExchangeId id = asking_.next();
  broker_.answer(id, [](const Request&, Response& response) { response.body = "first\n"; });
  EXPECT_FALSE(speak(id)) << "before that is out";
  EXPECT_FALSE(speak(id)) << "after it";
  EXPECT_EQ(body_of(peer.take()), "first\n");
}

TEST_F(Later, PipelinedRequestsAreAnsweredInTheirOrder) {
  Peer& peer = broker_.subscriber();
  say(peer,
      "GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /now HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /now HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(asking_.asked(), 1U);
  EXPECT_EQ(peer.take(), "");
  EXPECT_TRUE(speak(asking_.next(), "first\n"));
  const std::string answers = peer.take();
  EXPECT_LT(answers.find("first\n"), answers.find("at once\n"));
  EXPECT_THAT(answers, EndsWith("at once\n"));
  broker_.pass(7s);
  const std::string late = peer.take();
  EXPECT_THAT(late, StartsWith("HTTP/1.1 504 "));
  EXPECT_THAT(late, EndsWith("at once\n")) << "what stands behind a 504 is answered, too";
}

TEST_F(Later, AnAnswerToHeadHasNoBody) {
  Peer& peer = ask("/slow", "HEAD");
  EXPECT_TRUE(speak(asking_.next()));
  EXPECT_THAT(peer.take(), EndsWith("\r\nContent-Length: 7\r\n\r\n"));
}

// The answer may be that the client is to be subscribed: the stream then begins as if it had been
// the answer at once.
TEST_F(Later, AnAnswerMayBeAStream) {
  Peer& peer = ask("/events?channel=a");
  broker_.publish("a", "missed");
  answer(asking_.next(), [&](const Request& request, Response& response) {
    asking_.own().answer(request, response);
  });
  broker_.publish("a", "live");
  const std::string answer = peer.take();
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("data: live\n"),
                            Not(HasSubstr("data: missed\n"))));
  EXPECT_EQ(broker_.reported().subscribers, 1U);
  peer.hang_up();
  EXPECT_EQ(broker_.reported().subscribers, 0U);
}

TEST_F(Later, AnAnswerMayBePutOffOnceMore) {
  Peer& peer = ask("/slow");
  broker_.pass(4s);
  answer(asking_.next(),
         [&](const Request& request, Response& response) { asking_.put_off(request, response); });
  broker_.pass(4s);
  EXPECT_EQ(peer.take(), "") << "its patience begins anew";
  EXPECT_TRUE(speak(asking_.next()));
  EXPECT_EQ(body_of(peer.take()), "spoken\n");
}

TEST_F(Later, AStoppingBrokerStillAnswersAndThenCloses) {
  Peer& peer = ask("/slow");
  broker_.drain();
  broker_.pass(1s);
  EXPECT_FALSE(peer.gone());
  EXPECT_TRUE(speak(asking_.next()));
  EXPECT_THAT(peer.take(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                                 HasSubstr("Connection: close\r\n"), EndsWith("spoken\n")));
  EXPECT_TRUE(peer.ended());
  broker_.pass(3s);
  EXPECT_TRUE(broker_.finished());
}

TEST_F(Later, AStoppingBrokerDoesNotWaitForAnAnswerForEver) {
  asking_.patience = 60s;
  const Peer& peer = ask("/slow");
  broker_.drain();
  broker_.pass(10s);
  EXPECT_TRUE(peer.gone());
  EXPECT_TRUE(broker_.finished());
  EXPECT_FALSE(speak(asking_.next()));
}

}  // namespace
}  // namespace fanfare::server
