// Channels that keep the latest event of each key, as subscribers see them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::body_of;
using testing::channel_rule;
using ::testing::EndsWith;
using testing::events_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;

Options keeping(std::string_view match = "k", std::uint32_t events = 1'000) {
  Options options;
  ChannelRule& rule = channel_rule(options, match);
  rule.keep = Keep::latest;
  rule.history_events = events;
  return options;
}

// So little that 30 events of 1,000 bytes do not fit.
sim::Faults small_sockets() {
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  return faults;
}

// Its reply; without data the key goes.
std::string set(SmallBroker& broker, std::string_view key, std::string_view data,
                std::string_view channel = "k") {
  return broker.command(
      fmt::format("XADD {} * key {} data {}", channel, key, data.empty() ? "\"\"" : data));
}

std::string event(std::string_view data, int sequence, std::string_view suffix = "") {
  return fmt::format("data: {}\nid: {}-{}{}\n\n", data, SmallBroker::kEpoch, sequence, suffix);
}

std::string removal(std::string_view key, int sequence, std::string_view suffix = "") {
  return fmt::format("event: removed\ndata: {{\"channel\":\"k\",\"key\":\"{}\"}}\nid: {}-{}{}\n\n",
                     key, SmallBroker::kEpoch, sequence, suffix);
}

const std::string kLong(1'000, 'x');

std::string id(int sequence) {
  return fmt::format("{}-{}", SmallBroker::kEpoch, sequence);
}

TEST(KeyedStreams, ANewcomerGetsTheLatestOfEachKeyInTheOrderOfTheLogAndThenWhatFollows) {
  SmallBroker broker(keeping());
  set(broker, "a", "1");
  set(broker, "b", "2");
  set(broker, "a", "3");
  set(broker, "c", "4");
  set(broker, "c", "");
  Peer& peer = broker.get("/events?channel=k");
  EXPECT_EQ(events_of(peer.take()), event("2", 2) + event("3", 3))
      << "what was removed is not there for one that never had it";
  set(broker, "b", "6");
  set(broker, "a", "");
  broker.pass();
  EXPECT_EQ(peer.take(), event("6", 6) + removal("a", 7));
  EXPECT_EQ(broker.counters().snapshots_total, 1U);
}

TEST(KeyedStreams, AValueOutlivesTheHistory) {
  SmallBroker broker(keeping("k", 1));
  set(broker, "old", "1");
  for (int i = 0; i < 5; ++i) set(broker, "busy", "x");
  EXPECT_EQ(events_of(broker.get("/events?channel=k").take()), event("1", 1) + event("x", 6));
}

TEST(KeyedStreams, WithoutAKeyTheChannelHasOneValueAsPublishOfAnyRedisClientMakes) {
  SmallBroker broker(keeping("k", 0));
  broker.publish("k", "first");
  broker.publish("k", "second");
  EXPECT_EQ(events_of(broker.get("/events?channel=k").take()), event("second", 2));
}

TEST(KeyedStreams, AnIdWithinTheHistoryGetsEveryEvent) {
  SmallBroker broker(keeping());
  for (const char* value : {"1", "2", "3"}) set(broker, "a", value);
  EXPECT_EQ(events_of(broker.get("/events?channel=k&last_event_id=" + id(1)).take()),
            event("2", 2) + event("3", 3));
}

TEST(KeyedStreams, AnIdAtTheEdgeOfTheHistoryGetsEveryEvent) {
  SmallBroker broker(keeping("k", 2));
  for (const char* value : {"1", "2", "3"}) set(broker, "a", value);
  EXPECT_EQ(events_of(broker.get("/events?channel=k&last_event_id=" + id(1)).take()),
            event("2", 2) + event("3", 3));
}

TEST(KeyedStreams, AnIdWithinTheHistoryGetsTheLatestWhereSlowOnesDo) {
  Options options = keeping();
  options.channels.back().slow = SlowPolicy::latest;
  SmallBroker broker(options);
  set(broker, "gone", "1");
  for (const char* value : {"2", "3", "4"}) set(broker, "a", value);
  set(broker, "gone", "");
  const std::string events =
      events_of(broker.get("/events?channel=k&last_event_id=" + id(1)).take());
  EXPECT_EQ(events, event("4", 4) + removal("gone", 5)) << "and is told of no gap";
}

TEST(KeyedStreams, AnOlderIdIsToldThatOlderValuesAreMissingAndGetsTheLatest) {
  SmallBroker broker(keeping("k", 2));
  for (const char* value : {"1", "2", "3", "4"}) set(broker, "a", value);
  set(broker, "b", "5");
  const std::string events =
      events_of(broker.get("/events?channel=k&last_event_id=" + id(1)).take());
  EXPECT_EQ(events, fmt::format("event: gap\ndata: {{\"reason\":\"conflated\",\"after\":\"{0}-1\","
                                "\"resumed\":\"{0}-3\"}}\nid: {0}-1\n\n",
                                SmallBroker::kEpoch) +
                        event("4", 4) + event("5", 5));
}

TEST(KeyedStreams, AnIdOfAnotherLifeGetsAllValues) {
  SmallBroker broker(keeping("k", 1));
  set(broker, "a", "1");
  set(broker, "b", "2");
  const std::string events =
      events_of(broker.get("/events?channel=k&last_event_id=0th3r00-7").take());
  EXPECT_THAT(events, HasSubstr("\"reason\":\"restarted\""));
  EXPECT_THAT(events, EndsWith(event("1", 1) + event("2", 2)));
}

TEST(KeyedStreams, AReplayAsksForTheHistoryInstead) {
  SmallBroker broker(keeping());
  for (const char* value : {"1", "2", "3"}) set(broker, "a", value);
  EXPECT_EQ(events_of(broker.get("/events?channel=k&replay=2").take()),
            event("2", 2) + event("3", 3));
  EXPECT_EQ(events_of(broker.get("/events?channel=k&replay=0").take()), "");
}

TEST(KeyedStreams, BesidePlainChannelsIdsStillRise) {
  SmallBroker broker(keeping());
  set(broker, "a", "1");
  broker.publish("plain", "old news");
  set(broker, "b", "3");
  Peer& peer = broker.get("/events?channel=k&channel=plain");
  EXPECT_EQ(events_of(peer.take()), event("1", 1) + event("3", 3));
  broker.publish("plain", "news");
  broker.pass();
  EXPECT_EQ(peer.take(), event("news", 4));
}

TEST(KeyedStreams, TheKeyIsBehindTheIdWhereItIsAskedForAndAnIdWithItResumes) {
  SmallBroker broker(keeping());
  set(broker, "a/1", "1");
  set(broker, "x,y", "2");
  EXPECT_EQ(events_of(broker.get("/events?channel=k&with=key").take()),
            event("1", 1, ",a/1") + event("2", 2, ",x%2Cy"));
  EXPECT_EQ(events_of(broker.get("/events?channel=k&with=channel,key").take()),
            event("1", 1, ",k,a/1") + event("2", 2, ",k,x%2Cy"));
  set(broker, "a/1", "");
  for (const std::string suffix : {",a/1", ",k,a/1", ",", ",k,", ",x%2Cy"}) {
    const std::string events =
        events_of(broker.get("/events?channel=k&with=key&last_event_id=" + id(2) + suffix).take());
    EXPECT_EQ(events, removal("a/1", 3, ",a/1")) << suffix;
  }
}

TEST(KeyedStreams, ALineOfJsonHasTheKeyAndSaysThatItIsRemoved) {
  SmallBroker broker(keeping());
  set(broker, "a", "1");
  Peer& peer = broker.get("/events?channel=k&format=json");
  EXPECT_THAT(body_of(peer.take()),
              HasSubstr(R"("channel":"k","key":"a","event":"message","data":"1","time")"));
  set(broker, "a", "");
  broker.pass();
  EXPECT_THAT(
      peer.take(),
      HasSubstr(R"("channel":"k","key":"a","event":"removed","data":"","removed":true,"time")"));
}

TEST(KeyedStreams, APayloadAloneHasNoRemovals) {
  SmallBroker broker(keeping());
  set(broker, "a", "1");
  Peer& peer = broker.get("/events?channel=k&format=raw");
  EXPECT_EQ(body_of(peer.take()), "1");
  set(broker, "a", "");
  broker.pass();
  EXPECT_EQ(peer.take(), "");
}

TEST(KeyedStreams, APollGetsTheLatestAndThenWhatChanged) {
  SmallBroker broker(keeping());
  set(broker, "a", "1");
  set(broker, "a", "2");
  const std::string answer = broker.get("/events?channel=k&poll=1").take();
  EXPECT_THAT(answer, HasSubstr(event("2", 2)));
  EXPECT_THAT(answer, Not(HasSubstr(event("1", 1))));
  EXPECT_THAT(answer, HasSubstr("Last-Event-ID: " + id(2)));
}

std::string removal_of_all(int sequence, std::string_view suffix = "") {
  return fmt::format("event: removed\ndata: {{\"channel\":\"k\"}}\nid: {}-{}{}\n\n",
                     SmallBroker::kEpoch, sequence, suffix);
}

TEST(KeyedStreams, AClientThatMayHaveKeysOfADeletedChannelIsToldThatAllAreGone) {
  SmallBroker broker(keeping());
  Peer& plain = broker.get("/events?channel=k");
  Peer& named = broker.get("/events?channel=k&with=channel,key");
  Peer& lines = broker.get("/events?channel=k&format=json");
  set(broker, "a", "1");
  set(broker, "b", "2");
  plain.take(), named.take(), lines.take();
  EXPECT_EQ(broker.command("DEL k"), ":1\r\n");
  EXPECT_EQ(plain.take(), removal_of_all(3));
  EXPECT_EQ(named.take(), removal_of_all(3, ",k"));
  EXPECT_THAT(lines.take(),
              HasSubstr(R"("channel":"k","event":"removed","data":"","removed":true,"time")"));
  EXPECT_EQ(broker.command("EXISTS k"), ":0\r\n");
  EXPECT_EQ(broker.command("DEL k"), ":0\r\n");
  EXPECT_EQ(plain.take(), "") << "once is enough";
  set(broker, "b", "3");
  EXPECT_EQ(plain.take(), event("3", 4));
  const auto resumed = [&](int at) {
    return events_of(broker.get("/events?channel=k&last_event_id=" + id(at)).take());
  };
  EXPECT_EQ(resumed(2), removal_of_all(3) + event("3", 4));
  EXPECT_EQ(resumed(3), event("3", 4));
  const std::string older = resumed(1);
  EXPECT_THAT(older, HasSubstr("\"reason\":\"conflated\""));
  EXPECT_THAT(older, EndsWith(removal_of_all(3) + event("3", 4)));
  EXPECT_EQ(events_of(broker.get("/events?channel=k").take()), event("3", 4)) << "a newcomer";
}

TEST(KeyedStreams, WhatWentWithTheChannelIsNotSentAtARateAnyMore) {
  SmallBroker broker(keeping());
  Peer& slow = broker.get("/events?channel=k&max_rate=1");
  set(broker, "a", "1");
  set(broker, "a", "2");
  slow.take();
  broker.command("DEL k");
  broker.pass(2s);
  EXPECT_EQ(slow.take(), removal_of_all(3));
}

TEST(KeyedStreams, BesideADeletedChannelNothingOfAPlainOneIsPassedOver) {
  SmallBroker broker(keeping());
  set(broker, "a", "1");
  broker.publish("plain", "two");
  broker.command("DEL k");
  broker.publish("plain", "four");
  set(broker, "b", "5");
  Peer& peer = broker.get("/events?channel=k&channel=plain&last_event_id=" + id(1));
  EXPECT_EQ(events_of(peer.take()),
            event("two", 2) + removal_of_all(3) + event("four", 4) + event("5", 5));
}

// A client that is told of a gap begins with nothing: then all keys follow, whatever was lost.
TEST(KeyedStreams, AfterALossOfAPlainChannelAllKeysFollowAndWhatIsLeftOfIt) {
  Options options = keeping();
  channel_rule(options, "plain").history_events = 2;
  SmallBroker broker(options);
  set(broker, "a", "1");
  set(broker, "b", "2");
  for (int i = 3; i <= 5; ++i) broker.publish("plain", "one");
  set(broker, "b", "6");
  const std::string path = "/events?channel=k&channel=plain";
  Peer& peer = broker.get(path + "&last_event_id=" + id(2));
  const std::string everything = event("1", 1) + event("one", 4) + event("one", 5) + event("6", 6);
  const std::string events = events_of(peer.take());
  EXPECT_THAT(events, HasSubstr("\"reason\":\"evicted\""));
  EXPECT_THAT(events, EndsWith(everything));
  EXPECT_THAT(body_of(broker.get(path + "&poll=1&last_event_id=" + id(2)).take()),
              EndsWith(everything));
  broker.publish("plain", "seven");
  EXPECT_EQ(peer.take(), event("seven", 7));
}

// No stream goes back in the middle: the gap says that keys are kept, also of those still to come.
TEST(KeyedStreams, WhatAPlainChannelLosesWhileKeysAreStillBeingSentIsNamed) {
  Options options = keeping();
  channel_rule(options, "plain").history_events = 4;
  SmallBroker broker(options, nullptr, small_sockets());
  for (int i = 1; i < 202; ++i) set(broker, fmt::format("k{}", i), kLong);
  for (int i = 202; i < 206; ++i) broker.publish("plain", "early");
  for (int i = 206; i < 208; ++i) broker.publish("plain", "later");
  Peer& peer = broker.subscriber();
  peer.stop_reading();
  peer.say("GET /events?channel=k&channel=plain&last_event_id=" + id(190) +
           " HTTP/1.0\r\nHost: x\r\n\r\n");
  broker.pass();
  for (int i = 208; i < 214; ++i) broker.publish("plain", "late");
  peer.read_on();
  broker.pass(1s);
  const std::string events = peer.take();
  EXPECT_THAT(events, HasSubstr("\"resumed\":\"" + id(203) + "\"}")) << "and all keys follow";
  EXPECT_THAT(events, HasSubstr("id: " + id(1) + "\n"));
  EXPECT_THAT(events, HasSubstr("\"resumed\":\"" + id(209) + "\",\"keys\":\"kept\"}"))
      << "also what came and left since";
  EXPECT_THAT(events, Not(HasSubstr("early")));
  EXPECT_THAT(events, EndsWith(event("late", 213)));
}

// It need not forget its keys for what another channel has lost, and is not sent them again.
TEST(KeyedStreams, ALaggardsGapOfAPlainChannelSaysThatTheKeysAreKept) {
  Options options = keeping();
  options.channels.back().slow = SlowPolicy::skip;
  channel_rule(options, "plain").history_events = 2;
  SmallBroker broker(options, nullptr, small_sockets());
  Peer& peer = broker.get("/events?channel=k&channel=plain");
  set(broker, "a", "1");
  peer.take();
  peer.stop_reading();
  for (int i = 2; i <= 40; ++i) broker.publish("plain", kLong);
  peer.read_on();
  broker.pass(1s);
  const std::string events = peer.take();
  EXPECT_THAT(events, HasSubstr("\"reason\":\"slow\""));
  EXPECT_THAT(events, HasSubstr("\"resumed\":\"" + id(38) + "\",\"keys\":\"kept\"}"));
}

TEST(KeyedStreams, ALaggardIsConflatedAndNotToldOfAGap) {
  Options options = keeping("k", 3);
  options.channels.back().slow = SlowPolicy::latest;
  SmallBroker broker(options, nullptr, small_sockets());
  Peer& peer = broker.get("/events?channel=k");
  peer.take();
  peer.stop_reading();
  for (int i = 1; i <= 30; ++i) set(broker, "filler", kLong);
  set(broker, "a", "older");
  set(broker, "a", "newer");
  for (int i = 33; i <= 40; ++i) set(broker, "filler", kLong);
  set(broker, "last", "on");
  peer.read_on();
  broker.pass(1s);
  const std::string all = peer.take();
  EXPECT_THAT(all, Not(HasSubstr("event: gap")));
  EXPECT_THAT(all, Not(HasSubstr("older")));
  EXPECT_THAT(all, EndsWith(event("newer", 32) + event(kLong, 40) + event("on", 41)));
  EXPECT_FALSE(peer.gone());
  EXPECT_GT(broker.counters().conflated_total, 0U);
}

TEST(KeyedStreams, AClientIsSentNoMoreUpdatesOfAKeyThanItWantsAndAlwaysTheLast) {
  SmallBroker broker(keeping());
  Peer& slow = broker.get("/events?channel=k&max_rate=2");
  Peer& quick = broker.get("/events?channel=k");
  slow.take();
  quick.take();
  for (const char* value : {"1", "2", "3"}) set(broker, "a", value);
  set(broker, "b", "4");
  EXPECT_EQ(quick.take(), event("1", 1) + event("2", 2) + event("3", 3) + event("4", 4));
  EXPECT_EQ(slow.take(), event("1", 1)) << "the first waits for nothing";
  broker.pass(600ms);
  EXPECT_EQ(slow.take(), event("3", 3) + event("4", 4));
  broker.pass(1s);
  EXPECT_EQ(slow.take(), "");
}

TEST(KeyedStreams, ARateHoldsForEverybodyAndEveryChannelOfTheStream) {
  Options options = keeping();
  options.channels.back().rate = 1;
  SmallBroker broker(options);
  Peer& peer = broker.get("/events?channel=k&channel=plain");
  peer.take();
  for (const char* value : {"1", "2", "3"}) set(broker, "a", value);
  broker.publish("plain", "4");
  broker.publish("plain", "5");
  EXPECT_EQ(peer.take(), event("1", 1));
  broker.pass(1100ms);
  EXPECT_EQ(peer.take(), event("3", 3) + event("4", 4) + event("5", 5))
      << "of a channel without keys every event comes";
}

TEST(KeyedStreams, ARateThatIsNoNumberIsRefused) {
  SmallBroker broker(keeping());
  EXPECT_THAT(broker.get("/events?channel=k&max_rate=often").take(), HasSubstr("max_rate=5"));
  EXPECT_THAT(broker.get("/events?channel=k&max_rate=0").take(), HasSubstr("max_rate=5"));
}

// An id of now would be all that its client comes back with, and no key would ever follow.
TEST(KeyedStreams, ANewcomerThatFindsNoSeatIsGivenNoPosition) {
  SmallBroker broker(keeping());
  set(broker, "a", "1");
  for (std::uint32_t i = 0; i < SmallBroker::kSubscribersMax; ++i) broker.get("/events?channel=b");
  for (const char* topic : {"k", "*"}) {
    const std::string answer =
        broker.get(fmt::format("/events?channel={}&announce_position=always", topic)).take();
    EXPECT_THAT(answer, HasSubstr("retry: ")) << topic;
    EXPECT_THAT(answer, Not(HasSubstr("-1\n"))) << topic;
    EXPECT_THAT(answer, Not(HasSubstr("Last-Event-ID"))) << topic;
  }
  EXPECT_THAT(broker.get("/events?channel=b&announce_position=always").take(),
              HasSubstr("id: " + id(1)));
}

TEST(KeyedStreams, AKeyIsRefusedWhereNoneAreKept) {
  SmallBroker broker(keeping());
  EXPECT_THAT(set(broker, "a", "1", "plain"), HasSubstr("keep = \"latest\""));
}

TEST(KeyedStreams, AKeyTooManyIsRefusedAndNoOtherIsDropped) {
  Options options = keeping("k", 1);
  options.channels.back().keys_max = 2;
  SmallBroker broker(options);
  set(broker, "a", "1");
  set(broker, "b", "2");
  EXPECT_THAT(set(broker, "c", "3"), HasSubstr("keys_max"));
  EXPECT_THAT(set(broker, "a", "4"), Not(HasSubstr("keys_max")));
  EXPECT_EQ(events_of(broker.get("/events?channel=k").take()), event("2", 2) + event("4", 3));
  set(broker, "b", "");
  EXPECT_THAT(set(broker, "c", "5"), Not(HasSubstr("keys_max")));
}

}  // namespace
}  // namespace fanfare::server
