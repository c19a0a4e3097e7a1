// Connections that several streams share, on a whole shard: what happens to one of the streams, and
// what happens to all of them. The protocol is the simulation's (tests/sim/bundle_frame.h).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>

#include "tests/server/small_broker.h"
#include "tests/sim/bundle_frame.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

constexpr std::size_t kBoxBytes = 1000;

class Shared : public ::testing::Test {
 protected:
  Shared() { client_.say(sim::kBundleGreeting); }
  static Options options() {
    Options options;
    options.limits.drain = 20s;
    options.delivery.slow = SlowPolicy::skip;
    return options;
  }
  void open(std::uint32_t stream, std::string_view channel) {
    const std::string request =
        fmt::format("GET /events?channel={} HTTP/1.1\r\nHost: x\r\n\r\n", channel);
    say(sim::BundleFrame::Kind::open, stream, request);
  }
  void say(sim::BundleFrame::Kind kind, std::uint32_t stream, std::string_view payload = {}) {
    client_.say(sim::BundleFrame{.kind = kind, .stream = stream, .payload = payload}.text());
    broker_.pass();
  }
  // What was said on the stream since this was asked last; how it ended is in angle brackets.
  std::string said(std::uint32_t stream) {
    in_ += client_.take();
    std::string_view rest = in_;
    while (const auto frame = sim::take_frame(rest)) {
      const bool end = frame->kind == sim::BundleFrame::Kind::end;
      said_[frame->stream] += end ? fmt::format("<{}>", frame->payload) : frame->payload;
    }
    in_.erase(0, in_.size() - rest.size());
    return std::exchange(said_[stream], {});
  }

  SmallBroker broker_{
      options(), nullptr, {}, SmallBroker::kSubscribersMax, {}, nullptr, BrokerPhase::serving,
      kBoxBytes};
  Peer& client_ = broker_.subscriber();
  std::string in_;
  std::map<std::uint32_t, std::string> said_;
};

TEST_F(Shared, EachStreamOfAConnectionIsSentItsOwnEvents) {
  open(1, "a");
  open(2, "b");
  EXPECT_THAT(said(1), AllOf(StartsWith("200 text/event-stream"), HasSubstr("retry: ")));
  EXPECT_THAT(said(2), StartsWith("200 text/event-stream"));
  broker_.publish("a", "1");
  broker_.publish("b", "2");
  EXPECT_EQ(said(1), "data: 1\nid: ep0ch00-1\n\n");
  EXPECT_EQ(said(2), "data: 2\nid: ep0ch00-2\n\n");
  EXPECT_EQ(broker_.reported().subscribers, 2U);
  EXPECT_EQ(broker_.counters().connections_open, 1U);
}

TEST_F(Shared, ACancelledStreamEndsAlone) {
  open(1, "a");
  open(2, "a");
  said(1), said(2);
  say(sim::BundleFrame::Kind::cancel, 1);
  EXPECT_EQ(said(1), "<come back>");
  EXPECT_EQ(broker_.reported().subscribers, 1U);
  broker_.publish("a", "1");
  EXPECT_EQ(said(1), "");
  EXPECT_THAT(said(2), StartsWith("data: 1\n"));
}

TEST_F(Shared, ACompleteStreamEndsAlone) {
  open(1, "a");
  open(2, "b");
  said(1), said(2);
  broker_.command("SSE.FINISH a");
  EXPECT_EQ(said(1), "<complete>");
  broker_.publish("b", "1");
  EXPECT_THAT(said(2), StartsWith("data: 1\n"));
}

TEST_F(Shared, AConnectionThatIsDroppedEndsAllItsStreams) {
  open(1, "a");
  open(2, "b");
  client_.hang_up();
  broker_.pass();
  EXPECT_EQ(broker_.reported().subscribers, 0U);
  EXPECT_EQ(broker_.counters().connections_open, 0U);
  EXPECT_EQ(broker_.closes(CloseReason::peer_closed), 1U) << "of the connection";
  broker_.publish("a", "1");
}

TEST_F(Shared, WhatAFullSocketHeldBackFollowsOnBothStreams) {
  open(1, "a");
  open(2, "b");
  said(1), said(2);
  client_.stop_reading();
  std::string sent_a;
  std::string sent_b;
  const std::string data(2000, 'x');
  for (int i = 1; i <= 100; i += 2) {
    broker_.publish("a", data);
    broker_.publish("b", data);
    sent_a += fmt::format("data: {}\nid: ep0ch00-{}\n\n", data, i);
    sent_b += fmt::format("data: {}\nid: ep0ch00-{}\n\n", data, i + 1);
  }
  EXPECT_EQ(broker_.reported().subscribers_behind, 2U);
  client_.read_on();
  broker_.pass(1s);
  EXPECT_TRUE(said(1) == sent_a);
  EXPECT_TRUE(said(2) == sent_b);
  EXPECT_EQ(broker_.reported().subscribers_behind, 0U);
}

TEST_F(Shared, AStoppingBrokerTellsEachStreamToComeBackAndThenHangsUp) {
  open(1, "a");
  open(2, "b");
  said(1), said(2);
  broker_.drain();
  open(3, "a");
  EXPECT_THAT(said(3), AllOf(HasSubstr("retry: "), EndsWith("<come back>"))) << "a newcomer";
  EXPECT_FALSE(client_.gone());
  broker_.pass(22s);
  for (const std::uint32_t stream : {1U, 2U})
    EXPECT_THAT(said(stream), AllOf(StartsWith("retry: "), EndsWith("<come back>")));
  EXPECT_TRUE(client_.ended());
  EXPECT_TRUE(broker_.finished());
}

TEST_F(Shared, Http1OnTheSameListenerIsServedAsEver) {
  open(1, "a");
  Peer& other = broker_.get("/events?channel=a");
  EXPECT_THAT(other.take(), StartsWith("HTTP/1.1 200 "));
  broker_.publish("a", "1");
  EXPECT_THAT(other.take(), StartsWith("data: 1\n"));
  EXPECT_THAT(said(1), HasSubstr("data: 1\n"));
  EXPECT_FALSE(other.gone());
}

}  // namespace
}  // namespace fanfare::server
