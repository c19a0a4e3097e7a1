// Nobody keeps a shard for itself: what one turn does is bounded, and the rest is done in the next
// turns, without waiting for anything to happen.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::Peer;
using testing::SmallBroker;

// What `count` grows by in each of so many turns, in which no time passes.
template <class Count>
std::vector<std::uint64_t> per_turn(SmallBroker& broker, int turns, const Count& count) {
  std::vector<std::uint64_t> growth;
  for (int turn = 0; turn < turns; ++turn) {
    const std::uint64_t before = count();
    broker.turn();
    growth.push_back(count() - before);
  }
  return growth;
}

std::uint64_t most(const std::vector<std::uint64_t>& growth) {
  return *std::ranges::max_element(growth);
}
std::uint64_t sum(const std::vector<std::uint64_t>& growth) {
  std::uint64_t total = 0;
  for (const std::uint64_t part : growth) total += part;
  return total;
}

TEST(Fairness, ACrowdIsSentToSliceBySlice) {
  constexpr std::uint32_t kMembers = 900;
  SmallBroker broker({}, nullptr, {}, kMembers + 20);
  for (std::uint32_t i = 0; i < kMembers; ++i) broker.get("/events?channel=a");
  Peer& other = broker.get("/events?channel=b");
  other.take();
  Peer& publisher = broker.publisher();
  publisher.say("PUBLISH a x\r\nPUBLISH b y\r\n");
  broker.pass_without_turns(5ms);
  const auto sends = per_turn(broker, 8, [&] { return broker.counters().sends_total; });
  EXPECT_LE(most(sends), 256U);
  EXPECT_EQ(sum(sends), kMembers + 1);
  broker.pass_without_turns(5ms);
  EXPECT_EQ(other.take(), "data: y\nid: ep0ch00-2\n\n");
}

TEST(Fairness, ManySmallFeedsAreNoMoreThanOneLargeOne) {
  constexpr std::uint32_t kFeeds = 600;
  SmallBroker broker({}, nullptr, {}, kFeeds);
  for (std::uint32_t i = 0; i < kFeeds; ++i)
    broker.get(fmt::format("/events?channel=a&channel=c{}", i));
  Peer& publisher = broker.publisher();
  publisher.say("PUBLISH a x\r\n");
  broker.pass_without_turns(5ms);
  const auto sends = per_turn(broker, 8, [&] { return broker.counters().sends_total; });
  EXPECT_LE(most(sends), 256U);
  EXPECT_EQ(sum(sends), kFeeds);
}

// Its id is newer than what the round on its way will bring: it waits for the round, not for news.
TEST(Fairness, AMemberAheadOfARoundIsServedAfterIt) {
  constexpr std::uint32_t kMembers = 900;
  SmallBroker broker({}, nullptr, {}, kMembers + 20);
  for (std::uint32_t i = 0; i < kMembers; ++i) broker.get("/events?channel=a");
  Peer& publisher = broker.publisher();
  const auto publish = [&](std::string_view data) {
    publisher.say(fmt::format("PUBLISH a {}\r\n", data));
    broker.pass_without_turns(2ms);
    broker.turn();
  };
  Peer& ahead = broker.subscriber();
  broker.pass();
  publish("1");
  publish("2");
  ahead.say("GET /events?channel=a HTTP/1.0\r\nLast-Event-ID: ep0ch00-2\r\n\r\n");
  publish("3");
  broker.pass(50ms);
  EXPECT_TRUE(ahead.take().ends_with("data: 3\nid: ep0ch00-3\n\n"));
}

class Stampede : public ::testing::Test {
 protected:
  // So many resume at once, each with so much history to read.
  std::vector<std::uint64_t> bytes_per_turn(int count, int events, int turns) {
    const std::string data(4000, 'x');
    for (int i = 0; i < events; ++i) broker_.publish("a", data);
    for (int i = 0; i < count; ++i) {
      peers_.push_back(&broker_.subscriber());
      peers_.back()->say("GET /events?channel=a HTTP/1.0\r\nLast-Event-ID: ep0ch00-0\r\n\r\n");
    }
    broker_.pass_without_turns(5ms);
    sends_ = broker_.counters().sends_total;
    return per_turn(broker_, turns, [&] { return broker_.counters().sent_bytes_total; });
  }
  static sim::Faults roomy() {
    sim::Faults faults;
    faults.socket_buffer_min = faults.socket_buffer_max = 4U << 20U;
    faults.buffer_count = 512;
    return faults;
  }
  static Options with_history() {
    Options options;
    options.history.bytes = 16U << 20U;
    return options;
  }
  SmallBroker broker_{with_history(), nullptr, roomy(), 200};
  std::vector<Peer*> peers_;
  std::uint64_t sends_ = 0;
};

TEST_F(Stampede, OfClientsThatMissedMuchIsBoundedInBytesPerTurn) {
  const auto bytes = bytes_per_turn(60, 60, 200);
  EXPECT_LE(most(bytes), (256U << 10U) + (68U << 10U)) << "and what the last one read";
  EXPECT_GE(sum(bytes), 60U * 60U * 4000U);
}

TEST_F(Stampede, OfClientsThatMissedLittleIsBoundedInClientsPerTurn) {
  bytes_per_turn(150, 0, 0);
  const auto sends = per_turn(broker_, 20, [&] { return broker_.counters().sends_total; });
  EXPECT_LE(most(sends), 64U);
  EXPECT_EQ(sum(sends), 150U);
}

TEST_F(Stampede, IsServedInOrderOfArrival) {
  bytes_per_turn(100, 40, 30);
  broker_.pass_without_turns(5ms);
  // An earlier client has at least as much as a later one, give or take one read of each.
  std::vector<std::size_t> heard;
  for (Peer* const peer : peers_) heard.push_back(peer->take().size());
  EXPECT_LE(*std::ranges::max_element(heard), *std::ranges::min_element(heard) + (136U << 10U));
}

TEST(Fairness, PipelinedRequestsAreAnsweredAFewATurnAndToTheirEnd) {
  constexpr int kRequests = 60;
  SmallBroker broker;
  Peer& greedy = broker.subscriber();
  std::string requests;
  for (int i = 0; i < kRequests; ++i)
    requests += "HEAD /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n";
  greedy.say(requests);
  broker.pass_without_turns(5ms);
  broker.turn();  // accepts
  const auto answers = per_turn(broker, 3, [&] { return broker.counters().requests_total; });
  EXPECT_LE(most(answers), 5U);
  EXPECT_GE(most(answers), 4U);
  broker.pass(10ms);
  EXPECT_EQ(broker.counters().requests_total, kRequests) << "without waiting for the next tick";
}

TEST(Fairness, AStormOfConnectionsIsTakenInPieces) {
  constexpr std::uint32_t kStorm = 900;
  sim::Faults faults;
  faults.backlog = kStorm;
  SmallBroker broker({}, nullptr, faults, kStorm);
  for (std::uint32_t i = 0; i < kStorm; ++i) broker.subscriber();
  broker.pass_without_turns(5ms);
  broker.turn();
  const std::uint64_t accepted = broker.counters().connections_accepted_total;
  EXPECT_LE(accepted, 512U);
  EXPECT_GT(accepted, 0U);
  EXPECT_EQ(broker.waiting_turn(), Duration(0)) << "the rest waits for nothing";
  EXPECT_EQ(broker.counters().connections_accepted_total, kStorm);
}

TEST(Fairness, EveryPublisherThatWaitedIsReadAgainAtOnce) {
  Options options;
  options.limits.ingest_pending_bytes = 1000;
  options.delivery.coalesce = 5s;  // so that a feed stays owed what was published
  SmallBroker broker(options);
  broker.get("/events?channel=a");
  std::vector<Peer*> publishers;
  for (int i = 0; i < 5; ++i) publishers.push_back(&broker.publisher());
  broker.publish("a", "first");
  const TimePoint begun = broker.now();
  publishers[0]->say(fmt::format("PUBLISH a {}\r\n", std::string(2000, 'x')));
  broker.pass();
  // One of each is read, because its receive was armed before.
  for (int i = 0; i < 2; ++i) {
    for (Peer* const peer : publishers) peer->say("PUBLISH a y\r\n");
    broker.pass();
  }
  for (Peer* const peer : publishers) peer->take();
  EXPECT_EQ(broker.counters().ingest_paused_total, 1U);
  EXPECT_EQ(broker.counters().ingest_events_total, 7U);
  broker.pass(5s - (broker.now() - begun) - 50ms);
  EXPECT_EQ(broker.counters().ingest_events_total, 7U);
  broker.pass(60ms);
  EXPECT_EQ(broker.counters().ingest_events_total, 12U);
  for (Peer* const peer : publishers) EXPECT_EQ(peer->take(), ":1\r\n");
}

}  // namespace
}  // namespace fanfare::server
