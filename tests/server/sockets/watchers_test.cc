// Publishers that watch: what they are shown of subscribers that are there, come and go.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "broker/server/sockets/ingest_port.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

// Says so, and returns what it is shown at first.
std::string watch(SmallBroker& broker, Peer& watcher) {
  watcher.say("{\"op\":\"watch\"}\n");
  broker.pass();
  return watcher.take();
}

// Each time replaced by a word.
std::string without_since(std::string text) {
  constexpr std::string_view kKey = "\"since_ms\":";
  for (std::size_t at = 0; (at = text.find(kKey, at)) != std::string::npos;) {
    at += kKey.size();
    text.replace(at, text.find_first_not_of("0123456789", at) - at, "SINCE");
  }
  return text;
}

std::size_t count(std::string_view text, std::string_view of) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(of, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST(IngestPort, ReportsToWatchersEachStreamThatStartsOrEnds) {
  SmallBroker broker;
  Peer& watcher = broker.publisher();
  EXPECT_EQ(watch(broker, watcher), "{\"ok\":true}\n{\"event\":\"present\",\"streams\":0}\n");
  Peer& reader = broker.get("/events?channel=a&channel=b/*&user=7");
  const std::string came = watcher.take();
  EXPECT_THAT(came, HasSubstr(R"("event":"subscribe","channel":"a")"));
  EXPECT_THAT(came, HasSubstr(R"("channel":"b/*")"));
  EXPECT_THAT(came, HasSubstr("user=7"));
  reader.hang_up();
  broker.pass();
  EXPECT_THAT(watcher.take(),
              AllOf(StartsWith(R"({"event":"unsubscribe","channel":"a","connection":)"),
                    HasSubstr(R"("query":"channel=a&channel=b/*&user=7","cursor":"",)"
                              R"("reason":"peer_closed"})")));
}

TEST(IngestPort, AWatchBeginsWithTheStreamsThatArePresent) {
  SmallBroker broker;
  broker.get("/events?channel=a&channel=b");
  broker.get("/events?channel=c&content=x%20y");
  Peer& third = broker.subscriber();
  third.say(
      "POST /events?user=7 HTTP/1.0\r\nContent-Type: application/json\r\n"
      "Content-Length: 20\r\n\r\n{\"channels\":[\"d/*\"]}");
  broker.pass();
  EXPECT_THAT(third.take(), HasSubstr("200 OK"));
  Peer& watcher = broker.publisher();
  const std::string shown = watch(broker, watcher);
  const std::string_view line =
      "{{\"event\":\"subscribe\",\"channel\":\"{}\",\"connection\":{},\"query\":\"{}\","
      "\"cursor\":\"\",\"present\":true,\"since_ms\":SINCE}}\n";
  const auto told = [&](std::string_view channel, int began, int slot, std::string_view query) {
    return fmt::format(fmt::runtime(line), channel,
                       stream_id(0, 1, static_cast<io::Slot>(slot), broker.slots(),
                                 static_cast<std::uint32_t>(began)),
                       query);
  };
  EXPECT_EQ(without_since(shown), "{\"ok\":true}\n" + told("a", 1, 0, "channel=a&channel=b") +
                                      told("b", 1, 0, "channel=a&channel=b") +
                                      told("c", 2, 1, "channel=c&content=x%20y") +
                                      told("d/*", 3, 2, "channel=d/*&user=7") +
                                      "{\"event\":\"present\",\"streams\":3}\n");
  EXPECT_EQ(broker.counters().queries_dropped_total, 0U);
  Peer& second = broker.publisher();
  EXPECT_EQ(without_since(watch(broker, second)), without_since(shown))
      << "and so does every other watch";
  EXPECT_EQ(watcher.take(), "") << "of which the first hears nothing";
}

TEST(IngestPort, QueriesAreKeptWithinTheirLimit) {
  Options options;
  options.limits.queries_bytes = 200;
  SmallBroker broker(options);
  Peer& kept = broker.get("/events?channel=a&user=" + std::string(100, '7'));
  broker.get("/events?channel=b&user=" + std::string(100, '8'));
  EXPECT_EQ(broker.counters().queries_dropped_total, 1U);
  Peer& watcher = broker.publisher();
  const std::string shown = watch(broker, watcher);
  EXPECT_THAT(shown, HasSubstr("user=777"));
  EXPECT_THAT(shown, HasSubstr(R"("query":"channel=b")"));
  kept.hang_up();
  broker.pass();
  EXPECT_EQ(broker.counters().queries_bytes, 0U);
}

TEST(IngestPort, WatchersThatHaveLeftAreSentNothing) {
  SmallBroker broker;
  for (int i = 0; i < 3; ++i) {
    Peer& watcher = broker.publisher();
    watcher.say("{\"op\":\"watch\"}\n{\"op\":\"watch\"}\n");
    broker.pass();
    watcher.hang_up();
    broker.pass();
  }
  const std::uint64_t before = broker.counters().mailbox_messages_total;
  broker.get("/events?channel=a");
  EXPECT_EQ(broker.counters().mailbox_messages_total, before);
}

// Its census will report that stream, if it is still there.
TEST(IngestPort, WhatAShardSaysBeforeAWatchHasBegunThereIsNotForIt) {
  SmallBroker broker;
  Peer& watcher = broker.publisher();
  watch(broker, watcher);
  const auto topics = std::make_shared<const fanout::Topics>(std::vector<std::string>{"late"});
  for (const std::uint32_t census : {0U, 1U}) {
    broker.post(NoticeMessage{
        .census = census, .topics = topics, .subject = {}, .query = {}, .cursor = {}});
    broker.pass();
    EXPECT_EQ(watcher.take().find("late") != std::string::npos, census == 1);
  }
}

// A stalled watcher is sent no more of the streams present than it reads; one that ends meanwhile
// is reported when it ends.
TEST(IngestPort, AWatcherThatReadsSlowlyMissesNobody) {
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  SmallBroker broker({}, nullptr, faults);
  std::string target = "/events?user=" + std::string(1500, 'u');
  for (int i = 0; i < 50; ++i) target += fmt::format("&channel={}", i);
  std::vector<Peer*> readers;
  for (int i = 0; i < 8; ++i) readers.push_back(&broker.get(target));
  Peer& watcher = broker.publisher();
  watcher.stop_reading();
  watcher.say("{\"op\":\"watch\"}\n");
  broker.pass();
  readers[7]->hang_up();
  broker.pass();
  watcher.read_on();
  std::string told;
  for (int i = 0; i < 1000 && told.find("\"streams\"") == std::string::npos; ++i) {
    broker.pass(5ms);
    told += watcher.take();
  }
  EXPECT_THAT(told, ::testing::EndsWith("{\"event\":\"present\",\"streams\":8}\n"));
  EXPECT_EQ(broker.closes(CloseReason::slow_stalled), 0U);
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = told.find("\"present\":true", at)) != std::string::npos; ++at)
    ++lines;
  EXPECT_EQ(lines, 8U * 50);
}

TEST(IngestPort, AWatchOfSomeChannelsIsShownWhatHasToDoWithThem) {
  SmallBroker broker;
  broker.get("/events?channel=room/7&channel=hall");
  broker.get("/events?channel=hall");
  broker.get("/events?channel=**");
  Peer& watcher = broker.publisher();
  watcher.say("{\"op\":\"watch\",\"channels\":[\"room/*\",\"door\"]}\n");
  broker.pass();
  const std::string shown = watcher.take();
  EXPECT_EQ(count(shown, "\"channel\":\"room/7\""), 1U);
  EXPECT_EQ(count(shown, "\"channel\":\"**\""), 1U) << "it gets what the room gets";
  EXPECT_EQ(count(shown, "\"channel\":\"hall\""), 0U);
  EXPECT_THAT(shown, ::testing::EndsWith("{\"event\":\"present\",\"streams\":2}\n"));
  broker.get("/events?channel=hall").hang_up();
  broker.pass();
  EXPECT_EQ(watcher.take(), "");
  broker.get("/events?channel=hall&channel=door").hang_up();
  broker.pass();
  const std::string door = watcher.take();
  EXPECT_EQ(count(door, "\"channel\":\"door\""), 2U) << door;
  EXPECT_EQ(count(door, "\"channel\":\"hall\""), 0U) << door;
}

TEST(IngestPort, AWatchThatIsAskedForAgainBeginsAnew) {
  SmallBroker broker;
  broker.get("/events?channel=a");
  Peer& watcher = broker.publisher();
  const std::string first = watch(broker, watcher);
  EXPECT_EQ(without_since(watch(broker, watcher)), without_since(first));
  watcher.say("{\"op\":\"watch\",\"channel\":\"b\"}\n");
  broker.pass();
  EXPECT_EQ(watcher.take(), "{\"ok\":true}\n{\"event\":\"present\",\"streams\":0}\n");
  broker.get("/events?channel=a");
  EXPECT_EQ(watcher.take(), "") << "the earlier watch is over";
}

// What a watcher makes of its lines: connections that are there.
class Room {
 public:
  void take(const std::string& text) {
    heard_ += text;
    for (std::size_t end = 0; (end = heard_.find('\n')) != std::string::npos;) {
      take_line(heard_.substr(0, end));
      heard_.erase(0, end + 1);
    }
  }
  std::size_t size() const { return there_.size(); }
  bool complete() const { return complete_; }
  int missed() const { return missed_; }

 private:
  void take_line(const std::string& line) {
    const std::size_t at = line.find("\"connection\":");
    const std::string connection =
        at == std::string::npos ? "" : line.substr(at + 13, line.find(',', at) - at - 13);
    if (line.starts_with("{\"event\":\"missed\"")) {
      there_.clear();
      complete_ = false;
      ++missed_;
    } else if (line.starts_with("{\"event\":\"present\"")) {
      complete_ = true;
    } else if (line.starts_with("{\"event\":\"subscribe\"")) {
      there_.insert(connection);
    } else if (line.starts_with("{\"event\":\"unsubscribe\"")) {
      there_.erase(connection);
    }
  }
  std::string heard_;
  std::set<std::string> there_;
  bool complete_ = false;
  int missed_ = 0;
};

// 100 lines of 2 KB for each stream that comes, and as many when it goes.
std::string loud_target() {
  std::string target = "/events?user=" + std::string(1500, 'u');
  for (int i = 0; i < 100; ++i) target += fmt::format("&channel={}", i);
  return target;
}

TEST(IngestPort, AWatcherThatHasMissedNoticesIsToldSoAndShownAnewWhoIsThere) {
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  SmallBroker broker({}, nullptr, faults);
  Peer& watcher = broker.publisher();
  Room room;
  room.take(watch(broker, watcher));
  Peer& other = broker.publisher();
  Room observed;
  observed.take(watch(broker, other));
  watcher.stop_reading();
  Peer& early = broker.get(loud_target());
  for (int i = 0; i < 8; ++i) {
    broker.get(loud_target()).hang_up();
    broker.pass(1s);  // for the other one to read all of it
    observed.take(other.take());
  }
  broker.get("/events?channel=quiet");
  early.hang_up();
  broker.pass();
  EXPECT_GT(broker.counters().watch_notices_missed_total, 0U);
  watcher.read_on();
  for (int i = 0; i < 3000 && !(room.missed() > 0 && room.complete()); ++i) {
    broker.pass(5ms);
    room.take(watcher.take());
    observed.take(other.take());
  }
  EXPECT_EQ(room.missed(), 1);
  EXPECT_TRUE(room.complete());
  EXPECT_EQ(room.size(), 1U) << "the quiet one";
  EXPECT_EQ(observed.missed(), 0) << "one that reads misses nothing";
  EXPECT_EQ(observed.size(), 1U);
  EXPECT_EQ(broker.counters().watches_begun_anew_total, 1U);
  EXPECT_EQ(broker.closes(CloseReason::slow_stalled), 0U);
}

TEST(IngestPort, DisconnectsAWatcherThatHasMissedNoticesAndReadsNothingForLong) {
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  Options options;
  options.delivery.stall = 5s;
  SmallBroker broker(options, nullptr, faults);
  Peer& watcher = broker.publisher();
  watch(broker, watcher);
  broker.pass(10s);
  watcher.stop_reading();
  for (int i = 0; i < 10; ++i) {
    broker.get(loud_target()).hang_up();
    broker.pass();
  }
  broker.pass(3s);
  EXPECT_EQ(broker.closes(CloseReason::slow_stalled), 0U);
  broker.pass(6s);
  EXPECT_EQ(broker.closes(CloseReason::slow_stalled), 1U);
  EXPECT_EQ(broker.counters().ingest_connections_open, 0U);
}

}  // namespace
}  // namespace fanfare::server
