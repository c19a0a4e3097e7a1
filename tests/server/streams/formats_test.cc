// The forms in which a stream's events are written, and what is said besides them in each: JSON
// lines, and events that name their channel.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/fanout/sse_reader.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using testing::body_of;
using ::testing::EndsWith;
using testing::events_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

std::string line(std::string_view channel, std::string_view data, int sequence) {
  return fmt::format(
      R"({{"id":"{}-{}","channel":"{}","event":"message","data":"{}","time":"1970-01-01T00:)",
      SmallBroker::kEpoch, sequence, channel, data);
}

std::string named(std::string_view channel, std::string_view data, int sequence) {
  return fmt::format("data: {}\nid: {}-{},{}\n\n", data, SmallBroker::kEpoch, sequence, channel);
}

// Over HTTP/1.1, in chunks: what is in them.
class Stream {
 public:
  Stream(SmallBroker& broker, std::string_view target, std::string_view fields = {})
      : broker_(broker), peer_(broker.subscriber()) {
    peer_.say(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n", target, fields));
    broker_.pass();
    const std::string answer = peer_.take();
    head_ = answer.substr(0, answer.find("\r\n\r\n") + 4);
    body_ = answer.substr(head_.size());
  }
  const std::string& head() const { return head_; }
  std::string text() {
    body_ += peer_.take();
    EXPECT_THAT(body_, Not(HasSubstr("\r\n0\r\n"))) << "it goes on";
    return fanout::testing::read_chunks(body_);
  }

 private:
  SmallBroker& broker_;
  Peer& peer_;
  std::string head_;
  std::string body_;
};

TEST(JsonLines, AreTheSameFromHistoryAsLiveWithChunksAndWithout) {
  SmallBroker broker;
  Stream live(broker, "/events?channel=a&channel=b/*&format=json");
  Peer& plain = broker.get("/events?channel=a&channel=b/*&format=json");
  for (const std::string_view channel : {"a", "b/1", "a", "c", "b/2"}) {
    broker.publish(channel, channel);
  }
  const std::string text = live.text();
  EXPECT_EQ(body_of(plain.take()), text);
  for (const std::string& expected :
       {line("a", "a", 1), line("b/1", "b/1", 2), line("a", "a", 3), line("b/2", "b/2", 5)}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
  EXPECT_THAT(text, Not(HasSubstr("\"c\"")));
  EXPECT_EQ(
      Stream(broker, "/events?channel=a&channel=b/*&format=json&last_event_id=earliest").text(),
      text);
  EXPECT_EQ(body_of(broker.get("/events?channel=a&channel=b/*&format=json&replay=4").take()), text);
}

TEST(JsonLines, HaveTheTimeOfEachEvent) {
  SmallBroker broker;
  Stream live(broker, "/events?channel=a&format=json");
  std::string expected;
  for (int i = 1; i <= 3; ++i) {
    const auto second = broker.date().time_since_epoch().count();
    broker.publish("a", std::to_string(i));
    expected += line("a", std::to_string(i), i) +
                fmt::format("{:02}:{:02}Z\"}}\n", second / 60 % 60, second % 60);
    broker.pass(1700ms);
  }
  EXPECT_EQ(live.text(), expected);
  EXPECT_EQ(Stream(broker, "/events?channel=a&format=json&replay=3").text(), expected);
  EXPECT_EQ(Stream(broker, "/events?channel=a&format=json&last_event_id=ep0ch00-1").text(),
            expected.substr(expected.find('\n') + 1));
}

TEST(JsonLines, AreWhatAnAcceptThatNamesThemGets) {
  SmallBroker broker;
  for (const std::string_view type : {"application/x-ndjson", "application/jsonl"}) {
    Stream stream(broker, "/events?channel=a", fmt::format("Accept: {}\r\n", type));
    EXPECT_THAT(stream.head(), HasSubstr("Content-Type: application/x-ndjson; charset=utf-8\r\n"));
    EXPECT_THAT(stream.head(), HasSubstr("X-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(stream.head(), HasSubstr("Last-Event-ID: ep0ch00-0\r\n"));
    EXPECT_EQ(stream.text(), "") << "nothing but events, unless it is asked for";
  }
}

TEST(JsonLines, SayThePositionOnlyToThoseThatAskForIt) {
  SmallBroker broker;
  EXPECT_EQ(Stream(broker, "/events?channel=a&format=json&announce_position=always").text(),
            "{\"position\":\"ep0ch00-0\",\"id\":\"ep0ch00-0\"}\n");
  EXPECT_EQ(Stream(broker,
                   "/events?channel=a&format=json&announce_position=always&last_event_id=ep0ch00-0")
                .text(),
            "");
}

TEST(JsonLines, SayWhatIsMissing) {
  Options options;
  options.history.events = 1;
  SmallBroker broker(options);
  for (const std::string_view data : {"1", "2", "3"}) broker.publish("a", data);
  const std::string text =
      Stream(broker, "/events?channel=a&format=json", "Last-Event-ID: ep0ch00-1,a\r\n").text();
  EXPECT_THAT(text, StartsWith(R"({"gap":{"reason":"evicted","after":"ep0ch00-1",)"
                               R"("resumed":"ep0ch00-2"},"id":"ep0ch00-2"})"
                               "\n" +
                               line("a", "3", 3)));
  EXPECT_EQ(broker.counters().gaps_total, 1U);
}

TEST(JsonLines, SayThatAChannelIsFinishedWhereEventStreamsDo) {
  for (const std::string_view end_event : {"", "end"}) {
    Options options;
    options.delivery.end_event = end_event;
    SmallBroker broker(options);
    Peer& peer = broker.subscriber();
    peer.say("GET /events?channel=a&format=json HTTP/1.1\r\nHost: x\r\n\r\n");
    broker.publish("a", "x");
    broker.command("SSE.FINISH a\r\n");
    const std::string heard = peer.take();
    EXPECT_THAT(heard, EndsWith("0\r\n\r\n"));
    EXPECT_EQ(heard.find("{\"end\":true}\n") != std::string::npos, !end_event.empty());
  }
}

TEST(JsonLines, SayWhenToComeBackAndWhy) {
  Options options;
  options.limits.patterns = 0;
  SmallBroker broker(options);
  const std::string full = broker.get("/events?channel=a/*&format=json").take();
  EXPECT_THAT(body_of(full), StartsWith("{\"come_back\":{\"retry\":"));
  EXPECT_THAT(full, HasSubstr(",\"reason\":\"there are as many different patterns as "));
  EXPECT_THAT(full, EndsWith("},\"id\":\"ep0ch00-0\"}\n"));
  Peer& peer = broker.get("/events?channel=a&format=json");
  broker.drain();
  broker.pass(6s);
  EXPECT_THAT(body_of(peer.take()), StartsWith("{\"come_back\":{\"retry\":"));
}

TEST(JsonLines, HaveAHeartbeatThatIsNoLine) {
  Options options;
  options.delivery.heartbeat = 2s;
  SmallBroker broker(options);
  Stream stream(broker, "/events?channel=a&format=json");
  broker.pass(9s);
  broker.publish("a", "x");
  const std::string text = stream.text();
  EXPECT_THAT(text, StartsWith("   "));
  EXPECT_EQ(text.find_first_not_of(' '), text.find('{'));
  EXPECT_EQ(text.find('\n'), text.size() - 1) << "one line, whose blanks no parser sees";
}

TEST(JsonLines, AreKeptApartFromOtherStreamsOfTheSameChannel) {
  SmallBroker broker;
  Stream json(broker, "/events?channel=a&format=json");
  Stream raw(broker, "/events?channel=a&format=raw");
  Stream with(broker, "/events?channel=a&with=channel&announce_position=never");
  Stream events(broker, "/events?channel=a&announce_position=never");
  broker.publish("a", "x");
  EXPECT_THAT(json.text(), StartsWith(line("a", "x", 1)));
  EXPECT_EQ(raw.text(), "x");
  EXPECT_THAT(with.text(), EndsWith(":\n" + named("a", "x", 1)));
  EXPECT_THAT(events.text(), EndsWith(":\ndata: x\nid: ep0ch00-1\n\n"));
}

TEST(JsonLines, AreWhatAPollIsAnsweredIfItAsksForThem) {
  SmallBroker broker;
  for (const std::string_view channel : {"a", "b", "a"}) broker.publish(channel, channel);
  const std::string poll = "/events?channel=**&poll=1&format=json";
  const std::string answer = broker.get(poll + "&last_event_id=ep0ch00-1").take();
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/x-ndjson; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("Last-Event-ID: ep0ch00-3\r\n"));
  EXPECT_THAT(body_of(answer), StartsWith(line("b", "b", 2)));
  EXPECT_THAT(body_of(answer), HasSubstr(line("a", "a", 3)));
  EXPECT_EQ(body_of(broker.get(poll + "&last_event_id=ep0ch00-3").take()), "");
  EXPECT_THAT(body_of(broker.get(poll + "&last_event_id=0ther00-9").take()),
              StartsWith("{\"gap\":{\"reason\":\"restarted\""));
  EXPECT_THAT(
      body_of(
          broker.get("/events?channel=**&poll=1&with=channel&last_event_id=ep0ch00-1,b").take()),
      EndsWith(named("b", "b", 2) + named("a", "a", 3)));
}

TEST(JsonLines, NameTheChannelOfTheNewestOfEach) {
  SmallBroker broker;
  for (const std::string_view channel : {"a", "b", "a"}) broker.publish(channel, channel);
  const std::string text =
      body_of(broker.get("/events?channel=**&format=json&replay=1&each=channel").take());
  EXPECT_THAT(text, StartsWith(line("b", "b", 2)));
  EXPECT_THAT(text, HasSubstr("\n" + line("a", "a", 3)));
}

TEST(WithChannel, EachIdSaysWhoseItsEventIs) {
  SmallBroker broker;
  Stream live(broker, "/events?channel=**&with=channel&announce_position=never");
  Peer& plain = broker.get("/events?channel=**&with=channel");
  // Every character that a name may have.
  const std::string odd = "A.z_0~:@/-/";
  for (const std::string& channel : {std::string("a"), odd, std::string("a")}) {
    broker.publish(channel, "x");
  }
  const std::string events = named("a", "x", 1) + named(odd, "x", 2) + named("a", "x", 3);
  EXPECT_THAT(live.text(), EndsWith(":\n" + events));
  EXPECT_THAT(plain.take(), EndsWith(events));
  EXPECT_EQ(events_of(broker.get("/events?channel=**&with=channel&replay=3").take()), events);
}

TEST(WithChannel, ItsIdsResumeExactlyByEveryRoute) {
  SmallBroker broker;
  for (int i = 1; i <= 5; ++i) broker.publish(i % 2 == 0 ? "a/b:c@d" : "b", std::to_string(i));
  const std::string rest = named("a/b:c@d", "4", 4) + named("b", "5", 5);
  const std::string target = "/events?channel=**&with=channel";
  for (const std::string_view id : {"ep0ch00-3,b", "ep0ch00-3,a/b:c@d", "ep0ch00-3"}) {
    EXPECT_EQ(events_of(broker.get(target, fmt::format("Last-Event-ID: {}\r\n", id)).take()), rest)
        << id;
    for (const std::string_view name : {"last_event_id", "lastEventId", "Last-Event-ID"}) {
      EXPECT_EQ(events_of(broker.get(fmt::format("{}&{}={}", target, name, id)).take()), rest)
          << id;
    }
    Peer& post = broker.subscriber();
    const std::string body =
        fmt::format(R"({{"channels":["**"],"with":"channel","last_event_id":"{}"}})", id);
    post.say(
        fmt::format("POST /events HTTP/1.0\r\nContent-Type: application/json\r\n"
                    "Content-Length: {}\r\n\r\n{}",
                    body.size(), body));
    broker.pass();
    EXPECT_EQ(events_of(post.take()), rest) << id;
  }
  EXPECT_EQ(events_of(broker.get("/events?channel=**", "Last-Event-ID: ep0ch00-4,b\r\n").take()),
            "data: 5\nid: ep0ch00-5\n\n")
      << "also on a stream that does not name channels";
  EXPECT_EQ(broker.counters().gaps_total, 0U);
}

TEST(WithChannel, AGapAndAPositionHaveNone) {
  Options options;
  options.history.events = 1;
  SmallBroker broker(options);
  broker.publish("a", "1");
  broker.publish("a", "2");
  const std::string text =
      broker.get("/events?channel=a&with=channel", "Last-Event-ID: ep0ch00-0,a\r\n").take();
  EXPECT_THAT(text,
              HasSubstr("\"after\":\"ep0ch00-0\",\"resumed\":\"ep0ch00-1\"}\nid: ep0ch00-1\n"));
  EXPECT_THAT(text, EndsWith(named("a", "2", 2)));
  EXPECT_THAT(broker.get("/events?channel=a&with=channel").take(), HasSubstr("\nid: ep0ch00-2\n:"));
}

TEST(WithChannel, ReportsTheIdWithoutItsChannelToThoseThatWatch) {
  SmallBroker broker;
  broker.publish("a", "1");
  Peer& watcher = broker.publisher();
  watcher.say("{\"op\":\"watch\"}\n");
  broker.pass();
  broker.get("/events?channel=a", "Last-Event-ID: ep0ch00-1,a\r\n");
  EXPECT_THAT(watcher.take(), HasSubstr("\"cursor\":\"ep0ch00-1\""));
}

}  // namespace
}  // namespace fanfare::server
