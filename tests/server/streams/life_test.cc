// The longest life of a stream: it is told to come back, not all at once, and no later.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::route_rule;
using testing::SmallBroker;

Options mortal() {
  Options options;
  options.delivery.stream_life = 100s;
  options.delivery.heartbeat = 1h;
  return options;
}

TEST(StreamLife, AStreamThatHasLivedForLongEnoughIsToldToComeBack) {
  SmallBroker broker(mortal());
  Peer& peer = broker.subscriber();
  peer.say("GET /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass(74s);
  peer.take();
  EXPECT_FALSE(peer.gone()) << "three quarters of its life are its own";
  broker.pass(30s);
  EXPECT_THAT(peer.take(), AllOf(HasSubstr("retry: "), Not(HasSubstr("\r\n0\r\n"))))
      << "unclean: nothing is complete";
  EXPECT_TRUE(peer.gone());
  EXPECT_EQ(broker.counters().streams_outlived_total, 1U);
  EXPECT_EQ(broker.closes(CloseReason::lived_out), 1U);
  EXPECT_EQ(broker.closes(CloseReason::token_expired), 0U);
}

TEST(StreamLife, AHerdThatCameTogetherDoesNotLeaveTogether) {
  SmallBroker broker(mortal());
  for (std::uint32_t i = 0; i < SmallBroker::kSubscribersMax; ++i) broker.get("/events?channel=a");
  broker.pass(70s);
  std::set<std::uint64_t> left;
  for (int second = 0; second < 35; ++second) {
    broker.pass(1s);
    left.insert(broker.closes(CloseReason::lived_out));
  }
  EXPECT_EQ(*left.rbegin(), SmallBroker::kSubscribersMax) << "none lives longer";
  EXPECT_GT(left.size(), 6U) << "in as many steps";
}

TEST(StreamLife, ARouteHasItsOwn) {
  Options options = mortal();
  route_rule(options, "/long", {"a"}).stream_life = Duration(0);
  route_rule(options, "/short", {"a"}).stream_life = 10s;
  SmallBroker broker(options);
  Peer& forever = broker.get("/long");
  Peer& short_lived = broker.get("/short");
  broker.pass(13s);
  EXPECT_TRUE(short_lived.gone());
  broker.pass(200s);
  EXPECT_FALSE(forever.gone());
}

TEST(StreamLife, AReloadIsForStreamsThatBeginAfterIt) {
  Options options = mortal();
  options.delivery.stream_life = Duration(0);
  SmallBroker broker(options);
  Peer& old = broker.get("/events?channel=a");
  options.delivery.stream_life = 10s;
  broker.post(SettingsMessage{std::make_shared<const Options>(options)});
  broker.pass();
  Peer& newcomer = broker.get("/events?channel=a");
  broker.pass(13s);
  EXPECT_TRUE(newcomer.gone());
  EXPECT_FALSE(old.gone());
}

}  // namespace
}  // namespace fanfare::server
