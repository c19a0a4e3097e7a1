// Streams that are compressed once for all members of their feed: what a client reads is what it
// would have read without.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fanout/sse_reader.h"
#include "tests/server/h2_client.h"
#include "tests/server/small_broker.h"
#include "tests/wire/gunzip.h"

#include "common/random.h"

namespace fanfare::server {
namespace {

using gzip_test::Gunzip;
using ::testing::AllOf;
using testing::channel_rule;
using ::testing::EndsWith;
using testing::H2Client;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

Options compressing() {
  Options options;
  options.delivery.compress = true;
  return options;
}

// One client with a stream, over HTTP/1.1 or 1.0, that takes gzip.
class Client {
 public:
  explicit Client(SmallBroker& broker, std::string_view target = "/events?channel=a",
                  std::string_view fields = "", int version = 1, bool pass = true)
      : chunked_(version == 1), peer_(broker.subscriber()) {
    peer_.say(fmt::format("GET {} HTTP/1.{}\r\nHost: x\r\nAccept-Encoding: gzip, br\r\n{}\r\n",
                          target, version, fields));
    if (pass) broker.pass();
  }

  // The text since this was last asked.
  std::string take() {
    listen();
    return std::exchange(text_, {});
  }
  const std::string& head() {
    listen();
    return head_;
  }
  // Bytes of the body, its chunks' sizes included.
  std::size_t bytes() {
    listen();
    return bytes_;
  }
  bool complete() {
    listen();
    return gunzip_.complete() && (!chunked_ || last_chunk_);
  }
  bool broken() {
    listen();
    return gunzip_.broken();
  }
  Peer& peer() { return peer_; }

 private:
  void listen() {
    pending_ += peer_.take();
    if (head_.empty()) {
      const std::size_t end = pending_.find("\r\n\r\n");
      if (end == std::string::npos) return;
      head_ = pending_.substr(0, end + 4);
      pending_.erase(0, end + 4);
    }
    bytes_ += pending_.size();
    if (!chunked_) {
      text_ += gunzip_.take(std::exchange(pending_, {}));
      return;
    }
    while (!last_chunk_) {
      const std::size_t line = pending_.find("\r\n");
      if (line == std::string::npos) break;
      const std::size_t size = std::stoul(pending_.substr(0, line), nullptr, 16);
      if (size == 0) {
        last_chunk_ = true;
        break;
      }
      if (pending_.size() < line + 2 + size + 2) break;
      text_ += gunzip_.take(std::string_view(pending_).substr(line + 2, size));
      pending_.erase(0, line + 2 + size + 2);
    }
    bytes_ -= pending_.size();
  }

  bool chunked_;
  Peer& peer_;
  Gunzip gunzip_;
  std::string pending_;
  std::string head_;
  std::string text_;
  std::size_t bytes_ = 0;
  bool last_chunk_ = false;
};

std::string event(std::string_view data, int sequence) {
  return fmt::format("data: {}\nid: {}-{}\n\n", data, SmallBroker::kEpoch, sequence);
}

std::string metrics(int value) {
  return fmt::format(R"({{"host":"srv-fra-07","cpu":{{"user":{0},"system":4.1,"idle":83.2}},)"
                     R"("memory":{{"used":8340119552,"cached":214827008}},"n":{0}}})",
                     value);
}

// ---- negotiation

TEST(Gzip, IsForClientsThatAcceptItWhereItIsConfigured) {
  SmallBroker broker(compressing());
  EXPECT_THAT(Client(broker).head(),
              AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("\r\nContent-Encoding: gzip\r\n"),
                    HasSubstr("\r\nVary: Accept-Encoding\r\n"), HasSubstr("no-transform")));
  for (const std::string_view fields :
       {"", "Accept-Encoding: br\r\n", "Accept-Encoding: gzip;q=0\r\n"}) {
    EXPECT_THAT(broker.get("/events?channel=a", fields).take(),
                AllOf(Not(HasSubstr("Content-Encoding")),
                      HasSubstr("\r\nVary: Accept-Encoding\r\n"), HasSubstr("\r\n\r\nretry: ")))
        << fields;
  }
}

TEST(Gzip, IsOffUnlessItIsConfigured) {
  SmallBroker broker;
  EXPECT_THAT(
      broker.get("/events?channel=a", "Accept-Encoding: gzip\r\n").take(),
      AllOf(Not(HasSubstr("Content-Encoding")), Not(HasSubstr("Vary")), HasSubstr("retry: ")));
}

TEST(Gzip, IsForStreamsOfWhichEveryChannelMayBeCompressed) {
  Options options;
  channel_rule(options, "metrics").compress = true;
  channel_rule(options, "news").compress = true;
  channel_rule(options, "secret").compress = false;
  SmallBroker broker(options);
  const auto packed = [&](std::string_view query) {
    const std::string head =
        broker.get(fmt::format("/events?{}", query), "Accept-Encoding: gzip\r\n").take();
    return head.find("Content-Encoding: gzip") != std::string::npos;
  };
  EXPECT_TRUE(packed("channel=metrics"));
  EXPECT_TRUE(packed("channel=metrics&channel=news"));
  EXPECT_FALSE(packed("channel=metrics&channel=secret"));
  EXPECT_FALSE(packed("channel=metrics&channel=unnamed"));
}

TEST(Gzip, OfHeadRequestsIsSaidAndHoldsNothing) {
  SmallBroker broker(compressing());
  Peer& peer = broker.subscriber();
  peer.say("HEAD /events?channel=a HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
  broker.pass();
  EXPECT_THAT(peer.take(), HasSubstr("\r\nContent-Encoding: gzip\r\n"));
  EXPECT_EQ(broker.counters().compressors, 0U);
}

TEST(Gzip, AFinishedChannelIsAnsweredWithNoBodyAndNoCoding) {
  SmallBroker broker(compressing());
  broker.publish("a", "1");
  broker.command("SSE.FINISH a");
  EXPECT_THAT(broker.get("/events?channel=a", "Accept-Encoding: gzip\r\n").take(),
              AllOf(HasSubstr(" 204 "), Not(HasSubstr("Content-Encoding"))));
  EXPECT_EQ(broker.counters().compressors, 0U);
}

TEST(Gzip, BeyondItsLimitStreamsAreNotCompressed) {
  Options options = compressing();
  options.limits.compressors = 1;
  SmallBroker broker(options);
  Client one(broker);
  Client same(broker);
  EXPECT_THAT(same.head(), HasSubstr("Content-Encoding: gzip"));
  EXPECT_THAT(broker.get("/events?channel=b", "Accept-Encoding: gzip\r\n").take(),
              AllOf(Not(HasSubstr("Content-Encoding")), HasSubstr("retry: ")));
  EXPECT_EQ(broker.counters().compressors_refused_total, 1U);
  one.peer().hang_up();
  same.peer().hang_up();
  broker.pass();
  EXPECT_THAT(Client(broker, "/events?channel=b").head(), HasSubstr("Content-Encoding: gzip"));
}

// ---- what is read

TEST(Gzip, EventsAreReadAsTheyComeAndInAFractionOfTheBytes) {
  SmallBroker broker(compressing());
  Client client(broker);
  EXPECT_THAT(client.take(), StartsWith("retry: "));
  const std::size_t opening = client.bytes();
  std::size_t text = 0;
  for (int i = 1; i <= 100; ++i) {
    broker.publish("a", metrics(i));
    EXPECT_EQ(client.take(), event(metrics(i), i));
    text += event(metrics(i), i).size();
  }
  EXPECT_GT(text, 5 * (client.bytes() - opening));
  EXPECT_EQ(broker.counters().compressed_text_bytes_total, text);
}

TEST(Gzip, IsDoneOnceForAllMembersOfAFeed) {
  SmallBroker broker(compressing());
  std::list<Client> clients;
  for (int i = 0; i < 8; ++i) clients.emplace_back(broker);
  for (Client& client : clients) client.take();
  for (int i = 1; i <= 10; ++i) broker.publish("a", metrics(i));
  std::string all;
  for (int i = 1; i <= 10; ++i) all += event(metrics(i), i);
  for (Client& client : clients) EXPECT_EQ(client.take(), all);
  EXPECT_EQ(broker.counters().compressed_text_bytes_total, all.size());
}

TEST(Gzip, EveryFormIsCompressed) {
  SmallBroker broker(compressing());
  Client json(broker, "/events?channel=a&format=json");
  Client raw(broker, "/events?channel=a&format=raw");
  Client named(broker, "/events?channel=a&with=channel");
  Client old(broker, "/events?channel=a", "", 0);
  for (Client* client : {&json, &raw, &named, &old}) client->take();
  broker.publish("a", "one");
  EXPECT_THAT(json.take(), AllOf(HasSubstr("\"data\":\"one\""), EndsWith("}\n")));
  EXPECT_EQ(raw.take(), "one");
  EXPECT_EQ(named.take(), "data: one\nid: ep0ch00-1,a\n\n");
  EXPECT_EQ(old.take(), event("one", 1));
  // Without a byte to send.
  broker.publish("a", "");
  EXPECT_EQ(raw.take(), "");
  broker.publish("a", "three");
  EXPECT_EQ(raw.take(), "three");
}

TEST(Gzip, WorksOverHttp2AndEndsThere) {
  SmallBroker broker(compressing());
  H2Client client(broker);
  client.say(h2_test::get(1, "/events?channel=a", {{"accept-encoding", "gzip"}}) +
             h2_test::get(3, "/events?channel=a"));
  EXPECT_EQ(client.field(1, "content-encoding"), "gzip");
  EXPECT_EQ(client.field(3, "content-encoding"), "");
  Gunzip gunzip;
  EXPECT_THAT(gunzip.take(client.said(1)), StartsWith("retry: "));
  client.said(3);
  for (int i = 1; i <= 5; ++i) {
    broker.publish("a", metrics(i));
    EXPECT_EQ(gunzip.take(client.said(1)), event(metrics(i), i));
    EXPECT_EQ(client.said(3), event(metrics(i), i));
  }
  broker.command("SSE.FINISH a");
  gunzip.take(client.said(1));
  EXPECT_TRUE(gunzip.complete());
  EXPECT_EQ(client.end(1), "complete");
}

// ---- who comes later

TEST(Gzip, ALateClientReadsOnFromTheHistory) {
  SmallBroker broker(compressing());
  Client early(broker);
  for (int i = 1; i <= 20; ++i) broker.publish("a", metrics(i));
  Client late(broker, "/events?channel=a", "Last-Event-ID: ep0ch00-5\r\n");
  std::string all;
  for (int i = 6; i <= 20; ++i) all += event(metrics(i), i);
  EXPECT_THAT(late.take(), EndsWith(all));
  early.take();
  for (int i = 21; i <= 100; ++i) {
    broker.publish("a", metrics(i));
    EXPECT_EQ(late.take(), event(metrics(i), i));
    EXPECT_EQ(early.take(), event(metrics(i), i));
  }
}

// It is no member yet, so it might have had to find each event in the history.
TEST(Gzip, AClientThatWaitsToJoinMissesNothingWithoutAHistory) {
  Options options = compressing();
  options.history.events = 0;
  SmallBroker broker(options);
  Client early(broker);
  broker.publish("a", metrics(1));
  Client late(broker);
  late.take();
  EXPECT_EQ(broker.reported().subscribers_behind, 0U);
  for (int i = 2; i <= 80; ++i) {
    broker.publish("a", metrics(i));
    EXPECT_EQ(late.take(), event(metrics(i), i));
  }
  const std::size_t before = late.bytes();
  broker.publish("a", metrics(81));
  EXPECT_LT(late.bytes() - before, 60U) << "it has joined by then";
}

TEST(Gzip, ClientsThatWaitGoOnWhenTheLastMemberLeaves) {
  Options options = compressing();
  options.history.events = 0;
  SmallBroker broker(options);
  Client early(broker);
  broker.publish("a", metrics(1));
  Client one(broker);
  Client two(broker);
  broker.publish("a", metrics(2));
  early.peer().hang_up();
  broker.pass();
  one.take();
  two.take();
  for (int i = 3; i <= 6; ++i) {
    broker.publish("a", metrics(i));
    EXPECT_EQ(one.take(), event(metrics(i), i));
    EXPECT_EQ(two.take(), event(metrics(i), i));
  }
}

TEST(Gzip, AClientThatGoesWhileItWaitsIsForgotten) {
  SmallBroker broker(compressing());
  Client early(broker);
  broker.publish("a", metrics(1));
  Client one(broker);
  Client two(broker);
  Client three(broker);
  for (Client* client : {&two, &three}) client->take();
  one.peer().hang_up();
  broker.pass();
  for (int i = 2; i <= 40; ++i) {
    broker.publish("a", metrics(i));
    EXPECT_EQ(two.take(), event(metrics(i), i));
    EXPECT_EQ(three.take(), event(metrics(i), i));
  }
}

// ---- what only one of them is sent

TEST(Gzip, HeartbeatsReachMembersAndThoseThatWait) {
  SmallBroker broker(compressing());
  Client member(broker, "/events?channel=a&heartbeat=2s");
  Client quiet(broker, "/events?channel=a&heartbeat=60s");
  broker.publish("a", metrics(1));
  Client waits(broker, "/events?channel=a&heartbeat=2s&heartbeat_event=ping");
  for (Client* client : {&member, &quiet, &waits}) client->take();
  broker.pass(5s);
  EXPECT_THAT(member.take(), StartsWith(":\n"));
  EXPECT_THAT(waits.take(), HasSubstr("event: ping\n"));
  EXPECT_EQ(quiet.take(), "");
  for (int i = 2; i <= 80; ++i) {
    broker.publish("a", metrics(i));
    if (i % 7 == 0) broker.pass(3s);
    for (Client* client : {&member, &quiet, &waits}) {
      EXPECT_THAT(client->take(), HasSubstr(event(metrics(i), i)));
    }
  }
  broker.command("SSE.FINISH a");
  for (Client* client : {&member, &quiet, &waits}) EXPECT_TRUE(client->complete());
}

TEST(Gzip, GapsAreReadAndWhatFollowsThem) {
  Options options = compressing();
  options.history.events = 2;
  SmallBroker broker(options);
  Client early(broker);
  for (int i = 1; i <= 5; ++i) broker.publish("a", metrics(i));
  Client late(broker, "/events?channel=a", "Last-Event-ID: ep0ch00-1\r\n");
  EXPECT_THAT(late.take(), AllOf(HasSubstr("event: gap\ndata: {\"reason\":\"evicted\""),
                                 EndsWith(event(metrics(4), 4) + event(metrics(5), 5))));
  broker.publish("a", metrics(6));
  EXPECT_EQ(late.take(), event(metrics(6), 6));
}

TEST(Gzip, AClientThatStoppedReadingIsSentItsGapAndAllThatIsLeft) {
  Options options = compressing();
  options.delivery.slow = SlowPolicy::skip;
  options.history.events = 10;
  sim::Faults faults;
  faults.socket_buffer_min = faults.socket_buffer_max = 4096;
  SmallBroker broker(options, nullptr, faults);
  Client slow(broker);
  Client other(broker);
  slow.take();
  slow.peer().stop_reading();
  Random random(3);
  std::string last;
  for (int i = 1; i <= 400; ++i) {
    std::string noise(100, ' ');
    for (char& c : noise) c = static_cast<char>('!' + random.below(90));
    broker.publish("a", noise);
    last = event(noise, i);
    EXPECT_THAT(other.take(), EndsWith(last));
  }
  slow.peer().read_on();
  broker.pass(1s);
  EXPECT_THAT(slow.take(),
              AllOf(HasSubstr("event: gap\ndata: {\"reason\":\"slow\""), EndsWith(last)));
  EXPECT_FALSE(slow.broken());
  broker.command("SSE.FINISH a");
  EXPECT_TRUE(slow.complete());
  EXPECT_TRUE(other.complete());
}

// ---- how it ends

TEST(Gzip, ACleanEndHasTheSumOfWhatItsClientRead) {
  Options options = compressing();
  options.delivery.end_event = "end";
  SmallBroker broker(options);
  Client early(broker);
  for (int i = 1; i <= 10; ++i) broker.publish("a", metrics(i));
  Client late(broker, "/events?channel=a&replay=3");
  Client old(broker, "/events?channel=a", "", 0);
  broker.publish("a", metrics(11));
  broker.command("SSE.FINISH a");
  for (Client* client : {&early, &late, &old}) {
    EXPECT_THAT(client->take(), EndsWith(event(metrics(11), 11) + "event: end\ndata: \n\n"));
    EXPECT_TRUE(client->complete());
  }
  EXPECT_EQ(broker.reported().compressors, 0U);
}

TEST(Gzip, AStreamThatIsToComeBackHasNoEnd) {
  SmallBroker broker(compressing());
  Client member(broker);
  broker.publish("a", metrics(1));
  Client waits(broker);
  member.take();
  waits.take();
  broker.drain();
  broker.pass(10s);
  for (Client* client : {&member, &waits}) {
    EXPECT_THAT(client->take(), StartsWith("retry: "));
    EXPECT_FALSE(client->complete());
    EXPECT_FALSE(client->broken());
    EXPECT_TRUE(client->peer().gone());
  }
}

// ---- all of it

// Clients come, go, stop reading and read on; events come one at a time or many, with silences in
// which there are heartbeats. Each of them that stays reads every event since it came, once and in
// order, and in the end is told that this was all.
TEST(Gzip, WhateverHappensEachClientReadsAllOfIt) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    Options options = compressing();
    options.delivery.slow = SlowPolicy::skip;
    sim::Faults faults;
    faults.socket_buffer_min = faults.socket_buffer_max = 4096;
    SmallBroker broker(options, nullptr, faults);
    struct One {
      One(SmallBroker& broker, std::string_view target, int version, int from)
          : client(broker, target, "", version), first(from) {}
      Client client;
      int first;  // the event it reads first
      bool reads = true;
      std::string text;
    };
    std::list<One> clients;
    int published = 0;
    for (int step = 0; step < 150; ++step) {
      const auto what = random.below(20);
      if (what < 4 && clients.size() < 10) {
        const auto replay = static_cast<int>(random.below(5));
        const auto heartbeat = 1 + random.below(4);
        clients.emplace_back(
            broker, fmt::format("/events?channel=a&replay={}&heartbeat={}s", replay, heartbeat),
            random.chance(0.2) ? 0 : 1, std::max(1, published - replay + 1));
      } else if (what < 5 && !clients.empty()) {
        clients.front().client.peer().hang_up();
        clients.pop_front();
        broker.pass();
      } else if (what < 7 && !clients.empty()) {
        One& one = clients.back();
        one.reads = !one.reads;
        one.reads ? one.client.peer().read_on() : one.client.peer().stop_reading();
      } else if (what < 8) {
        broker.pass(std::chrono::milliseconds(random.below(4'000)));
      } else {
        std::string burst;
        const bool many = random.chance(0.2);
        for (auto count = 1 + random.below(many ? 40 : 2); count > 0; --count) {
          burst += fmt::format("PUBLISH a {}\r\n", std::string(random.below(many ? 60 : 300), 'z') +
                                                       std::to_string(++published));
        }
        broker.command(burst);
      }
    }
    for (One& one : clients) {
      if (!one.reads) one.client.peer().read_on();
    }
    broker.pass(2s);
    broker.command("SSE.FINISH a");
    broker.pass(2s);
    for (One& one : clients) {
      one.text = one.client.take();
      EXPECT_TRUE(one.client.complete()) << "seed " << seed;
      const auto events = fanout::testing::read_events(one.text);
      int next = one.first;
      for (const auto& event : events) {
        if (event.type == "~position") continue;
        EXPECT_EQ(event.id, fmt::format("{}-{}", SmallBroker::kEpoch, next)) << "seed " << seed;
        EXPECT_THAT(event.data, EndsWith(std::to_string(next)));
        ++next;
      }
      EXPECT_EQ(next, published + 1) << "seed " << seed;
    }
    if (::testing::Test::HasFailure()) return;
  }
}

// A round takes a turn for each 256 of its members. What happens between two of them finds members
// that have had it and others that have not.
TEST(Gzip, ClientsComeAndGoInTheMiddleOfARound) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Random random(seed);
    Options options = compressing();
    options.history.events = 0;
    SmallBroker broker(options, nullptr, {}, 800);
    std::list<Client> clients;
    for (int i = 0; i < 600; ++i) {
      clients.emplace_back(broker, "/events?channel=a&heartbeat=1s", "", 1, false);
    }
    broker.pass();
    for (Client& client : clients) client.take();
    Peer& publisher = broker.publisher();
    int published = 0;
    for (int turn = 0; turn < 300; ++turn) {
      if (random.chance(0.3)) {
        const std::string data = metrics(++published);
        publisher.say(
            fmt::format("*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n${}\r\n{}\r\n", data.size(), data));
      }
      if (random.chance(0.3) && clients.size() < 780) {
        clients.emplace_back(broker, "/events?channel=a&heartbeat=1s", "", 1, false);
      }
      if (random.chance(0.2)) {
        auto one = clients.begin();
        std::advance(one, static_cast<std::ptrdiff_t>(random.below(clients.size())));
        one->peer().hang_up();
        clients.erase(one);
      }
      if (random.chance(0.02)) broker.pass(1500ms);
      broker.turn();
    }
    broker.pass(2s);
    broker.command("SSE.FINISH a");
    broker.pass();
    for (Client& client : clients) {
      const auto events = fanout::testing::read_events(client.take());
      EXPECT_TRUE(client.complete());
      if (events.empty()) continue;
      int next = published - static_cast<int>(events.size()) + 1;
      for (const auto& event : events) {
        EXPECT_EQ(event.id, fmt::format("{}-{}", SmallBroker::kEpoch, next));
        EXPECT_EQ(event.data, metrics(next++));
      }
    }
    EXPECT_EQ(broker.counters().gaps_total, 0U);
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace fanfare::server
