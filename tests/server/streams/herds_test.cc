// Many clients that are sent away at one time must not come back at one time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/server/small_broker.h"
#include "tests/server/spread.h"

namespace fanfare::server {
namespace {

using testing::expect_spread;
using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;

constexpr std::uint32_t kMany = 200;

std::int64_t retry_in(const std::string& text) {
  const std::size_t at = text.rfind("retry: ");
  EXPECT_NE(at, std::string::npos) << text;
  return at == std::string::npos ? -1 : std::strtoll(text.c_str() + at + 7, nullptr, 10);
}

std::vector<Peer*> streams(SmallBroker& broker, std::uint32_t count) {
  std::vector<Peer*> peers;
  for (std::uint32_t i = 0; i < count; ++i) peers.push_back(&broker.get("/events?channel=a"));
  return peers;
}

TEST(Herds, ReconnectingClientsAreSpreadOverHalfTheRetry) {
  Options options;
  options.delivery.retry = 10s;
  SmallBroker broker(options, nullptr, {}, kMany);
  std::vector<std::int64_t> told;
  for (Peer* const peer : streams(broker, kMany)) told.push_back(retry_in(peer->take()));
  expect_spread(told, 10'000, 15'000);
}

TEST(Herds, ClientsThatFindNoRoomWaitLongerAndAreSpreadWider) {
  Options options;
  options.delivery.retry = 10s;
  SmallBroker broker(options, nullptr, {}, 1);
  broker.get("/events?channel=a");
  std::vector<std::int64_t> told;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    Peer& surplus = broker.get("/events?channel=a");
    told.push_back(retry_in(surplus.take()));
    surplus.hang_up();
  }
  expect_spread(told, 40'000, 80'000);
}

class HerdsOfADrain : public ::testing::Test {
 protected:
  static Options options() {
    Options options;
    options.delivery.retry = 10s;
    options.limits.drain = 20s;
    return options;
  }
  SmallBroker broker_{options(), nullptr, {}, kMany};
};

TEST_F(HerdsOfADrain, AreSentAwayAllOverItsLengthEachWithADelayOfItsOwn) {
  const std::vector<Peer*> peers = streams(broker_, kMany);
  for (Peer* const peer : peers) peer->take();
  broker_.drain();
  const TimePoint begun = broker_.now();
  std::vector<std::int64_t> left;
  std::vector<std::int64_t> told;
  std::vector<bool> gone(peers.size());
  while (left.size() < peers.size() && broker_.now() - begun < 30s) {
    broker_.pass(100ms);
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (gone[i] || !peers[i]->gone()) continue;
      gone[i] = true;
      left.push_back((broker_.now() - begun) / 1ms);
      told.push_back(retry_in(peers[i]->take()));
    }
  }
  EXPECT_EQ(left.size(), kMany);
  expect_spread(left, 0, 21'400);  // over HTTP/1.0 a reset follows the last byte by a second
  expect_spread(told, 10'000, 20'000);
}

TEST_F(HerdsOfADrain, DoNotOutstayItThoughTheyReadNothing) {
  for (Peer* const peer : streams(broker_, kMany)) peer->stop_reading();
  for (int i = 0; i < 100; ++i) broker_.publish("a", std::string(4000, 'x'));
  broker_.drain();
  broker_.pass(20s);
  EXPECT_FALSE(broker_.finished()) << "whose moment comes last has time for its farewell";
  broker_.pass(4s + 200ms);
  EXPECT_TRUE(broker_.finished());
}

TEST_F(HerdsOfADrain, DoNotOutstayItWithAnAnswerOrAcksThatTheyDoNotRead) {
  Peer& asking = broker_.subscriber();
  Peer& publisher = broker_.publisher();
  broker_.publish("a", "x");
  asking.stop_reading();
  publisher.stop_reading();
  std::string requests;
  for (int i = 0; i < 800; ++i) requests += "HEAD /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n";
  asking.say(requests);
  std::string questions;
  for (int i = 0; i < 3000; ++i) questions += "INFO\r\n";
  publisher.say(questions);
  broker_.pass(1s);
  broker_.drain();
  broker_.pass(20s);
  EXPECT_FALSE(broker_.finished());
  broker_.pass(4s + 200ms);
  EXPECT_TRUE(broker_.finished());
}

TEST_F(HerdsOfADrain, AreSentAwayAtOnceByASecondSignal) {
  const std::vector<Peer*> peers = streams(broker_, kMany);
  broker_.drain();
  broker_.post(DrainMessage{.at_once = true});
  broker_.pass(100ms);
  EXPECT_TRUE(broker_.finished());
  for (Peer* const peer : peers) EXPECT_TRUE(peer->gone());
}

}  // namespace
}  // namespace fanfare::server
