// Publishers that watch: what they are shown of subscribers that are there, come and go.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
      "\"cursor\":\"\",\"present\":true}}\n";
  const auto told = [&](std::string_view channel, int began, int slot, std::string_view query) {
    return fmt::format(fmt::runtime(line), channel,
                       stream_id(0, 1, static_cast<io::Slot>(slot), broker.slots(),
                                 static_cast<std::uint32_t>(began)),
                       query);
  };
  EXPECT_EQ(shown, "{\"ok\":true}\n" + told("a", 1, 0, "channel=a&channel=b") +
                       told("b", 1, 0, "channel=a&channel=b") +
                       told("c", 2, 1, "channel=c&content=x%20y") +
                       told("d/*", 3, 2, "channel=d/*&user=7") +
                       "{\"event\":\"present\",\"streams\":3}\n");
  EXPECT_EQ(broker.counters().queries_dropped_total, 0U);
  Peer& second = broker.publisher();
  EXPECT_EQ(watch(broker, second), shown) << "and so does every other watch";
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
    broker.post(NoticeMessage{.census = census, .topics = topics, .query = {}, .cursor = {}});
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

TEST(IngestPort, DisconnectsAWatcherThatDoesNotRead) {
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  SmallBroker broker({}, nullptr, faults);
  Peer& watcher = broker.publisher();
  watcher.say("{\"op\":\"watch\"}\n");
  broker.pass();
  watcher.stop_reading();
  std::string target = "/events?user=" + std::string(1500, 'u');
  for (int i = 0; i < 100; ++i) target += fmt::format("&channel={}", i);
  for (int i = 0; i < 10; ++i) {  // 100 notices of 2 KB each, twice
    broker.get(target).hang_up();
    broker.pass();
  }
  broker.pass(2s);
  EXPECT_EQ(broker.closes(CloseReason::slow_stalled), 1U);
  EXPECT_EQ(broker.counters().ingest_connections_open, 0U);
}

}  // namespace
}  // namespace fanfare::server
