// The broker is told to stop: no client hangs, and each learns what to do.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::body_of;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

// Repeats what it received.
class Ready final : public AdminSurface {
 public:
  AdminAnswer answer(std::string_view, const Snapshot& now) override {
    return {.status = now.phase == BrokerPhase::draining ? 503 : 200,
            .content_type = "text/plain",
            .body = fmt::format("{} streams\n", now.streams)};
  }
  std::string live_event(const Snapshot&) override { return "live"; }
};

class Drain : public ::testing::Test {
 protected:
  static Options options() {
    Options options;
    options.limits.drain = 20s;
    return options;
  }
  // With a stream that stays until its moment has come.
  void begin() {
    stream_ = &broker_.get("/events?channel=a");
    stream_->take();
    broker_.drain();
    ASSERT_FALSE(stream_->gone()) << "another seed is needed";
  }
  Peer& say(Peer& peer, std::string_view text) {
    if (!text.empty()) peer.say(text);
    broker_.pass();
    return peer;
  }

  Ready surface_;
  SmallBroker broker_{options(), &surface_};
  Peer* stream_ = nullptr;
};

constexpr std::string_view kReadyz = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kPublish =
    "POST /publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1";

TEST_F(Drain, TheAdminListenerFellSilent) {
  Peer& idle = say(broker_.operators(), kReadyz);
  EXPECT_THAT(idle.take(), StartsWith("HTTP/1.1 200 "));
  begin();
  EXPECT_THAT(say(idle, kReadyz).take(), StartsWith("HTTP/1.1 503 ")) << "at once";
  EXPECT_FALSE(idle.gone()) << "kept alive as ever";
  const std::string answer = say(broker_.operators(), kReadyz).take();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(body_of(answer), "1 streams\n");
}

TEST_F(Drain, ALivePageGoesOnToTheEnd) {
  Peer& page = say(broker_.operators(), "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  begin();
  page.take();
  broker_.pass(2s);
  EXPECT_THAT(page.take(), HasSubstr("data: live\n"));
  broker_.pass(24s);
  EXPECT_TRUE(broker_.finished());
  EXPECT_THAT(page.take(), HasSubstr("retry: "));
}

TEST_F(Drain, NewcomersHung) {
  Peer& early = broker_.subscriber();
  broker_.pass();
  begin();
  for (Peer* const peer : {&early, &broker_.subscriber()}) {
    const std::string answer =
        say(*peer, "GET /events?channel=a HTTP/1.1\r\nHost: localhost\r\n\r\n").take();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("retry: "));
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(peer->ended());
  }
  EXPECT_EQ(broker_.counters().overload_answers_total, 2U);
}

TEST_F(Drain, PublishersHungOrWereCutOff) {
  constexpr std::string_view kSentence = "the broker is stopping; publish again when it is back";
  Peer& resp = say(broker_.publisher(), "PUBLISH a 1\r\n");
  Peer& lines = say(broker_.publisher(), R"({"channel":"a","data":"1"})"
                                         "\n");
  Peer& http = say(broker_.publisher(), kPublish);
  for (Peer* const peer : {&resp, &lines, &http}) peer->take();
  const std::uint64_t published = broker_.counters().ingest_events_total;
  begin();
  for (const bool known : {true, false}) {
    Peer& by_resp = known ? resp : broker_.publisher();
    Peer& by_lines = known ? lines : broker_.publisher();
    Peer& by_http = known ? http : broker_.publisher();
    EXPECT_EQ(say(by_resp, "PUBLISH a 2\r\n").take(),
              fmt::format("-UNAVAILABLE {}\r\n", kSentence));
    EXPECT_THAT(say(by_lines, R"({"channel":"a","data":"2"})"
                              "\n")
                    .take(),
                StartsWith(fmt::format(R"({{"ok":false,"error":"{}")", kSentence)));
    const std::string answer = say(by_http, kPublish).take();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(answer, HasSubstr(kSentence));
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n")) << "the next one belongs elsewhere";
    EXPECT_FALSE(by_resp.gone() || by_lines.gone());
  }
  EXPECT_EQ(broker_.counters().ingest_events_total, published);
}

// A pipeline that lies in the socket when the signal comes.
TEST_F(Drain, WhatAPublisherHadSentWasNotAnswered) {
  stream_ = &broker_.get("/events?channel=a");
  Peer& peer = say(broker_.publisher(), "PING\r\n");
  peer.take();
  std::string pipeline;
  for (int i = 0; i < 50; ++i) pipeline += "PUBLISH a 1\r\n";
  peer.say(pipeline);
  broker_.drain();
  const std::string replies = peer.take();
  EXPECT_EQ(std::ranges::count(replies, '\n'), 50);
  EXPECT_FALSE(peer.gone());
}

TEST_F(Drain, FinishAndDeleteWereTakenThoughTheirHistoryIsAboutToGo) {
  broker_.publish("a", "1");
  begin();
  EXPECT_THAT(broker_.command("SSE.FINISH a\r\n"), StartsWith("-UNAVAILABLE "));
  EXPECT_THAT(broker_.command("DEL a\r\n"), StartsWith("-UNAVAILABLE "));
}

TEST_F(Drain, EndsWithTheLastStreamNotWithTheTime) {
  begin();
  stream_->hang_up();
  broker_.pass(3s);
  EXPECT_TRUE(broker_.finished());
}

TEST_F(Drain, AnswersARequestThatHasBegun) {
  Peer& midway = say(broker_.subscriber(), "OPTIONS /events HTTP/1.1\r\n");
  broker_.drain();
  broker_.pass(2s);
  EXPECT_FALSE(broker_.finished());
  EXPECT_THAT(say(midway, "Host: localhost\r\n\r\n").take(), StartsWith("HTTP/1.1 204 "));
  broker_.pass(3s);
  EXPECT_TRUE(broker_.finished());
}

TEST_F(Drain, SilentConnectionsDoNotDelayItBeyondItsTime) {
  for (const std::string_view begun : {"", "GET /ev", "PUB"}) say(broker_.subscriber(), begun);
  for (const std::string_view begun : {"", "POST /pu", "PUB"}) say(broker_.publisher(), begun);
  for (const std::string_view begun : {"", "GET /re"}) say(broker_.operators(), begun);
  broker_.drain();
  broker_.pass(24s + 200ms);
  EXPECT_TRUE(broker_.finished());
}

TEST_F(Drain, TheAdminListenerClosesAfterTheLastShardHasEnded) {
  Peer& idle = say(broker_.operators(), kReadyz);
  idle.take();
  broker_.another_shard_works(true);
  broker_.drain();
  broker_.pass(30s);
  EXPECT_FALSE(broker_.finished());
  EXPECT_THAT(say(broker_.operators(), kReadyz).take(), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(say(idle, kReadyz).take(), StartsWith("HTTP/1.1 503 "));
  broker_.another_shard_works(false);
  broker_.pass(1s);
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(broker_.finished());
}

TEST_F(Drain, NobodyIsWaitedForAfterASecondSignal) {
  broker_.another_shard_works(true);
  begin();
  say(broker_.operators(), kReadyz);
  broker_.post(DrainMessage{.at_once = true});
  broker_.pass(200ms);
  EXPECT_TRUE(broker_.finished());
  broker_.another_shard_works(false);
}

}  // namespace
}  // namespace fanfare::server
