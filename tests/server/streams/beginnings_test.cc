// Where a stream begins by what its client asked: those of the last ten minutes, or the newest of
// each channel; and the gap where the history does not have them any more.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::body_of;
using testing::events_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;

std::string events(SmallBroker& broker, std::string_view query, std::string_view fields = {}) {
  Peer& peer = broker.get(fmt::format("/events?{}", query), fields);
  std::string heard = events_of(peer.take());
  peer.hang_up();
  broker.pass();
  return heard;
}

std::string event(std::string_view data, int number) {
  return fmt::format("data: {}\nid: ep0ch00-{}\n\n", data, number);
}

class Since : public ::testing::Test {
 protected:
  // 1 at 100 s, 2 at 200 s, 3 at 300 s; now it is 310 s.
  Since() {
    for (const char* const data : {"1", "2", "3"}) {
      broker_.pass(100s);
      broker_.publish("a", data);
    }
    broker_.pass(10s);
  }

  SmallBroker broker_;
};

TEST_F(Since, BeginsWithEventsThatAreAtMostSoOld) {
  EXPECT_EQ(events(broker_, "channel=a&since=5"), "");
  EXPECT_EQ(events(broker_, "channel=a&since=20"), event("3", 3));
  EXPECT_EQ(events(broker_, "channel=a&since=2min"), event("2", 2) + event("3", 3));
  EXPECT_EQ(events(broker_, "channel=*&since=300s"), event("1", 1) + event("2", 2) + event("3", 3));
}

TEST_F(Since, CountsOnWhileNothingIsPublished) {
  broker_.pass(1min);
  EXPECT_EQ(events(broker_, "channel=a&since=20"), "");
  EXPECT_EQ(events(broker_, "channel=a&since=80"), event("3", 3));
}

TEST_F(Since, GivesWayToAnId) {
  EXPECT_EQ(events(broker_, "channel=a&since=20", "Last-Event-ID: ep0ch00-1\r\n"),
            event("2", 2) + event("3", 3));
  EXPECT_EQ(events(broker_, "channel=a&since=300&last_event_id=ep0ch00-2"), event("3", 3));
}

TEST_F(Since, IsGoneOnAfterwards) {
  Peer& peer = broker_.get("/events?channel=a&since=20");
  broker_.publish("a", "4");
  EXPECT_EQ(events_of(peer.take()), event("3", 3) + event("4", 4));
}

TEST_F(Since, NamesThePlaceWhereItBegins) {
  EXPECT_THAT(broker_.get("/events?channel=a&since=20").take(),
              HasSubstr("Last-Event-ID: ep0ch00-2\r\n"));
}

// A broker that was restarted has no history from before; what there was then is lost.
TEST_F(Since, TellsOfAGapWhereItReachesBackBeyondTheBrokersLife) {
  EXPECT_EQ(
      events(broker_, "channel=a&since=1h"),
      "event: gap\ndata: {\"reason\":\"restarted\",\"after\":\"\",\"resumed\":\"ep0ch00-0\"}\n"
      "id: ep0ch00-0\n\n" +
          event("1", 1) + event("2", 2) + event("3", 3));
  EXPECT_EQ(body_of(broker_.get("/events?channel=a&since=1h&format=raw").take()), "123");
}

TEST(SinceOfAShortHistory, TellsOfAGapWhereEventsOfThatTimeHaveLeft) {
  Options options;
  options.history.events = 2;
  SmallBroker broker(options);
  for (const char* const data : {"1", "2", "3"}) {
    broker.pass(10s);
    broker.publish("busy", data);
  }
  broker.publish("quiet", "q");
  broker.pass(5s);
  EXPECT_EQ(events(broker, "channel=busy&since=22"), event("2", 2) + event("3", 3))
      << "what has left is older";
  EXPECT_EQ(events(broker, "channel=busy&since=28"),
            "event: gap\ndata: "
            "{\"reason\":\"evicted\",\"after\":\"ep0ch00-0\",\"resumed\":\"ep0ch00-1\"}\n"
            "id: ep0ch00-1\n\n" +
                event("2", 2) + event("3", 3));
  EXPECT_EQ(events(broker, "channel=quiet&since=28"), event("q", 4)) << "this one has lost nothing";
}

TEST(NewestOfEachChannel, AreSentInTheirOrderAndThenAllThatComes) {
  SmallBroker broker;
  broker.publish("s/a", "a1");
  broker.publish("s/b", "b2");
  broker.publish("s/b", "b3");
  broker.publish("t", "t4");
  broker.publish("s/c", "c5");
  broker.publish("s/b", "b6");
  const std::string last = event("a1", 1) + event("c5", 5) + event("b6", 6);
  EXPECT_EQ(events(broker, "channel=s/*&replay=1&each=channel"), last);
  EXPECT_EQ(events(broker, "channel=s/a&channel=s/*&replay=2&each=channel"),
            event("a1", 1) + event("b3", 3) + event("c5", 5) + event("b6", 6));
  Peer& peer = broker.get("/events?channel=s/*&channel=t&replay=1&each=channel");
  broker.publish("s/d", "d7");
  EXPECT_EQ(events_of(peer.take()),
            event("a1", 1) + event("t4", 4) + event("c5", 5) + event("b6", 6) + event("d7", 7));
  EXPECT_EQ(body_of(broker.get("/events?channel=s/*&replay=1&each=channel&format=raw").take()),
            "a1c5b6d7");
}

TEST(NewestOfEachChannel, GiveWayToAnId) {
  SmallBroker broker;
  for (const char* const data : {"1", "2", "3"}) broker.publish("a", data);
  EXPECT_EQ(events(broker, "channel=a&replay=1&each=channel", "Last-Event-ID: ep0ch00-1\r\n"),
            event("2", 2) + event("3", 3));
}

TEST(NewestOfEachChannel, OfAFinishedChannelComeBeforeItsEnd) {
  SmallBroker broker;
  for (const char* const data : {"1", "2"}) broker.publish("a", data);
  broker.command("SSE.FINISH a");
  Peer& peer = broker.get("/events?channel=a&replay=1&each=channel");
  EXPECT_EQ(events_of(peer.take()), event("2", 2));
  EXPECT_TRUE(peer.ended());
}

// Many more than one read brings, and larger than a socket takes at once.
TEST(NewestOfEachChannel, AreSentPieceByPiece) {
  SmallBroker broker;
  const std::string large(5'000, 'x');
  std::string expected;
  for (int i = 1; i <= 60; ++i) {
    broker.publish(fmt::format("s/{}", i), "old");
  }
  for (int i = 1; i <= 60; ++i) {
    broker.publish(fmt::format("s/{}", i), large);
    expected += event(large, 60 + i);
  }
  EXPECT_EQ(events(broker, "channel=s/*&replay=1&each=channel"), expected);
}

TEST(NewestOfEachChannel, AreThoseOfTheLatestChannelsWhereThereAreTooMany) {
  Options options;
  options.limits.replay_channels = 2;
  SmallBroker broker(options);
  for (const char* const channel : {"s/1", "s/2", "s/3"}) broker.publish(channel, channel);
  EXPECT_EQ(events(broker, "channel=s/*&replay=1&each=channel"),
            "event: gap\ndata: {\"reason\":\"limit\",\"after\":\"\",\"resumed\":\"ep0ch00-1\"}\n"
            "id: ep0ch00-1\n\n" +
                event("s/2", 2) + event("s/3", 3));
  EXPECT_EQ(broker.counters().replays_cut_total, 1U);
  EXPECT_EQ(broker.counters().gaps_total, 1U);
  EXPECT_THAT(events(broker, "channel=s/2&channel=s/3&replay=1&each=channel"),
              Not(HasSubstr("gap")));
}

}  // namespace
}  // namespace fanfare::server
