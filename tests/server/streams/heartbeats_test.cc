// When a silent stream gets its heartbeat: never later than the interval, and never much more
// often.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::channel_rule;
using testing::Peer;
using testing::route_rule;
using testing::SmallBroker;

constexpr Duration kTickAndWay = 150ms;

// A stream and when it heard what.
class Listener {
 public:
  Listener(SmallBroker& broker, Peer& peer) : broker_(broker), peer_(peer) { peer_.take(); }

  void look() {
    const std::string heard = peer_.take();
    if (heard.empty()) return;
    news_.push_back(broker_.now());
    if (heard.find_first_not_of(":\n") == std::string::npos) beats_.push_back(broker_.now());
  }
  const std::vector<TimePoint>& beats() const { return beats_; }
  // The longest and the shortest time between one news and the next, beginning with `since`.
  std::pair<Duration, Duration> silences(TimePoint since) const {
    std::pair<Duration, Duration> found{0s, 1h};
    for (const TimePoint news : news_) {
      if (news <= since) continue;
      found = {std::max(found.first, news - since), std::min(found.second, news - since)};
      since = news;
    }
    found.first = std::max(found.first, broker_.now() - since);
    return found;
  }

 private:
  SmallBroker& broker_;
  Peer& peer_;
  std::vector<TimePoint> news_;
  std::vector<TimePoint> beats_;
};

Options with_heartbeat(Duration heartbeat) {
  Options options;
  options.delivery.heartbeat = heartbeat;
  return options;
}

void listen(SmallBroker& broker, std::vector<Listener>& listeners, Duration time) {
  for (const TimePoint end = broker.now() + time; broker.now() < end;) {
    broker.pass(50ms);
    for (Listener& listener : listeners) listener.look();
  }
}

// The earliest that a heartbeat of so much may follow what came before it: up to an eighth early by
// chance, and up to a second because each connection is looked at once a second.
Duration earliest(Duration heartbeat) {
  return heartbeat * 7 / 8 - 1s - kTickAndWay;
}

// In how many different seconds they heard their first heartbeats.
std::size_t seconds_of_first(const std::vector<Listener>& listeners) {
  std::set<std::int64_t> seconds;
  for (const Listener& listener : listeners) {
    EXPECT_FALSE(listener.beats().empty());
    if (listener.beats().empty()) continue;
    seconds.insert(listener.beats().front().nanoseconds / Duration(1s).count());
  }
  return seconds.size();
}

TEST(Heartbeats, BreakEverySilenceInTimeWhereverAStreamLiesInTheTable) {
  for (const Duration heartbeat : {Duration(1s), Duration(3s), Duration(16s)}) {
    SmallBroker broker(with_heartbeat(heartbeat), nullptr, {}, 64);
    broker.pass(40s);  // a new stream's silence does not begin with the shard
    std::vector<Listener> listeners;
    const TimePoint begun = broker.now();
    for (int i = 0; i < 50; ++i) listeners.emplace_back(broker, broker.get("/events?channel=a"));
    listen(broker, listeners, heartbeat * 5);
    for (const Listener& listener : listeners) {
      const auto [longest, shortest] = listener.silences(begun + 1s);
      EXPECT_LE(longest, heartbeat + kTickAndWay);
      EXPECT_GE(shortest + 1s, earliest(heartbeat)) << "beside the second it took to open all";
      EXPECT_GE(listener.beats().size(), 4U);
      EXPECT_LE(listener.beats().size(), heartbeat > 2s ? 7U : 12U);
    }
  }
}

TEST(Heartbeats, FollowTheLastEventByTheirDistance) {
  constexpr Duration kHeartbeat = 8s;
  SmallBroker broker(with_heartbeat(kHeartbeat), nullptr, {}, 64);
  std::vector<Listener> listeners;
  for (int i = 0; i < 40; ++i) listeners.emplace_back(broker, broker.get("/events?channel=a"));
  for (const Duration after : {Duration(2s), Duration(5s), Duration(7s), Duration(9'700ms)}) {
    listen(broker, listeners, after);
    broker.publish("a", "x");
    const TimePoint event = broker.now();
    for (Listener& listener : listeners) listener.look();
    listen(broker, listeners, kHeartbeat * 2);
    for (const Listener& listener : listeners) {
      const auto [longest, shortest] = listener.silences(event);
      EXPECT_LE(longest, kHeartbeat + kTickAndWay);
      EXPECT_GE(shortest, earliest(kHeartbeat));
    }
  }
}

TEST(Heartbeats, OfOneFeedDoNotComeTogether) {
  constexpr Duration kHeartbeat = 32s;
  // All in one block of the table, which is looked at in one tick.
  SmallBroker broker(with_heartbeat(kHeartbeat));
  std::vector<Listener> listeners;
  for (int i = 0; i < 15; ++i) listeners.emplace_back(broker, broker.get("/events?channel=a"));
  broker.pass(1s);
  broker.publish("a", "x");
  for (Listener& listener : listeners) listener.look();
  listen(broker, listeners, kHeartbeat + 1s);
  EXPECT_GE(seconds_of_first(listeners), 3U) << "an eighth is four seconds";
}

// Ticks that passed unseen are made up for: their streams are not left to the next second.
TEST(Heartbeats, ComeInTimeThoughTheShardIsKeptFromItsTicks) {
  constexpr Duration kHeartbeat = 3s;
  SmallBroker broker(with_heartbeat(kHeartbeat), nullptr, {}, 180);
  std::vector<Listener> listeners;
  for (int i = 0; i < 160; ++i) listeners.emplace_back(broker, broker.get("/events?channel=a"));
  broker.publish("a", "x");
  for (Listener& listener : listeners) listener.look();
  const TimePoint event = broker.now();
  for (int nap = 0; nap < 60; ++nap) {
    broker.pass_without_turns(340ms);
    broker.turn();
    broker.turn();
    broker.pass_without_turns(10ms);
    for (Listener& listener : listeners) listener.look();
  }
  for (const Listener& listener : listeners)
    EXPECT_LE(listener.silences(event).first, kHeartbeat + 350ms + kTickAndWay);
}

TEST(Heartbeats, OfStreamsThatBeganTogetherDoNotComeTogether) {
  constexpr Duration kHeartbeat = 32s;
  SmallBroker broker(with_heartbeat(kHeartbeat));
  broker.pass(100s);
  std::vector<Listener> listeners;
  for (int i = 0; i < 15; ++i) listeners.emplace_back(broker, broker.get("/events?channel=a"));
  listen(broker, listeners, kHeartbeat + 1s);
  EXPECT_GE(seconds_of_first(listeners), 3U);
}

TEST(Heartbeats, CutInTheMiddleAreSentToTheirEnd) {
  SmallBroker broker(with_heartbeat(2s));
  Peer& peer = broker.subscriber();
  peer.say("GET /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n");
  broker.pass();
  peer.take();
  broker.faults().send_short = 1;
  broker.pass(20s);
  broker.faults().send_short = 0;
  broker.pass(3s);
  std::string heard = peer.take();
  const std::string_view beat = "2\r\n:\n\r\n";
  EXPECT_GE(heard.size(), beat.size() * 5);
  for (; heard.starts_with(beat); heard.erase(0, beat.size())) {
  }
  EXPECT_EQ(heard, "");
}

TEST(Heartbeats, AreSentInTimeToAFeedOfWhichARoundTakesSeveralTurns) {
  constexpr Duration kHeartbeat = 4s;
  constexpr int kMembers = 600;
  SmallBroker broker(with_heartbeat(kHeartbeat), nullptr, {}, kMembers + 20);
  std::vector<Listener> listeners;
  for (int i = 0; i < kMembers; ++i)
    listeners.emplace_back(broker, broker.get("/events?channel=a"));
  broker.publish("a", "1");
  broker.publish("a", "2");
  // One that resumes while the round of the third event is on its way.
  Peer& publisher = broker.publisher();
  Peer& resuming = broker.subscriber();
  publisher.say("PUBLISH a 3\r\n");
  resuming.say(fmt::format("GET /events?channel=a HTTP/1.0\r\nLast-Event-ID: {}-1\r\n\r\n",
                           SmallBroker::kEpoch));
  broker.pass_without_turns(5ms);
  broker.turn();
  broker.pass(5ms);
  listeners.emplace_back(broker, resuming);
  const TimePoint event = broker.now();
  for (Listener& listener : listeners) listener.look();
  listen(broker, listeners, kHeartbeat * 3);
  for (const Listener& listener : listeners) {
    const auto [longest, shortest] = listener.silences(event);
    EXPECT_LE(longest, kHeartbeat + kTickAndWay);
    EXPECT_GE(shortest, earliest(kHeartbeat));
  }
}

TEST(Heartbeats, AreAllSentThoughTheyAreMoreThanOneTurnSends) {
  constexpr int kMembers = 600;
  SmallBroker broker(with_heartbeat(4s), nullptr, {}, kMembers);
  std::vector<Peer*> peers;
  for (int i = 0; i < kMembers; ++i) peers.push_back(&broker.get("/events?channel=a"));
  broker.pass(5s);
  broker.pass_without_turns(5ms);
  for (Peer* const peer : peers) peer->take();
  const std::uint64_t before = broker.counters().heartbeats_total;
  // The machine slept: now all are due at once.
  broker.pass_without_turns(5s);
  std::uint64_t sent = before;
  for (int turn = 0; turn < 10 && sent - before < kMembers; ++turn) {
    EXPECT_EQ(broker.waiting_turn(), Duration(0)) << "the rest waits for nothing";
    const std::uint64_t now = broker.counters().heartbeats_total;
    EXPECT_LE(now - sent, 256U) << "others are served in between";
    sent = now;
  }
  EXPECT_EQ(sent - before, kMembers);
  broker.pass();
  for (Peer* const peer : peers) EXPECT_EQ(peer->take(), ":\n");
}

// A client may ask for a heartbeat within the limits; its wish comes before the route's, and that
// before the channel's.
TEST(Heartbeats, AreAsOftenAsTheClientWishesWithinTheLimits) {
  Options options = with_heartbeat(30s);
  options.limits.heartbeat_min = 4s;
  options.limits.heartbeat_max = 20s;
  channel_rule(options, "fast").heartbeat = 6s;
  route_rule(options, "/steady", {"fast"}).heartbeat = 10s;
  struct Case {
    std::string_view target;
    Duration heartbeat;
  };
  for (const Case& expected :
       {Case{"/events?channel=a", 20s}, Case{"/events?channel=a&heartbeat=8", 8s},
        Case{"/events?channel=a&heartbeat=1s", 4s}, Case{"/events?channel=a&heartbeat=4s", 4s},
        Case{"/events?channel=a&heartbeat=20s", 20s}, Case{"/events?channel=a&heartbeat=1h", 20s},
        Case{"/events?channel=fast", 6s}, Case{"/events?channel=a&channel=fast", 6s},
        Case{"/steady", 10s}, Case{"/steady?heartbeat=5s", 5s}}) {
    SmallBroker broker(options);
    std::vector<Listener> listeners{{broker, broker.get(expected.target)}};
    const TimePoint begun = broker.now();
    listen(broker, listeners, 80s);
    const auto [longest, shortest] = listeners.front().silences(begun);
    EXPECT_LE(longest, expected.heartbeat + kTickAndWay) << expected.target;
    EXPECT_GE(shortest, earliest(expected.heartbeat)) << expected.target;
  }
}

}  // namespace
}  // namespace fanfare::server
