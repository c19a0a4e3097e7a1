#include "broker/client/subscription.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <variant>

#include "tests/client/scripted_server.h"

namespace fanfare::client {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kStream =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";
constexpr std::string_view kNothingMore =
    "HTTP/1.1 204 No Content\r\nContent-Type: text/event-stream\r\n\r\n";

std::string chunk(std::string_view text) {
  return fmt::format("{:x}\r\n{}\r\n", text.size(), text);
}

std::string event(int sequence) {
  return chunk(fmt::format("id: e-{}\ndata: {}\n\n", sequence, sequence));
}

TimePoint soon() {
  return monotonic_now() + 20s;
}

SubscriptionOptions quick(const std::string& address) {
  return {.address = address, .channels = {"news"}, .retry = 1ms};
}

template <class T>
T expect_next(Subscription& subscription) {
  auto item = subscription.next(soon());
  if (!item) {
    ADD_FAILURE() << item.error().message;
    return T{};
  }
  if (!std::holds_alternative<T>(*item)) {
    ADD_FAILURE() << "another kind of item: " << item->index();
    return T{};
  }
  return std::get<T>(std::move(*item));
}

Error expect_error(Subscription& subscription) {
  auto item = subscription.next(soon());
  if (item) {
    ADD_FAILURE() << "an item, not an error: " << item->index();
    return {};
  }
  return item.error();
}

TEST(Subscription, AsksForItsChannelsAsABrowserDoes) {
  std::string head;
  const ScriptedServer server([&](int, ServedConnection& served) {
    head = served.read_head();
    served.write(kStream);
    served.read_all();
  });
  SubscriptionOptions options = quick(server.address());
  options.channels = {"news", "metrics/**", "a b"};
  options.replay = 5;
  options.fields = {{"Authorization", "Bearer x"}};
  Subscription subscription(options);
  EXPECT_EQ(expect_next<Opened>(subscription).last_event_id, "");
  EXPECT_THAT(head, StartsWith("GET /events?channel=news&channel=metrics/**&channel=a%20b"
                               "&replay=5 HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(head, HasSubstr("\r\nAccept: text/event-stream\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nAuthorization: Bearer x\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Last-Event-ID")));
}

TEST(Subscription, GivesEventsInOrderHoweverTheyAreCut) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write(kStream);
    const std::string bytes = chunk("retry: 1\n:\nevent: tick\nid: e-1\nda") +
                              chunk("ta: \xc3\xa9\ndata:  two\n\n") + event(2);
    for (const char byte : bytes) served.write({&byte, 1});
    served.read_all();
  });
  Subscription subscription(quick(server.address()));
  expect_next<Opened>(subscription);
  const auto first = expect_next<ReceivedEvent>(subscription);
  EXPECT_EQ(first.type, "tick");
  EXPECT_EQ(first.data, "\xc3\xa9\n two");
  EXPECT_EQ(first.id, "e-1");
  const auto second = expect_next<ReceivedEvent>(subscription);
  EXPECT_EQ(second.type, "message");
  EXPECT_EQ(second.id, "e-2");
  EXPECT_EQ(subscription.last_event_id(), "e-2");
}

TEST(Subscription, ResumesAfterACleanEndACutAndAReset) {
  std::vector<std::string> heads;
  const ScriptedServer server([&](int connection, ServedConnection& served) {
    heads.push_back(served.read_head());
    if (connection == 3) {
      served.write(kNothingMore);
      return;
    }
    served.write(kStream);
    served.write(event(connection + 1));
    if (connection == 0) served.write(kLastChunk);
    if (connection == 1) served.write("5\r\nda");  // an event that never becomes whole
    if (connection == 2) served.reset();
  });
  Subscription subscription(quick(server.address()));
  std::vector<std::string> ids;
  std::vector<std::string> losses;
  for (bool finished = false; !finished;) {
    const auto item = subscription.next(soon());
    ASSERT_TRUE(item) << item.error().message;
    if (const auto* seen = std::get_if<ReceivedEvent>(&*item)) ids.push_back(seen->id);
    if (const auto* lost = std::get_if<Lost>(&*item)) losses.push_back(lost->why);
    finished = std::holds_alternative<Finished>(*item);
  }
  // A reset may overtake the event before it; then it would come again after the resumption.
  ids.resize(std::min<std::size_t>(ids.size(), 2));
  EXPECT_EQ(ids, (std::vector<std::string>{"e-1", "e-2"}));
  ASSERT_EQ(losses.size(), 3U);
  EXPECT_EQ(losses[0], "the broker ended the stream");
  EXPECT_EQ(losses[1], "the connection was cut");
  ASSERT_EQ(heads.size(), 4U);
  EXPECT_THAT(heads[1], HasSubstr("Last-Event-ID: e-1\r\n"));
  EXPECT_THAT(heads[2], HasSubstr("Last-Event-ID: e-2\r\n"));
}

TEST(Subscription, StopsForGoodAt204) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write(kNothingMore);
  });
  Subscription subscription(quick(server.address()));
  expect_next<Finished>(subscription);
  expect_next<Finished>(subscription);
}

TEST(Subscription, DistinguishesGapsFromEvents) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write(kStream);
    served.write(
        chunk("event: gap\ndata: {\"reason\":\"restarted\",\"after\":\"a-9\","
              "\"resumed\":\"b-3\"}\nid: b-3\n\n"));
    served.write(chunk("event: gap\ndata: not json\nid: b-4\n\n"));
    served.read_all();
  });
  Subscription subscription(quick(server.address()));
  expect_next<Opened>(subscription);
  const auto gap = expect_next<ReceivedGap>(subscription);
  EXPECT_EQ(gap.reason, "restarted");
  EXPECT_EQ(gap.after, "a-9");
  EXPECT_EQ(gap.resumed, "b-3");
  EXPECT_EQ(expect_next<ReceivedGap>(subscription).reason, "unknown");
  EXPECT_EQ(subscription.last_event_id(), "b-4");
}

TEST(Subscription, TakesGapsForEventsWhenTheirNameIsEmpty) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write(kStream);
    served.write(chunk("event: gap\ndata: mine\n\n"));
    served.read_all();
  });
  SubscriptionOptions options = quick(server.address());
  options.gap_event = "";
  Subscription subscription(options);
  expect_next<Opened>(subscription);
  EXPECT_EQ(expect_next<ReceivedEvent>(subscription).type, "gap");
}

TEST(Subscription, WaitsAsLongAsTheServerAsked) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write(kStream);
    served.write(chunk("retry: 60000\n:\n"));
  });
  Subscription subscription(quick(server.address()));
  expect_next<Opened>(subscription);
  const auto lost = expect_next<Lost>(subscription);
  EXPECT_GE(lost.retry_in, 60s);
  EXPECT_LE(lost.retry_in, 90s);
  const auto item = subscription.next(monotonic_now() + 1ms);
  ASSERT_FALSE(item);
  EXPECT_EQ(item.error().fault, Fault::timeout);
}

TEST(Subscription, KeepsTryingWhileNobodyListens) {
  Subscription subscription(quick(refused_address()));
  Duration last{};
  for (int i = 0; i < 4; ++i) {
    const auto lost = expect_next<Lost>(subscription);
    EXPECT_THAT(lost.why, HasSubstr("cannot connect to 127.0.0.1:"));
    EXPECT_GT(lost.retry_in * 3, last * 2);  // doubles, give or take the jitter
    last = lost.retry_in;
  }
}

TEST(Subscription, TakesSilenceForADeadConnection) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write(kStream);
    served.read_all();
  });
  SubscriptionOptions options = quick(server.address());
  options.heartbeat_timeout = 30ms;
  Subscription subscription(options);
  expect_next<Opened>(subscription);
  EXPECT_THAT(expect_next<Lost>(subscription).why, HasSubstr("not even a heartbeat"));
  expect_next<Opened>(subscription);
}

TEST(Subscription, LivesOnHeartbeatsAlone) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write(kStream);
    served.read_all();
  });
  SubscriptionOptions options = quick(server.address());
  options.heartbeat_timeout = 1h;
  Subscription subscription(options);
  expect_next<Opened>(subscription);
  const auto nothing = subscription.next(monotonic_now() + 10ms);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().fault, Fault::timeout);
}

TEST(Subscription, GivesUpOnAServerThatAcceptsAndSaysNothing) {
  const ScriptedServer server([&](int, ServedConnection& served) { served.read_all(); });
  SubscriptionOptions options = quick(server.address());
  options.connect_timeout = 30ms;
  Subscription subscription(options);
  EXPECT_THAT(expect_next<Lost>(subscription).why, HasSubstr("did not answer"));
}

TEST(Subscription, TriesAgainAfterAStatusThatPasses) {
  const ScriptedServer server([&](int connection, ServedConnection& served) {
    served.read_head();
    if (connection == 0) {
      served.write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\ndraining\n");
    } else {
      served.write(kStream);
      served.read_all();
    }
  });
  Subscription subscription(quick(server.address()));
  EXPECT_THAT(expect_next<Lost>(subscription).why, HasSubstr("status 503: draining"));
  expect_next<Opened>(subscription);
}

TEST(Subscription, SaysWhyItWasRefused) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 20\r\n\r\nthe name has a space");
  });
  Subscription subscription(quick(server.address()));
  const Error error = expect_error(subscription);
  EXPECT_EQ(error.fault, Fault::refused);
  EXPECT_THAT(error.message, HasSubstr("status 400: the name has a space"));
  EXPECT_EQ(expect_error(subscription).fault, Fault::refused);
}

TEST(Subscription, RefusesWhatIsNoEventStream) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi");
  });
  Subscription subscription(quick(server.address()));
  EXPECT_THAT(expect_error(subscription).message, HasSubstr("\"text/html\""));
}

TEST(Subscription, TriesAgainWhenTheAnswerIsNotHttp) {
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write("-ERR what is this\r\n");
  });
  Subscription subscription(quick(server.address()));
  EXPECT_THAT(expect_next<Lost>(subscription).why, HasSubstr("did not answer with HTTP"));
}

TEST(Subscription, ReportsAConnectionThatEndsWithoutAnAnswer) {
  const ScriptedServer server([&](int, ServedConnection& served) { served.read_head(); });
  Subscription subscription(quick(server.address()));
  EXPECT_THAT(expect_next<Lost>(subscription).why, HasSubstr("without an answer"));
}

TEST(Subscription, BeginsAtTheGivenCursor) {
  std::vector<std::string> heads;
  const ScriptedServer server([&](int, ServedConnection& served) {
    heads.push_back(served.read_head());
    served.write(kStream);
    served.read_all();
  });
  SubscriptionOptions options = quick(server.address());
  options.last_event_id = "e-41";
  Subscription resumed(options);
  EXPECT_EQ(expect_next<Opened>(resumed).last_event_id, "e-41");
  resumed.cut();
  options.last_event_id = "earliest";
  Subscription from_earliest(options);
  expect_next<Opened>(from_earliest);
  from_earliest.cut();
  ASSERT_EQ(heads.size(), 2U);
  EXPECT_THAT(heads[0], HasSubstr("Last-Event-ID: e-41\r\n"));
  EXPECT_THAT(heads[1], HasSubstr("&lastEventId=earliest HTTP/1.1\r\n"));
}

TEST(Subscription, ResumesANewcomerThatWasCutBeforeItsFirstEvent) {
  std::vector<std::string> heads;
  const ScriptedServer server([&](int, ServedConnection& served) {
    heads.push_back(served.read_head());
    served.write(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nLast-Event-ID: e-7\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
  });
  SubscriptionOptions options = quick(server.address());
  for (const std::optional<std::uint32_t> replay : {std::optional<std::uint32_t>(), {3U}}) {
    options.replay = replay;
    heads.clear();
    Subscription subscription(options);
    expect_next<Opened>(subscription);
    expect_next<Lost>(subscription);
    EXPECT_EQ(expect_next<Opened>(subscription).last_event_id, "e-7");
    subscription.cut();
    ASSERT_GE(heads.size(), 2U);
    EXPECT_THAT(heads[1], HasSubstr("Last-Event-ID: e-7\r\n"));
  }
}

TEST(Subscription, KeepsThePathAndQueryOfItsAddress) {
  std::string head;
  const ScriptedServer server([&](int, ServedConnection& served) {
    head = served.read_head();
    served.write(kStream);
    served.read_all();
  });
  Subscription subscription(quick(server.address() + "/board?theme=dark"));
  expect_next<Opened>(subscription);
  EXPECT_THAT(head, StartsWith("GET /board?theme=dark&channel=news HTTP/1.1\r\n"));
}

TEST(Subscription, EndsItsWaitWhenStopped) {
  Stop stop;
  const ScriptedServer server([&](int, ServedConnection& served) {
    served.read_head();
    served.write(kStream);
    stop.raise();
    served.read_all();
  });
  Subscription subscription(quick(server.address()), &stop);
  auto item = subscription.next(soon());
  if (item) item = subscription.next(soon());  // it may have seen the head before the bell
  ASSERT_FALSE(item);
  EXPECT_EQ(item.error().fault, Fault::stopped);
}

TEST(Subscription, SaysThatItsAddressMakesNoSense) {
  Subscription subscription(quick("https://example.org"));
  EXPECT_EQ(expect_error(subscription).fault, Fault::address);
}

}  // namespace
}  // namespace fanfare::client
