// What operators are shown of a shard's connections, and what they close.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/server/h2_client.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using testing::body_of;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::events_of;
using testing::H2Client;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;
using ::testing::UnorderedElementsAre;

// Keeps what it is given to show.
class Shown final : public AdminSurface {
 public:
  AdminAnswer answer(std::string_view, const Snapshot&) override { return {.status = 404}; }
  AdminAnswer list_connections(const ConnectionListing& listing) override {
    connections_ = listing;
    return {.content_type = "application/json", .body = "rows"};
  }
  AdminAnswer list_channels(const ChannelListing& listing) override {
    channels_ = listing;
    return {.content_type = "application/json", .body = "rows"};
  }
  std::string live_event(const Snapshot&) override { return {}; }

  ConnectionListing connections_;
  ChannelListing channels_;
};

class Operators : public ::testing::Test {
 protected:
  explicit Operators(const Options& options = {}, const sim::Faults& faults = {},
                     std::uint32_t subscribers_max = SmallBroker::kSubscribersMax)
      : broker_(options, &surface_, faults, subscribers_max) {}

  std::string ask(std::string_view method, std::string_view target, std::string_view fields = {}) {
    Peer& peer = broker_.operators();
    peer.say(fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", method, target, fields));
    broker_.pass();
    const std::string answer = peer.take();
    peer.hang_up();
    broker_.pass();
    return answer;
  }
  std::vector<ConnectionRow> rows(std::string_view query = {}) {
    const std::string answer = ask("GET", fmt::format("/api/connections?{}", query));
    EXPECT_THAT(answer, HasSubstr("200 OK"));
    return surface_.connections_.rows;
  }
  std::vector<std::string> addresses(std::string_view query) {
    std::vector<std::string> addresses;
    for (const ConnectionRow& row : rows(query)) addresses.push_back(row.address);
    return addresses;
  }
  Peer& stream_from(std::string_view address, std::string_view target) {
    Peer& peer = broker_.subscriber_from(address);
    peer.say(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", target));
    broker_.pass();
    EXPECT_THAT(peer.take(), HasSubstr("200 OK"));
    return peer;
  }

  Shown surface_;
  SmallBroker broker_;
};

TEST_F(Operators, SeeAStreamWithAllThatIsKnownOfIt) {
  stream_from("192.0.2.7", "/events?channel=room/7&channel=news/*&name=ann");
  broker_.pass(3s);
  broker_.publish("room/7", "hello");
  const auto listed = rows();
  ASSERT_EQ(listed.size(), 1U);
  const ConnectionRow& row = listed[0];
  EXPECT_THAT(row.id, MatchesRegex("s[0-9]+"));
  EXPECT_THAT(row.socket, MatchesRegex("c0\\.[0-9]+\\.[0-9]+"));
  EXPECT_EQ(row.address, "192.0.2.7:40000");
  EXPECT_EQ(row.state, ConnectionState::live);
  EXPECT_EQ(row.protocol, "http/1.1");
  EXPECT_FALSE(row.tls);
  EXPECT_GE(row.age, Duration(2900ms));
  EXPECT_EQ(row.query, "channel=room/7&channel=news/*&name=ann");
  EXPECT_THAT(row.topics->texts(), ElementsAre("news/*", "room/7"));
  EXPECT_EQ(row.position, "ep0ch00-1");
  EXPECT_EQ(row.lag_events, 0U);
  EXPECT_EQ(row.lag, Duration(0));
  EXPECT_FALSE(row.tcp) << "the simulated kernel has none";
}

TEST_F(Operators, SeeTheNumberByWhichWatchersKnowAStream) {
  stream_from("192.0.2.7", "/events?channel=a");
  const std::string roll = broker_.command(R"({"op":"subscribers","channel":"a"})");
  const auto listed = rows();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_THAT(roll, HasSubstr(fmt::format("\"connection\":{}", listed[0].id.substr(1))));
}

class OfSlowOnes : public Operators {
 protected:
  OfSlowOnes() : Operators(options(), small_sockets()) {}
  static Options options() {
    Options options;
    options.delivery.slow = SlowPolicy::skip;
    options.delivery.stall = 1h;
    options.delivery.heartbeat = 30min;
    return options;
  }
  static sim::Faults small_sockets() {
    sim::Faults faults;
    faults.socket_buffer_min = faults.socket_buffer_max = 4096;
    return faults;
  }
};

TEST_F(OfSlowOnes, SeeTheLaggardsFirstWithWhatTheyAreOwed) {
  Peer& slow = stream_from("192.0.2.1", "/events?channel=a");
  stream_from("192.0.2.2", "/events?channel=a");
  Peer& slower = stream_from("192.0.2.3", "/events?channel=a&channel=b");
  slow.stop_reading();
  slower.stop_reading();
  const std::string text(1000, 'x');
  for (int i = 0; i < 6; ++i) broker_.publish("a", text);
  broker_.pass(10s);
  for (int i = 0; i < 4; ++i) broker_.publish("b", text);
  const auto listed = rows("sort=-lag");
  ASSERT_EQ(listed.size(), 3U);
  EXPECT_EQ(listed[0].address, "192.0.2.3:40000");
  EXPECT_EQ(listed[1].address, "192.0.2.1:40000");
  EXPECT_EQ(listed[2].address, "192.0.2.2:40000");
  EXPECT_EQ(listed[0].lag_events, listed[1].lag_events + 4) << "those of its own channels only";
  EXPECT_EQ(listed[2].lag_events, 0U);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(listed[i].state, ConnectionState::blocked);
    EXPECT_GT(listed[i].queued_bytes, 0U);
    EXPECT_GE(listed[i].lag, Duration(10s));
    EXPECT_LE(listed[i].lag, Duration(11s));
    EXPECT_GE(listed[i].stalled, Duration(9s));
  }
  EXPECT_THAT(addresses("state=blocked&sort=address"),
              ElementsAre("192.0.2.1:40000", "192.0.2.3:40000"));
  EXPECT_THAT(addresses("state=live"), ElementsAre("192.0.2.2:40000"));
  EXPECT_THAT(addresses("sort=-queued&limit=1").size(), 1U);
  slow.read_on();
  broker_.pass(1s);
  EXPECT_THAT(addresses("state=blocked"), ElementsAre("192.0.2.3:40000"));
}

TEST_F(Operators, FilterByAddressChannelAndProtocol) {
  stream_from("192.0.2.1", "/events?channel=room/1");
  stream_from("192.0.2.2", "/events?channel=room/*");
  stream_from("198.51.100.3", "/events?channel=hall");
  EXPECT_THAT(addresses("address=192.0.2.0/24&sort=address"),
              ElementsAre("192.0.2.1:40000", "192.0.2.2:40000"));
  EXPECT_THAT(addresses("address=198.51.100.3"), ElementsAre("198.51.100.3:40000"));
  EXPECT_THAT(addresses("channel=room/1&sort=-address"),
              ElementsAre("192.0.2.2:40000", "192.0.2.1:40000"));
  EXPECT_THAT(addresses("channel=room/2"), ElementsAre("192.0.2.2:40000"));
  EXPECT_THAT(addresses("subject=ann"), IsEmpty());
  EXPECT_THAT(addresses("protocol=h2"), IsEmpty());
  EXPECT_THAT(addresses("tls=1"), IsEmpty());
  EXPECT_EQ(addresses("protocol=h1").size(), 3U);
  EXPECT_EQ(surface_.connections_.total, 3U);
}

TEST_F(Operators, SeeConnectionsThatCarryNoStreamAndPublishersIfTheyAskForThem) {
  Peer& idle = broker_.subscriber_from("192.0.2.1");
  idle.say("GET /position HTTP/1.1\r\nHost: x\r\n\r\n");
  broker_.subscriber_from("192.0.2.2");
  Peer& polling = broker_.subscriber_from("192.0.2.3");
  polling.say("GET /events?channel=a&poll=1&wait=20s HTTP/1.1\r\nHost: x\r\n\r\n");
  broker_.publish("a", "1");
  Peer& waits = broker_.subscriber_from("192.0.2.4");
  waits.say(
      "GET /events?channel=b&poll=1&wait=20s&last_event_id=ep0ch00-1 HTTP/1.1\r\nHost: x\r\n\r\n");
  broker_.pass();
  const auto listed = rows("sort=address");
  ASSERT_EQ(listed.size(), 4U);
  EXPECT_EQ(listed[0].state, ConnectionState::idle);
  EXPECT_EQ(listed[0].id, listed[0].socket);
  EXPECT_EQ(listed[0].topics, nullptr);
  EXPECT_EQ(listed[1].state, ConnectionState::greeting);
  EXPECT_EQ(listed[3].state, ConnectionState::waiting);
  const auto publishers = rows("kind=publishers");
  ASSERT_EQ(publishers.size(), 1U);
  EXPECT_EQ(publishers[0].state, ConnectionState::publishing);
  EXPECT_EQ(publishers[0].address, "unix:");
  EXPECT_EQ(rows("kind=all").size(), 6U) << "with the operator's own";
}

TEST_F(Operators, SeeEachStreamOfAConnectionThatCarriesSeveral) {
  H2Client client(broker_);
  client.say(h2_test::get(1, "/events?channel=a"));
  client.say(h2_test::get(3, "/events?channel=b"));
  const auto listed = rows();
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].socket, listed[1].socket);
  EXPECT_NE(listed[0].id, listed[1].id);
  EXPECT_EQ(listed[0].protocol, "h2");
  EXPECT_EQ(rows("protocol=h2").size(), 2U);
}

// ---- closing

TEST_F(Operators, CloseOneStreamWithAReasonAndATimeToComeBack) {
  Peer& closed = stream_from("192.0.2.1", "/events?channel=a");
  stream_from("192.0.2.2", "/events?channel=a");
  const auto listed = rows("address=192.0.2.1");
  ASSERT_EQ(listed.size(), 1U);
  const std::string target =
      fmt::format("/api/connections/{}/close?retry=8s&reason=maintenance", listed[0].id);
  EXPECT_EQ(body_of(ask("POST", target)), "{\"closed\":1}\n");
  broker_.pass(3s);
  const std::string said = closed.take();
  EXPECT_THAT(said, MatchesRegex(".*retry: (8|9|10|11|12)[0-9]{3}\n: maintenance\n.*"));
  EXPECT_THAT(said, Not(EndsWith("0\r\n\r\n"))) << "it is not complete";
  EXPECT_TRUE(closed.gone());
  EXPECT_EQ(broker_.closes(CloseReason::dismissed), 1U);
  EXPECT_EQ(broker_.stream_ends(CloseReason::dismissed), 1U);
  EXPECT_THAT(addresses("kind=subscribers"), ElementsAre("192.0.2.2:40000"));
  EXPECT_THAT(ask("POST", target), AllOf(HasSubstr("404 "), HasSubstr("may have ended")));
}

TEST_F(Operators, CloseAllOfAnAddressAndNobodyElse) {
  Peer& stream = stream_from("192.0.2.1", "/events?channel=a");
  Peer& idle = broker_.subscriber_from("192.0.2.1");
  idle.say("GET /position HTTP/1.1\r\nHost: x\r\n\r\n");
  Peer& other = stream_from("192.0.2.11", "/events?channel=a");
  broker_.pass();
  EXPECT_EQ(body_of(ask("POST", "/api/close?address=192.0.2.1")), "{\"closed\":2}\n");
  broker_.pass(3s);
  EXPECT_TRUE(stream.gone());
  EXPECT_TRUE(idle.gone());
  EXPECT_FALSE(other.gone());
  EXPECT_EQ(broker_.closes(CloseReason::dismissed), 2U);
}

// The broker said that the application's permission was over.
TEST_F(OfSlowOnes, CloseAClientThatDoesNotReadForTheSameReason) {
  Peer& slow = stream_from("192.0.2.1", "/events?channel=a");
  slow.stop_reading();
  for (int i = 0; i < 8; ++i) broker_.publish("a", std::string(1000, 'x'));
  ask("POST", "/api/close?state=blocked");
  EXPECT_EQ(rows().at(0).state, ConnectionState::leaving);
  broker_.pass(4s);
  EXPECT_EQ(broker_.closes(CloseReason::dismissed), 1U);
  EXPECT_EQ(broker_.counters().connections_open, 0U);
}

TEST_F(Operators, CloseOneStreamOfAConnectionOrTheWholeConnection) {
  H2Client client(broker_);
  for (const std::uint32_t stream : {1U, 3U, 5U}) {
    client.say(h2_test::get(stream, fmt::format("/events?channel=c{}", stream)));
  }
  const auto listed = rows("channel=c3");
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(body_of(ask("POST", fmt::format("/api/connections/{}/close", listed[0].id))),
            "{\"closed\":1}\n");
  broker_.pass(1s);
  EXPECT_THAT(client.said(3), HasSubstr("retry: "));
  EXPECT_EQ(client.end(3), "reset 8");
  EXPECT_EQ(client.end(1), "");
  EXPECT_THAT(client.goodbyes(), IsEmpty());
  ask("POST", fmt::format("/api/connections/{}/close", listed[0].socket));
  broker_.pass(5s);
  EXPECT_EQ(client.end(1), "reset 8");
  EXPECT_EQ(client.end(5), "reset 8");
  EXPECT_THAT(client.goodbyes(), Not(IsEmpty()));
  EXPECT_TRUE(client.peer().gone());
  EXPECT_EQ(broker_.stream_ends(CloseReason::dismissed), 3U);
}

TEST_F(Operators, AnOldNameClosesNobodyWhoCameLater) {
  Peer& first = stream_from("192.0.2.1", "/events?channel=a");
  const ConnectionRow row = rows().at(0);
  first.hang_up();
  broker_.pass(1s);
  Peer& second = stream_from("192.0.2.2", "/events?channel=a");
  for (const std::string& id : {row.id, row.socket}) {
    EXPECT_THAT(ask("POST", fmt::format("/api/connections/{}/close", id)), HasSubstr("404 "));
  }
  broker_.pass(3s);
  EXPECT_FALSE(second.gone());
}

TEST_F(Operators, NoPageOfAnotherSiteClosesAnything) {
  Peer& peer = stream_from("192.0.2.1", "/events?channel=a");
  constexpr std::string_view kTarget = "/api/close?address=192.0.2.1";
  for (const std::string_view origin :
       {"http://evil.example", "null", "http://localhost:9180", "http://localhost.evil.example"}) {
    EXPECT_THAT(ask("POST", kTarget, fmt::format("Origin: {}\r\n", origin)), HasSubstr("403 "))
        << origin;
  }
  EXPECT_THAT(ask("GET", kTarget), AllOf(HasSubstr("405 "), HasSubstr("Allow: POST")));
  broker_.pass(3s);
  EXPECT_FALSE(peer.gone());
  EXPECT_THAT(ask("POST", kTarget, "Origin: http://localhost\r\n"), HasSubstr("{\"closed\":1}"));
}

TEST_F(Operators, AreToldWhatThereIs) {
  EXPECT_THAT(ask("GET", "/api/conections"), AllOf(HasSubstr("404 "), HasSubstr("/api/channels")));
  EXPECT_THAT(ask("GET", "/api/connections/7"), AllOf(HasSubstr("400 "), HasSubstr("s1234")));
  EXPECT_THAT(ask("POST", "/api/connections"), HasSubstr("404 "));
  EXPECT_THAT(ask("POST", "/metrics"), HasSubstr("405 "));
  EXPECT_THAT(ask("POST", "/api/connections/s7/close?retry=x"), HasSubstr("400 "));
  EXPECT_THAT(ask("GET", "/api/connections?lmit=1"), HasSubstr("unknown parameter"));
  stream_from("192.0.2.1", "/events?channel=a");
  const std::string id = rows().at(0).id;
  EXPECT_THAT(ask("GET", fmt::format("/api/connections/{}", id)), HasSubstr("200 OK"));
  EXPECT_EQ(surface_.connections_.rows.size(), 1U);
}

TEST_F(Operators, SeeChannelsWithTheirSubscribersAndRates) {
  stream_from("192.0.2.1", "/events?channel=room/*");
  broker_.publish("room/1", "a");
  for (int i = 0; i < 3; ++i) broker_.publish("room/2", "b");
  broker_.pass(1100ms);
  ask("GET", "/api/channels?match=room/*&sort=-published");
  const ChannelListing& listing = surface_.channels_;
  EXPECT_EQ(listing.total, 2U) << "the broker's own are left out";
  ASSERT_EQ(listing.rows.size(), 2U);
  EXPECT_EQ(listing.rows[0].name, "room/2");
  EXPECT_EQ(listing.rows[0].state.published_total, 3U);
  EXPECT_EQ(listing.rows[0].subscribers, 1U);
  EXPECT_TRUE(listing.rows[0].rate);
  EXPECT_EQ(listing.epoch, "ep0ch00");
}

// ---- how long it takes

class OfMany : public Operators {
 protected:
  static constexpr std::uint32_t kStreams = 4'500;
  OfMany() : Operators({}, {}, kStreams) {}
};

// A walk over everything held the shard for as long as it took.
TEST_F(OfMany, LookAtSoManyPlacesInATurn) {
  for (std::uint32_t i = 0; i < kStreams; ++i) {
    broker_.subscriber().say("GET /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n");
    if (i % 500 == 0) broker_.pass();
  }
  broker_.pass();
  ASSERT_EQ(broker_.reported().subscribers, kStreams);
  Peer& peer = broker_.operators();
  peer.say("GET /api/connections?limit=7 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  int turns = 0;
  while (surface_.connections_.total == 0 && turns < 1000) {
    broker_.pass_without_turns(1ms);
    broker_.turn();
    ++turns;
  }
  EXPECT_EQ(surface_.connections_.total, kStreams);
  EXPECT_EQ(surface_.connections_.rows.size(), 7U);
  EXPECT_GE(turns, 2 * kStreams / 4096) << "slots, then subscribers";
}

}  // namespace
}  // namespace fanfare::server
