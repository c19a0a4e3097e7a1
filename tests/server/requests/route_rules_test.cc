// [[route]]: paths besides /events, each with what it fixes.
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
using testing::Peer;
using testing::route_rule;
using testing::SmallBroker;
using ::testing::StartsWith;

std::string event(std::string_view data, int sequence) {
  return fmt::format("data: {}\nid: {}-{}\n\n", data, SmallBroker::kEpoch, sequence);
}

class RouteRules : public ::testing::Test {
 protected:
  static Options options() {
    Options options;
    route_rule(options, "/news", {"news", "sport/*"});
    route_rule(options, "/any");
    return options;
  }
  // What of four channels a stream of this request carries.
  std::string carried(Peer& peer) {
    const std::string opening = peer.take();
    EXPECT_THAT(opening, HasSubstr(" 200 OK\r\n"));
    std::string heard;
    for (const std::string_view channel : {"news", "sport/1", "other", "news/2"}) {
      broker_.publish(channel, channel);
      if (!peer.take().empty()) heard += fmt::format("{} ", channel);
    }
    peer.hang_up();
    return heard;
  }
  SmallBroker broker_{options()};
};

TEST_F(RouteRules, ServeTheirChannelsWhateverTheQuerySays) {
  EXPECT_EQ(carried(broker_.get("/news")), "news sport/1 ");
  EXPECT_EQ(carried(broker_.get("/news?channel=other")), "news sport/1 ");
  EXPECT_EQ(carried(broker_.get("/news?channel=**&topic=other")), "news sport/1 ");
}

TEST_F(RouteRules, ServeTheirChannelsWhateverABodySays) {
  Peer& peer = broker_.subscriber();
  constexpr std::string_view kBody = R"({"channels":["other"]})";
  peer.say(
      fmt::format("POST /news HTTP/1.0\r\nContent-Type: application/json\r\n"
                  "Content-Length: {}\r\n\r\n{}",
                  kBody.size(), kBody));
  broker_.pass();
  EXPECT_EQ(carried(peer), "news sport/1 ");
}

TEST_F(RouteRules, WithoutChannelsTakeThemFromTheQueryAsEventsDoes) {
  EXPECT_EQ(carried(broker_.get("/any?channel=other")), "other ");
  EXPECT_EQ(carried(broker_.get("/any?channel=**")), "news sport/1 other news/2 ");
  EXPECT_THAT(broker_.get("/any").take(), HasSubstr("400 Bad Request"));
}

TEST_F(RouteRules, LeaveEventsAsItIs) {
  EXPECT_EQ(carried(broker_.get("/events?channel=other")), "other ");
  EXPECT_THAT(broker_.get("/events").take(), HasSubstr("400 Bad Request"));
}

TEST_F(RouteRules, ApplyToTheirExactPathOnly) {
  for (const std::string_view target :
       {"/new", "/news/", "/news2", "/News", "/newsx?channel=news", "//news", "/"}) {
    EXPECT_THAT(broker_.get(target).take(), HasSubstr("404 Not Found")) << target;
  }
}

TEST_F(RouteRules, ResumeReplayAndReportGapsOnTheirChannels) {
  broker_.publish("news", "1");
  broker_.publish("other", "2");
  broker_.publish("sport/1", "3");
  EXPECT_EQ(events_of(broker_.get("/news?lastEventId=earliest").take()),
            event("1", 1) + event("3", 3));
  EXPECT_EQ(events_of(broker_.get("/news", "Last-Event-ID: ep0ch00-1\r\n").take()), event("3", 3));
  EXPECT_EQ(events_of(broker_.get("/news?replay=1").take()), event("3", 3));
}

TEST_F(RouteRules, AreOpenedByGetAndPostAndByNothingElse) {
  for (const std::string_view method : {"PUT", "DELETE", "PATCH"}) {
    Peer& peer = broker_.subscriber();
    peer.say(fmt::format("{} /news HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", method));
    broker_.pass();
    EXPECT_THAT(peer.take(), HasSubstr("405 Method Not Allowed")) << method;
  }
}

TEST_F(RouteRules, EndWhenAllTheirChannelsAreFinished) {
  Options options;
  route_rule(options, "/pair", {"a", "b"});
  SmallBroker broker(options);
  Peer& peer = broker.get("/pair");
  broker.command("SSE.FINISH a");
  EXPECT_FALSE(peer.ended());
  broker.command("SSE.FINISH b");
  EXPECT_TRUE(peer.ended());
}

TEST(RoutePosition, IsAsTheRouteSaysWhateverTheGeneralSection) {
  for (const auto general : {AnnouncePosition::always, AnnouncePosition::never}) {
    Options options;
    options.delivery.announce_position = general;
    route_rule(options, "/always", {"a"}).announce_position = AnnouncePosition::always;
    route_rule(options, "/never", {"a"}).announce_position = AnnouncePosition::never;
    route_rule(options, "/general", {"a"});
    SmallBroker broker(options);
    broker.publish("a", "1");
    const std::string position = testing::position_event("ep0ch00-1");
    const bool told = general == AnnouncePosition::always;
    EXPECT_EQ(testing::position_of(broker.get("/always").take()), position);
    EXPECT_EQ(testing::position_of(broker.get("/never").take()), "");
    EXPECT_EQ(testing::position_of(broker.get("/general").take()), told ? position : "");
    EXPECT_EQ(testing::position_of(broker.get("/events?channel=a").take()), told ? position : "");
  }
}

TEST(RouteReload, BeginsAndEndsPathsForNewStreamsAndLeavesTheOldOnes) {
  Options before;
  route_rule(before, "/old", {"a"});
  SmallBroker broker(before);
  Peer& stays = broker.get("/old");
  EXPECT_THAT(broker.get("/new").take(), HasSubstr("404 Not Found"));
  Options after;
  route_rule(after, "/new", {"b"});
  broker.post(SettingsMessage{std::make_shared<const Options>(after)});
  broker.pass();
  EXPECT_THAT(broker.get("/old").take(), HasSubstr("404 Not Found"));
  Peer& fresh = broker.get("/new");
  stays.take();
  fresh.take();
  broker.publish("a", "1");
  broker.publish("b", "2");
  EXPECT_EQ(stays.take(), event("1", 1));
  EXPECT_EQ(fresh.take(), event("2", 2));
}

}  // namespace
}  // namespace fanfare::server
