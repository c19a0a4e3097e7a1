// Lists of a channel's subscribers: asked of every shard, a page at a time, in both dialects that
// can ask.
#include "broker/server/requests/roll_calls.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/server/streams/presence.h"
#include "tests/server/small_broker.h"

namespace fanfare::server {
namespace {

using ::testing::AllOf;
using testing::body_of;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::SmallBroker;
using ::testing::StartsWith;

// ---- shards that a test plays itself

// Each shard has as many streams as it says, in places that follow each other.
class Shards {
 public:
  explicit Shards(std::vector<std::uint32_t> streams) : streams_(std::move(streams)) {
    switchboard_.post = [this](std::uint32_t shard, Message message) {
      asked_.emplace_back(shard, std::get<RollCallMessage>(message));
    };
  }

  RollCalls calls() { return {switchboard_, settings_, counters_}; }
  const Counters& counters() const { return counters_; }
  std::vector<std::pair<std::uint32_t, RollCallMessage>> take_asked() {
    return std::exchange(asked_, {});
  }
  // It looks at `places` places of its table at a time.
  RollMessage answer(std::uint32_t shard, const RollCallMessage& order,
                     std::uint32_t places) const {
    RollMessage roll{.call = order.call, .shard = shard, .entries = {}, .next = order.from};
    roll.subscribers = streams_[shard];
    for (; places > 0 && roll.next < streams_[shard] && roll.entries.size() < order.most;
         --places, ++roll.next) {
      roll.entries.push_back(
          {.member = roll.next, .shown = {.connection = 1000 * shard + roll.next}});
    }
    roll.complete = roll.next >= streams_[shard];
    return roll;
  }
  // The page, when every shard has said what it is asked for.
  RollCalls::Answered page(RollCalls& calls, ingest::RollRequest request, std::uint32_t places) {
    calls.ask({}, std::move(request));
    for (int rounds = 0; rounds < 1000; ++rounds) {
      auto asked = take_asked();
      EXPECT_FALSE(asked.empty());
      for (auto it = asked.rbegin(); it != asked.rend(); ++it) {
        if (auto answered = calls.take(answer(it->first, it->second, places))) return *answered;
      }
    }
    ADD_FAILURE() << "no end";
    return {};
  }

 private:
  std::vector<std::uint32_t> streams_;
  std::vector<std::pair<std::uint32_t, RollCallMessage>> asked_;
  Switchboard switchboard_{static_cast<std::uint32_t>(streams_.size())};
  Settings settings_{std::make_shared<const Options>()};
  Counters counters_;
};

TEST(RollCalls, PagesTogetherListEveryStreamOfEveryShardOnce) {
  for (const std::uint32_t limit : {1U, 3U, 7U, 1000U}) {
    for (const std::uint32_t places : {1U, 4U, 1000U}) {
      Shards shards({5, 0, 9, 1});
      RollCalls calls = shards.calls();
      std::vector<std::uint64_t> listed;
      ingest::RollRequest request{.channel = "a", .limit = limit};
      for (int pages = 0; pages < 100; ++pages) {
        const RollCalls::Answered page = shards.page(calls, request, places);
        EXPECT_EQ(page.subscribers, 15U) << "of all shards, whatever is on the page";
        EXPECT_LE(page.entries.size(), limit);
        for (const ingest::RollEntry& entry : page.entries) listed.push_back(entry.connection);
        if (!page.next) break;
        EXPECT_EQ(page.entries.size(), limit) << "a page is full unless it is the last";
        request.after = *page.next;
      }
      EXPECT_EQ(listed.size(), 15U) << limit << " " << places;
      EXPECT_EQ(std::set(listed.begin(), listed.end()).size(), 15U);
    }
  }
}

TEST(RollCalls, ACountAsksForNoList) {
  Shards shards({5, 3});
  RollCalls calls = shards.calls();
  const RollCalls::Answered page = shards.page(calls, {.channel = "a", .limit = 0}, 10);
  EXPECT_EQ(page.subscribers, 8U);
  EXPECT_TRUE(page.entries.empty());
  EXPECT_FALSE(page.next);
}

TEST(RollCalls, WhatNobodyWaitsForIsForgotten) {
  Shards shards({5, 3});
  RollCalls calls = shards.calls();
  calls.ask({.id = {.index = 1}}, {.channel = "a"});
  calls.ask({.kind = RollAsker::Kind::session, .id = {.index = 1}}, {.channel = "b"});
  const auto asked = shards.take_asked();
  ASSERT_EQ(asked.size(), 4U);
  calls.forget({.id = {.index = 1}});
  std::vector<std::string> answered;
  for (const auto& [shard, order] : asked) {
    if (auto page = calls.take(shards.answer(shard, order, 10)))
      answered.push_back(page->request.channel);
  }
  EXPECT_EQ(answered, std::vector<std::string>{"b"});
  EXPECT_EQ(shards.counters().rolls_total, 2U);
}

// ---- a whole broker

// The answer to a request on the ingest socket.
std::string ask(SmallBroker& broker, std::string_view method, std::string_view target) {
  Peer& peer = broker.publisher();
  peer.say(fmt::format("{} {} HTTP/1.1\r\nHost: x\r\n\r\n", method, target));
  broker.pass();
  const std::string answer = peer.take();
  peer.hang_up();
  broker.pass();
  return answer;
}

std::string members(std::string_view roll) {
  return std::string(roll.substr(roll.find("\"subscribers\"")));
}

TEST(Roll, ListsThoseThatNameAChannelAndThoseThatMatchItWithTheirPattern) {
  SmallBroker broker;
  broker.get("/events?channel=room/7&name=ann");
  broker.get("/events?channel=room/*&channel=hall");
  broker.get("/events?channel=room/*&channel=room/7");
  broker.get("/events?channel=room/8");
  broker.pass(5s);
  const std::string answer = ask(broker, "GET", "/channels/room/7/subscribers");
  EXPECT_THAT(answer, AllOf(HasSubstr("200 OK"), HasSubstr("Fanfare-Subscribers: 3\r\n"),
                            HasSubstr(R"({"channel":"room/7","count":3,"at_ms":)")));
  const std::string list = members(body_of(answer));
  const auto listed = [&](std::uint32_t began, Member member, std::string_view rest) {
    const std::size_t at = list.find(fmt::format(R"({{"connection":{},"since_ms":)",
                                                 stream_id(0, 1, member, broker.slots(), began)));
    EXPECT_NE(at, std::string::npos) << member << " " << list;
    if (at == std::string::npos) return;
    const std::string entry = list.substr(at, list.find('}', at) - at);
    EXPECT_THAT(entry, EndsWith(std::string(rest)));
  };
  listed(1, 0, R"("query":"channel=room/7&name=ann")");
  listed(2, 1, R"("query":"channel=room/*&channel=hall","pattern":"room/*")");
  listed(3, 2, R"("query":"channel=room/*&channel=room/7")");
  EXPECT_THAT(list, Not(HasSubstr("next")));
  EXPECT_THAT(ask(broker, "GET", "/channels/room%2F7/subscribers"), HasSubstr("\"count\":3"));
  EXPECT_EQ(broker.counters().rolls_late_total, 0U);
}

TEST(Roll, SaysSinceWhenEachStreamIsThere) {
  SmallBroker broker;
  broker.pass(3s);
  const auto now = [&broker] {
    return std::chrono::milliseconds(broker.date().time_since_epoch()).count();
  };
  const std::int64_t began = now();
  broker.get("/events?channel=a");
  broker.pass(7s);
  const std::string answer = ask(broker, "GET", "/channels/a/subscribers");
  const std::size_t at = answer.find("\"since_ms\":");
  ASSERT_NE(at, std::string::npos);
  const std::int64_t since = std::stoll(answer.substr(at + 11));
  EXPECT_GE(since, began - 200);
  EXPECT_LE(since, began + 1200) << "its clock tells whole seconds";
}

TEST(Roll, CountsForHeadAndForALimitOfZeroWithoutAList) {
  SmallBroker broker;
  broker.get("/events?channel=a");
  const std::string head = ask(broker, "HEAD", "/channels/a/subscribers");
  EXPECT_THAT(head, AllOf(HasSubstr("200 OK"), HasSubstr("Fanfare-Subscribers: 1\r\n"),
                          Not(HasSubstr("Content-Length")), EndsWith("\r\n\r\n")));
  EXPECT_THAT(ask(broker, "GET", "/channels/a/subscribers?limit=0"),
              HasSubstr(R"("count":1,"at_ms":)"));
  EXPECT_THAT(ask(broker, "GET", "/channels/nobody/subscribers?limit=0"),
              AllOf(HasSubstr("200 OK"), HasSubstr(R"("count":0,)"), HasSubstr("[]}\n")));
}

TEST(Roll, IsPagedByWhatThePageBeforeNames) {
  SmallBroker broker;
  for (int i = 0; i < 5; ++i) broker.get(fmt::format("/events?channel=a&n={}", i));
  std::string all;
  std::string after;
  int pages = 0;
  for (bool more = true; more && pages < 10; ++pages) {
    const std::string page = body_of(ask(broker, "GET", "/channels/a/subscribers?limit=2" + after));
    EXPECT_THAT(page, HasSubstr("\"count\":5"));
    all += page;
    const std::size_t next = page.find("\"next\":\"");
    more = next != std::string::npos;
    if (more) after = "&after=" + page.substr(next + 8, page.find('"', next + 8) - next - 8);
  }
  EXPECT_EQ(pages, 3);
  for (int i = 0; i < 5; ++i) {
    const std::string query = fmt::format("channel=a&n={}\"", i);
    EXPECT_EQ(all.find(query), all.rfind(query)) << "once";
    EXPECT_NE(all.find(query), std::string::npos);
  }
}

TEST(Roll, NamesWhatIsWrongWithARequest) {
  SmallBroker broker;
  EXPECT_THAT(ask(broker, "GET", "/channels/a%20b/subscribers"), HasSubstr("400 Bad Request"));
  EXPECT_THAT(ask(broker, "GET", "/channels/a/subscribers?limit=1001"),
              HasSubstr("it must be a number up to 1000"));
  EXPECT_THAT(ask(broker, "GET", "/channels/a/subscribers?after=x"),
              HasSubstr("it must be the \\\"next\\\" of the page before"));
  EXPECT_THAT(ask(broker, "GET", "/channels/a/subscribers?x=1"),
              HasSubstr("the parameters are limit and after"));
  EXPECT_THAT(ask(broker, "POST", "/channels/a/subscribers"), HasSubstr("405 "));
  broker.publish("a/subscribers", "x");
  EXPECT_THAT(ask(broker, "GET", "/channels/a%2Fsubscribers"),
              HasSubstr(R"("channel":"a/subscribers","events":1)"))
      << "a channel of that name";
  EXPECT_THAT(ask(broker, "DELETE", "/channels/a/subscribers"), HasSubstr("\"deleted\":true"));
}

TEST(Roll, IsAnsweredInItsOrderAmongLinesOfJson) {
  SmallBroker broker;
  broker.get("/events?channel=a");
  Peer& peer = broker.publisher();
  peer.say(
      "{\"channel\":\"a\",\"data\":1,\"ref\":1}\n"
      "{\"op\":\"subscribers\",\"channel\":\"a\",\"ref\":2}\n"
      "{\"op\":\"subscribers\",\"channel\":\"b\",\"limit\":0,\"ref\":3}\n"
      "{\"channel\":\"a\",\"data\":2,\"ref\":4}\n");
  broker.pass();
  const std::string said = peer.take();
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < said.size();) {
    const std::size_t end = said.find('\n', at);
    lines.push_back(said.substr(at, end - at));
    at = end + 1;
  }
  ASSERT_EQ(lines.size(), 4U) << said;
  EXPECT_THAT(lines[0], EndsWith(R"(,"ref":1})"));
  EXPECT_THAT(lines[1], AllOf(StartsWith(R"({"ok":true,"channel":"a","count":1,"at_ms":)"),
                              HasSubstr(R"("query":"channel=a"}])"), EndsWith(R"(,"ref":2})")));
  EXPECT_THAT(lines[2], AllOf(HasSubstr(R"("channel":"b","count":0)"), EndsWith(R"(,"ref":3})")));
  EXPECT_THAT(lines[3], EndsWith(R"(,"ref":4})"));
}

// printf '{"op":"subscribers"…}' | nc -U, without a line feed, and then FIN.
TEST(Roll, IsAnsweredToAPublisherThatHasSaidItsLastLine) {
  SmallBroker broker;
  broker.get("/events?channel=a");
  Peer& peer = broker.publisher();
  peer.say(R"({"op":"subscribers","channel":"a"})");
  peer.shut_down();
  broker.pass();
  EXPECT_THAT(peer.take(), HasSubstr("\"count\":1"));
  EXPECT_TRUE(peer.ended());
}

TEST(Roll, DoesNotWaitForAShardForEver) {
  SmallBroker broker;
  broker.lose_roll_calls();
  Peer& http = broker.publisher();
  http.say("GET /channels/a/subscribers HTTP/1.1\r\nHost: x\r\n\r\n");
  Peer& lines = broker.publisher();
  lines.say(
      "{\"op\":\"subscribers\",\"channel\":\"a\",\"ref\":1}\n{\"op\":\"info\",\"channel\":\"b\"}"
      "\n");
  broker.pass(1s);
  EXPECT_EQ(http.take() + lines.take(), "");
  broker.pass(3s);
  EXPECT_THAT(http.take(), AllOf(HasSubstr(" 504 "), HasSubstr("[limits] presence_time (2s)")));
  EXPECT_THAT(lines.take(), AllOf(StartsWith(R"({"ok":false,"error":"a shard has not answered)"),
                                  HasSubstr("\"ref\":1}\n"), EndsWith("\"line\":2}\n")));
  EXPECT_EQ(broker.counters().rolls_late_total, 2U);
}

}  // namespace
}  // namespace fanfare::server
