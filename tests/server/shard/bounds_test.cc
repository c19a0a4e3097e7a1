// Every bound of [limits] that a shard keeps: what is just within it is taken, one more is not, and
// what has gone makes room.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::HasSubstr;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

int status_of(const std::string& answer) {
  return answer.starts_with("HTTP/1.") ? std::stoi(answer.substr(9, 3)) : 0;
}

int answered(SmallBroker& broker, Peer& peer, std::string_view request) {
  peer.say(request);
  broker.pass();
  return status_of(peer.take());
}

class Quiet final : public AdminSurface {
 public:
  AdminAnswer answer(std::string_view, const Snapshot&) override {
    return {.content_type = "text/plain", .body = "hello\n"};
  }
  std::string live_event(const Snapshot&) override { return {}; }
};

// ---- connections

TEST(Bounds, LimitThePublishersConnectedAtATime) {
  Options options;
  options.limits.ingest_connections = 3;
  SmallBroker broker(options);
  std::vector<Peer*> taken;
  const auto ping = [&](Peer& peer) {
    peer.say("PING\r\n");
    broker.pass();
    return peer.take() == "+PONG\r\n";
  };
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ping(*taken.emplace_back(&broker.publisher())));
  Peer& surplus = broker.publisher();
  EXPECT_FALSE(ping(surplus));
  EXPECT_TRUE(surplus.gone());
  EXPECT_EQ(broker.counters().ingest_connections_refused_total, 1U);
  EXPECT_EQ(broker.counters().ingest_connections_open, 3U);
  for (Peer* const peer : taken) EXPECT_TRUE(ping(*peer));
  for (int round = 0; round < 3; ++round) {
    taken.back()->hang_up();
    broker.pass();
    taken.back() = &broker.publisher();
    EXPECT_TRUE(ping(*taken.back())) << "one has gone, one more is taken";
  }
  EXPECT_EQ(broker.counters().ingest_connections_open, 3U);
}

// It was closed without a word, in which a Redis library sees a network error.
TEST(Bounds, OfPublishersAreNamedToTheSurplusInItsDialect) {
  const std::string sentence =
      "as many publishers are connected as [limits] ingest_connections allows (1); close one, or "
      "raise it";
  const std::string redis = "-ERR max number of clients reached: " + sentence + "\r\n";
  const std::string json = "{\"error\":\"" + sentence + "\"}\n";
  Options options;
  options.limits.ingest_connections = 1;
  SmallBroker broker(options);
  broker.publish("a", "x");
  const auto answer = [&broker](std::string_view first) {
    Peer& peer = broker.publisher();
    peer.say(first);
    broker.pass();
    EXPECT_TRUE(peer.ended()) << first;
    EXPECT_FALSE(peer.reset()) << first;
    std::string said = peer.take();
    peer.hang_up();
    broker.pass();
    return said;
  };
  EXPECT_EQ(answer("*1\r\n$4\r\nPING\r\n"), redis);
  EXPECT_EQ(answer("PUBLISH a b\r\nPUBLISH a c\r\n"), redis);
  EXPECT_EQ(answer("{\"channel\":\"a\",\"data\":\"x\"}\n"),
            "{\"ok\":false,\"error\":\"" + sentence + "\",\"line\":1}\n");
  const std::string post =
      answer("POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nxGET / HTTP/1.1\r\n");
  EXPECT_THAT(post, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(post, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(post, HasSubstr("Date: "));
  EXPECT_THAT(post, ::testing::EndsWith("\r\n\r\n" + json));
  EXPECT_THAT(answer("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"), ::testing::EndsWith("\r\n\r\n"));
  EXPECT_THAT(answer("\x16\x03\x01 TLS"), StartsWith("-ERR max number"));
  EXPECT_EQ(broker.counters().ingest_connections_refused_total, 6U);
  EXPECT_EQ(broker.counters().ingest_events_total, 1U);
  EXPECT_EQ(broker.closes(CloseReason::overloaded), 6U);
}

TEST(Bounds, OfPublishersAreNamedToASurplusThatIsSilentToo) {
  Options options;
  options.limits.ingest_connections = 1;
  SmallBroker broker(options);
  broker.publish("a", "x");
  Peer& silent = broker.publisher();
  Peer& half = broker.publisher();
  half.say("PUBL");
  broker.pass(500ms);
  EXPECT_FALSE(silent.gone());
  broker.pass(3s);
  for (Peer* const peer : {&silent, &half}) {
    EXPECT_THAT(peer->take(), StartsWith("-ERR max number of clients reached: "));
    EXPECT_TRUE(peer->ended());
  }
}

// Surplus that is only answered must not become another way to fill the broker. The rest was closed
// without a word.
TEST(Bounds, OfPublishersThatAreAnsweredWhy) {
  Options options;
  options.limits.ingest_connections = 1;
  SmallBroker broker(options);
  broker.publish("a", "x");
  std::vector<Peer*> surplus;
  for (std::uint32_t i = 0; i < kTurnedAwaySlots; ++i) surplus.push_back(&broker.publisher());
  broker.pass();
  for (Peer* const peer : surplus) EXPECT_FALSE(peer->gone());
  Peer& beyond = broker.publisher();
  Peer& talking = broker.publisher();
  talking.say("PUBLISH a b\r\n");
  broker.pass();
  for (Peer* const peer : {&beyond, &talking}) {
    EXPECT_TRUE(peer->gone()) << "at once: there is no place in which it could wait";
    EXPECT_EQ(peer->take(),
              "-ERR max number of clients reached: as many publishers are connected as [limits] "
              "ingest_connections allows (1); close one, or raise it\r\n");
  }
  EXPECT_EQ(broker.counters().connections_refused_total, 2U);
  EXPECT_EQ(broker.counters().ingest_connections_refused_total, kTurnedAwaySlots + 2U);
  EXPECT_EQ(broker.closes(CloseReason::overloaded), 2U);
  EXPECT_EQ(broker.counters().ingest_events_total, 1U);
  EXPECT_THAT(broker.get("/events?channel=a").take(), HasSubstr("200 OK"));
  broker.pass(10s);
  for (Peer* const peer : surplus) EXPECT_TRUE(peer->ended());
  EXPECT_EQ(broker.counters().ingest_connections_open, 1U);
  Peer& again = broker.publisher();
  again.say("PING\r\n");
  broker.pass();
  EXPECT_THAT(again.take(), StartsWith("-ERR max")) << "their places are free again";
}

TEST(Bounds, LimitTheOperatorsWithoutTakingRoomFromSubscribers) {
  Quiet surface;
  SmallBroker broker({}, &surface);
  std::vector<Peer*> taken;
  for (std::uint32_t i = 0; i < kAdminSlots; ++i) taken.push_back(&broker.operators());
  broker.pass();
  EXPECT_EQ(broker.counters().admin_connections_open, kAdminSlots);
  for (std::uint32_t i = 0; i < kSpareSlots; ++i) {
    Peer& surplus = broker.operators();
    broker.pass();
    EXPECT_TRUE(surplus.gone());
  }
  EXPECT_EQ(broker.counters().admin_connections_refused_total, kSpareSlots);
  EXPECT_THAT(broker.get("/events?channel=a").take(), HasSubstr("200 OK"));
  broker.publish("a", "x");
  taken[7]->hang_up();
  broker.pass();
  EXPECT_EQ(answered(broker, broker.operators(), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
}

TEST(Bounds, AdmitASubscriberWhenAnotherHasLeft) {
  SmallBroker broker({}, nullptr, {}, 4);
  std::vector<Peer*> taken;
  for (int i = 0; i < 4; ++i) taken.push_back(&broker.get("/events?channel=a"));
  EXPECT_EQ(broker.counters().overload_answers_total, 0U);
  for (int round = 0; round < 3; ++round) {
    Peer& surplus = broker.get("/events?channel=a");
    surplus.hang_up();
    EXPECT_EQ(broker.counters().overload_answers_total, round + 1U);
    taken.back()->hang_up();
    broker.pass();
    taken.back() = &broker.get("/events?channel=a");
    EXPECT_FALSE(taken.back()->gone());
  }
  for (Peer* const peer : taken) peer->take();
  broker.publish("a", "x");
  for (Peer* const peer : taken) EXPECT_THAT(peer->take(), HasSubstr("data: x\n"));
}

// ---- subscriptions

std::string channels(int count) {
  std::string query;
  for (int i = 0; i < count; ++i) query += fmt::format("{}channel=c{}", i == 0 ? "?" : "&", i);
  return query;
}

std::string channels_body(int count) {
  std::string list;
  for (int i = 0; i < count; ++i) list += fmt::format("{}\"c{}\"", i == 0 ? "" : ",", i);
  return fmt::format("{{\"channels\":[{}]}}", list);
}

TEST(Bounds, LimitTheChannelsOfASubscription) {
  Options options;
  options.limits.channels_per_subscription = 5;
  SmallBroker broker(options);
  const auto get = [&](int count) {
    return status_of(broker.get("/events" + channels(count)).take());
  };
  EXPECT_EQ(get(4), 200);
  EXPECT_EQ(get(5), 200);
  EXPECT_EQ(get(6), 400);
  const auto post = [&](int count) {
    const std::string body = channels_body(count);
    return answered(broker, broker.subscriber(),
                    fmt::format("POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: "
                                "application/json\r\nContent-Length: {}\r\n\r\n{}",
                                body.size(), body));
  };
  EXPECT_EQ(post(5), 200);
  EXPECT_EQ(post(6), 400);
}

// ---- requests

TEST(Bounds, LimitTheTargetOfARequest) {
  Options options;
  options.limits.target_bytes = 300;
  SmallBroker broker(options);
  const auto get = [&](std::size_t size) {
    std::string target = "/events?channel=a&x=";
    target.resize(size, 'y');
    return answered(broker, broker.subscriber(),
                    fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", target));
  };
  EXPECT_EQ(get(300), 200);
  EXPECT_EQ(get(301), 414);
}

TEST(Bounds, LimitTheHeadOfARequest) {
  Options options;
  options.limits.head_bytes = 2048;
  SmallBroker broker(options);
  const auto get = [&](std::size_t size) {
    std::string head = "GET /events?channel=a HTTP/1.1\r\nHost: x\r\nX-Filler: ";
    head.resize(size - 4, 'y');
    return answered(broker, broker.subscriber(), head + "\r\n\r\n");
  };
  EXPECT_EQ(get(2048), 200);
  EXPECT_EQ(get(2049), 431);
}

TEST(Bounds, LimitTheFieldsOfARequest) {
  Options options;
  options.limits.head_fields = 10;
  SmallBroker broker(options);
  const auto get = [&](int count) {
    std::string head = "GET /events?channel=a HTTP/1.1\r\nHost: x\r\n";
    for (int i = 1; i < count; ++i) head += fmt::format("X-{}: y\r\n", i);
    return answered(broker, broker.subscriber(), head + "\r\n");
  };
  EXPECT_EQ(get(10), 200);
  EXPECT_EQ(get(11), 431);
}

std::string padded(std::size_t size) {
  std::string body = R"({"channels":["a"]})";
  body.resize(size, ' ');
  return body;
}

std::string posted(std::string_view body) {
  return fmt::format(
      "POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
      "{}\r\n\r\n{}",
      body.size(), body);
}

std::string posted_in_chunks(std::string_view body) {
  std::string request =
      "POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  for (; !body.empty(); body.remove_prefix(std::min<std::size_t>(body.size(), 100))) {
    const std::string_view chunk = body.substr(0, 100);
    request += fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk);
  }
  return request + "0\r\n\r\n";
}

TEST(Bounds, LimitTheBodyOfASubscriber) {
  Options options;
  options.limits.body_bytes = 1500;
  SmallBroker broker(options);
  EXPECT_EQ(answered(broker, broker.subscriber(), posted(padded(1500))), 200);
  EXPECT_EQ(answered(broker, broker.subscriber(), posted(padded(1501))), 413);
  EXPECT_EQ(answered(broker, broker.subscriber(), posted_in_chunks(padded(1500))), 200);
  EXPECT_EQ(answered(broker, broker.subscriber(), posted_in_chunks(padded(1501))), 413);
}

TEST(Bounds, LimitAllBodiesTogether) {
  Options options;
  options.limits.body_bytes = 40'000;
  options.limits.bodies_bytes = 100'000;
  SmallBroker broker(options);
  const std::string whole = posted_in_chunks(padded(40'000));
  // Three that have said all but the end of their last chunk: 100,000 bytes in all.
  const std::string third = posted_in_chunks(padded(20'000));
  const std::vector<std::string_view> requests = {whole, whole, third};
  for (int round = 0; round < 3; ++round) {
    std::vector<Peer*> peers;
    for (const std::string_view request : requests) {
      peers.push_back(&broker.subscriber());
      peers.back()->say(request.substr(0, request.size() - 5));
    }
    broker.pass();
    for (Peer* const peer : peers) EXPECT_EQ(peer->take(), "") << "exactly what is allowed";
    EXPECT_EQ(answered(broker, broker.subscriber(), posted(padded(18))), 503);
    EXPECT_EQ(answered(broker, broker.subscriber(),
                       "GET /events?channel=a HTTP/1.1\r\nHost: "
                       "x\r\n\r\n"),
              200)
        << "one without a body";
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (round == 1 && i == 1) {
        peers[i]->hang_up();  // one that never comes to its end
        continue;
      }
      EXPECT_EQ(answered(broker, *peers[i], "0\r\n\r\n"), 200);
      peers[i]->hang_up();
    }
    broker.pass();
  }
}

// ---- publishes

TEST(Bounds, LimitAllBodiesTogetherOverAllShards) {
  Options options;
  options.limits.bodies_bytes = 100'000;
  SmallBroker broker(options);
  broker.another_shard_receives(100'000 - 1000);
  EXPECT_EQ(answered(broker, broker.subscriber(), posted(padded(1000))), 200);
  EXPECT_EQ(answered(broker, broker.subscriber(), posted(padded(1001))), 503);
  EXPECT_EQ(answered(broker, broker.subscriber(), posted_in_chunks(padded(1001))), 503);
  EXPECT_EQ(answered(broker, broker.publisher(),
                     "POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n" +
                         std::string(2000, 'x')),
            200)
      << "publishers have a bound of their own";
}

TEST(Bounds, LimitAnEventInEachDialect) {
  Options options;
  options.limits.event_bytes = 1000;
  options.limits.event_name_bytes = 8;
  SmallBroker broker(options);
  const auto resp = [&](std::size_t size) {
    return broker.command(fmt::format("*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n${}\r\n{}\r\n", size,
                                      std::string(size, 'x')));
  };
  EXPECT_EQ(resp(1000), ":0\r\n");
  EXPECT_THAT(resp(1001), StartsWith("-"));
  Peer& lines = broker.publisher();
  const auto ndjson = [&](std::size_t size, std::size_t name) {
    lines.say(fmt::format("{{\"channel\":\"a\",\"data\":\"{}\",\"event\":\"{}\"}}\n",
                          std::string(size, 'x'), std::string(name, 'n')));
    broker.pass();
    return lines.take().starts_with("{\"ok\":true");
  };
  EXPECT_TRUE(ndjson(1000, 8));
  EXPECT_FALSE(ndjson(1001, 8));
  EXPECT_FALSE(ndjson(1000, 9));
  EXPECT_TRUE(ndjson(1, 1)) << "and it goes on";
  const auto http = [&](std::size_t size) {
    return answered(broker, broker.publisher(),
                    fmt::format("POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Length: "
                                "{}\r\n\r\n{}",
                                size, std::string(size, 'x')));
  };
  EXPECT_EQ(http(1000), 200);
  EXPECT_EQ(http(1001), 413);
}

TEST(Bounds, LimitABatchOfEvents) {
  Options options;
  options.limits.ingest_batch_bytes = 2000;
  options.limits.event_bytes = 1000;
  SmallBroker broker(options);
  const auto batch = [&](std::size_t size) {
    std::string lines = "{\"channel\":\"a\",\"data\":\"1\"}\n{\"channel\":\"a\",\"data\":\"2\"}\n";
    lines.insert(lines.size() - 1, std::string(size - lines.size(), ' '));
    return answered(broker, broker.publisher(),
                    fmt::format("POST /publish HTTP/1.1\r\nHost: x\r\nContent-Type: "
                                "application/x-ndjson\r\nContent-Length: {}\r\n\r\n{}",
                                lines.size(), lines));
  };
  EXPECT_EQ(batch(2000), 200);
  EXPECT_EQ(batch(2001), 413);
  EXPECT_EQ(broker.counters().ingest_events_total, 2U);
}

TEST(Bounds, LimitTheChannelsThatExistAtATime) {
  Options options;
  options.limits.channels = 3;
  SmallBroker broker(options);
  for (const std::string_view channel : {"a", "b", "c"}) broker.publish(channel, "x");
  EXPECT_THAT(broker.command("PUBLISH d x"), StartsWith("-"));
  EXPECT_THAT(broker.command("SSE.FINISH d"), StartsWith("-"));
  EXPECT_EQ(broker.command("PUBLISH a y"), ":0\r\n");
}

// ---- what is remembered

TEST(Bounds, LimitTheClosesThatAreRemembered) {
  SmallBroker broker;
  for (int i = 0; i < 20; ++i) {
    broker.get(fmt::format("/events?channel=c{}", i)).hang_up();
    broker.pass();
  }
  const ShardSnapshot snapshot = broker.snapshot();
  ASSERT_EQ(snapshot.recent_closes.size(), 16U);
  EXPECT_EQ(snapshot.recent_closes.front().topics, "c4");
  EXPECT_EQ(snapshot.recent_closes.back().topics, "c19");
}

}  // namespace
}  // namespace fanfare::server
