// What a subscriber asks for, in the words of the clients of the wire contract: browsers,
// polyfills, fetch readers, libraries.
#include "broker/wire/sse/subscribe_request.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fanfare::sse {
namespace {

using Topics = std::vector<std::string>;

http::RequestHead asking(std::string_view query, std::vector<http::Field> fields = {},
                         http::Method method = http::Method::get) {
  http::RequestHead head;
  head.method = method;
  head.path = "/events";
  head.query = query;
  head.fields = std::move(fields);
  return head;
}

http::RequestHead post(std::string_view query = {}, std::string_view id = {}) {
  return asking(query, {{"Content-Type", "application/json; charset=utf-8"}, {"Last-Event-ID", id}},
                http::Method::post);
}

SubscribeRequest read(const http::RequestHead& head, std::string_view body = {}) {
  const auto request = parse_subscribe_request(head, body);
  EXPECT_TRUE(request.has_value()) << request.error();
  return request.value_or(SubscribeRequest{});
}

std::string problem(const http::RequestHead& head, std::string_view body = {}) {
  const auto request = parse_subscribe_request(head, body);
  return request ? "none" : request.error();
}

TEST(SubscribeRequest, NamesItsChannelsInOrder) {
  EXPECT_EQ(read(asking("channel=b&channel=a%2F*&channel=&stream=c")).topics,
            (Topics{"b", "a/*", "c"}));
  EXPECT_TRUE(read(asking("content=xxx")).topics.empty());
}

TEST(SubscribeRequest, R2PrefersTheFieldToTheQuery) {
  EXPECT_EQ(read(asking("lastEventId=1", {{"Last-Event-ID", "2"}})).cursor, "2");
}

// R2: reqwest-eventsource sends an empty one before it has an id.
TEST(SubscribeRequest, R2TakesAnEmptyFieldForNone) {
  EXPECT_EQ(read(asking("lastEventId=1", {{"Last-Event-ID", ""}})).cursor, "1");
  EXPECT_EQ(read(asking("", {{"Last-Event-ID", ""}})).cursor, "");
}

// reconnecting-eventsource appends; event-source-polyfill has its own name; both may meet.
TEST(SubscribeRequest, LetsTheLastCursorOfTheQueryCount) {
  for (const std::string name :
       {"lastEventId", "lastEventID", "last_event_id", "last-event-id", "Last-Event-ID"}) {
    EXPECT_EQ(read(asking("lastEventId=1&" + name + "=k3%2D2&x=y")).cursor, "k3-2") << name;
  }
}

TEST(SubscribeRequest, KnowsTheWordEarliest) {
  const SubscribeRequest request = read(asking("last_event_id=earliest"));
  EXPECT_TRUE(request.earliest);
  EXPECT_EQ(request.cursor, "");
  EXPECT_FALSE(read(asking("last_event_id=Earliest")).earliest);
}

TEST(SubscribeRequest, ReadsReplayAndHeartbeat) {
  EXPECT_EQ(read(asking("replay=10")).replay, 10U);
  EXPECT_EQ(read(asking("")).replay, std::nullopt);
  EXPECT_EQ(read(asking("heartbeat=4")).heartbeat, Duration(4s));
  EXPECT_EQ(read(asking("heartbeat=500ms")).heartbeat, Duration(500ms));
  EXPECT_EQ(read(asking("heartbeat=4294967295")).heartbeat, Duration(4294967295s));
}

TEST(SubscribeRequest, ReadsWhereItBeginsAndWhetherItEnds) {
  EXPECT_EQ(read(asking("since=10min")).since, Duration(10min));
  EXPECT_EQ(read(asking("since=90")).since, Duration(90s));
  EXPECT_TRUE(read(asking("replay=1&each=channel")).of_each);
  EXPECT_FALSE(read(asking("replay=1")).of_each);
  EXPECT_TRUE(read(asking("poll=1")).poll);
  EXPECT_FALSE(read(asking("poll=0")).poll);
  EXPECT_EQ(read(asking("poll=1&wait=25s")).wait, Duration(25s));
  EXPECT_EQ(read(asking("poll=1&wait=25")).wait, Duration(25s));
  http::RequestHead post = asking("", {{"Content-Type", "application/json"}}, http::Method::post);
  const SubscribeRequest request =
      read(post, R"({"channels":["a"],"replay":1,"each":"channel","poll":1,"wait":"2s"})");
  EXPECT_TRUE(request.of_each && request.poll);
  EXPECT_EQ(request.wait, Duration(2s));
  EXPECT_EQ(read(post, R"({"channels":["a"],"since":600})").since, Duration(10min));
}

TEST(SubscribeRequest, RefusesWhatContradictsItself) {
  EXPECT_EQ(problem(asking("replay=1&since=10m")),
            "replay and since cannot both say where the stream begins; leave one of them out");
  EXPECT_EQ(problem(asking("each=channel")),
            "each=channel says of what replay counts the newest events; add replay=1");
  EXPECT_EQ(problem(asking("wait=25s")),
            "wait says how long a poll waits for an event, and a stream waits anyway; add poll=1, "
            "or leave it out");
  http::RequestHead post =
      asking("replay=1", {{"Content-Type", "application/json"}}, http::Method::post);
  EXPECT_NE(problem(post, R"({"channels":["a"],"since":"10m"})").find("cannot both"),
            std::string::npos);
}

TEST(SubscribeRequest, SaysWhatWouldBeRight) {
  EXPECT_EQ(problem(asking("replay=1&each=topic")),
            "each=topic is unknown; write each=channel, or leave it out");
  EXPECT_EQ(problem(asking("poll=yes")), "poll=yes is unknown; write poll=1, or leave it out");
  EXPECT_EQ(problem(asking("since=yesterday")),
            "since=yesterday is not a duration; write seconds, like since=600, or a unit, like "
            "since=10min");
  EXPECT_EQ(problem(asking("poll=1&wait=-1s")),
            "wait=-1s is not a duration; write seconds, like wait=25, or a unit, like wait=25s");
  for (const std::string query :
       {"replay=", "replay=x", "replay=-1", "replay=4294967296", "replay=10000001", "replay=1+"}) {
    EXPECT_NE(problem(asking(query)).find("up to 10000000; "), std::string::npos) << query;
    EXPECT_NE(problem(asking(query)).find("replay=10"), std::string::npos) << query;
  }
  for (const std::string query : {"heartbeat=", "heartbeat=x", "heartbeat=-1s", "heartbeat=4y",
                                  "heartbeat=nans", "heartbeat=infs", "heartbeat=1e400s"}) {
    EXPECT_NE(problem(asking(query)).find("heartbeat=4"), std::string::npos) << query;
    EXPECT_NE(problem(asking(query)).find("heartbeat=30s"), std::string::npos) << query;
  }
  EXPECT_NE(problem(asking("format=xml")).find("format=raw"), std::string::npos);
}

// 500ms was suggested once, and less than [limits] heartbeat_min is never granted.
TEST(SubscribeRequest, SuggestsAHeartbeatThatIsGranted) {
  EXPECT_EQ(problem(asking("heartbeat=x")),
            "heartbeat=x is not a duration; write seconds, like heartbeat=4, or a unit, like "
            "heartbeat=30s");
}

TEST(SubscribeRequest, RepeatsWhatItWasAskedShortAndPrintable) {
  const std::string bytes = "%1b%0d%0a" + std::string(65, 'x');
  for (const std::string key : {"replay", "heartbeat", "format"}) {
    const std::string said = problem(asking(key + "=" + bytes));
    EXPECT_TRUE(said.starts_with(key + "=???" + std::string(61, 'x') + "... is ")) << said;
  }
}

TEST(SubscribeRequest, IsRawWhenAskedFor) {
  EXPECT_EQ(read(asking("format=raw")).format, Format::raw);
  EXPECT_EQ(read(asking("format=sse")).format, Format::event_stream);
  EXPECT_EQ(read(asking("", {{"Accept", "text/plain"}})).format, Format::raw);
  EXPECT_EQ(read(asking("", {{"Accept", "*/*"}})).format, Format::event_stream);
}

// axios and Angular send "application/json, text/plain, */*" with everything they ask for.
// An Accept that happens to name text/plain does not overrule what was asked in words.
TEST(SubscribeRequest, IsNotRawWhenAnEventStreamIsAskedForByName) {
  EXPECT_EQ(read(asking("format=sse", {{"Accept", "text/plain"}})).format, Format::event_stream);
}

TEST(SubscribeRequest, IsNotRawIfAnEventStreamIsAcceptedToo) {
  EXPECT_EQ(read(asking("", {{"Accept", "application/json, text/plain, */*"}})).format,
            Format::event_stream);
  EXPECT_EQ(read(asking("", {{"Accept", "text/event-stream, text/plain"}})).format,
            Format::event_stream);
  EXPECT_EQ(read(asking("format=raw", {{"Accept", "text/event-stream"}})).format, Format::raw);
}

TEST(SubscribeRequest, IsJsonWhenAskedFor) {
  EXPECT_EQ(read(asking("format=json")).format, Format::json);
  EXPECT_EQ(read(post(), R"({"format":"json"})").format, Format::json);
  for (const std::string_view type :
       {"application/x-ndjson", "application/ndjson", "application/jsonl",
        "application/x-ndjson, */*;q=0.1", "application/json, application/jsonl"}) {
    EXPECT_EQ(read(asking("", {{"Accept", type}})).format, Format::json) << type;
  }
  EXPECT_EQ(read(asking("", {{"Accept", "application/x-ndjson, text/event-stream"}})).format,
            Format::event_stream);
  EXPECT_EQ(read(asking("", {{"Accept", "application/json"}})).format, Format::event_stream)
      << "that is one text, and no stream";
  EXPECT_EQ(read(asking("format=sse", {{"Accept", "application/x-ndjson"}})).format,
            Format::event_stream);
  EXPECT_EQ(problem(asking("format=xml")),
            "format=xml is unknown; write format=json for a line of JSON an event, format=raw for "
            "the payload alone, or leave it out for an event stream");
}

TEST(SubscribeRequest, IsGivenTheChannelOfEachEventWhenAskedFor) {
  EXPECT_FALSE(read(asking("channel=a")).with_channel);
  EXPECT_TRUE(read(asking("with=channel")).with_channel);
  EXPECT_TRUE(read(post(), R"({"with":"channel"})").with_channel);
  EXPECT_EQ(problem(asking("with=channels")),
            "with=channels is unknown; write with=channel to be given the channel of each event, "
            "with=key "
            "its key, or with=channel,key");
  EXPECT_EQ(problem(post(), R"({"with":["channel"]})"),
            R"("with" in the body is a list; write "with": "channel" to be given the channel of )"
            "each event");
  EXPECT_TRUE(read(asking("with=key")).with_key);
  EXPECT_FALSE(read(asking("with=key")).with_channel);
  EXPECT_TRUE(read(asking("with=key,channel")).with_channel);
  EXPECT_EQ(problem(asking("With=channel")), R"("With" in the query is misspelt: write "with")");
}

TEST(SubscribeRequest, TakesAnIdBackWithItsChannelByEveryRoute) {
  const std::string id = "7hq2mxa-1042,orders/7:a.b_c~@-";
  EXPECT_EQ(read(asking("", {{"Last-Event-ID", id}})).cursor, "7hq2mxa-1042");
  for (const std::string name :
       {"lastEventId", "lastEventID", "last_event_id", "last-event-id", "Last-Event-ID"}) {
    EXPECT_EQ(read(asking(name + "=" + id)).cursor, "7hq2mxa-1042") << name;
    EXPECT_EQ(read(asking(name + "=7hq2mxa-1042%2Corders%2F7")).cursor, "7hq2mxa-1042") << name;
    EXPECT_EQ(read(post(), fmt::format(R"({{"{}":"{}"}})", name, id)).cursor, "7hq2mxa-1042")
        << name;
    const auto page = parse_subscribe_request(post(), fmt::format(R"({{"{}":"{}"}})", name, id),
                                              {.body = BodyOf::page});
    EXPECT_EQ(page->cursor, "7hq2mxa-1042") << name;
  }
  EXPECT_TRUE(read(asking("last_event_id=earliest,a")).earliest);
  for (const std::string_view foreign :
       {"7hq2mxa-1042,a b", "7hq2mxa-1042, a", "7hq2mxa-1042,a,b,c", "7hq2mxa-1042,a,b c",
        "7hq2mxa-1042 a"}) {
    EXPECT_EQ(read(asking("", {{"Last-Event-ID", foreign}})).cursor, foreign)
        << "no id of the broker's: not to be taken for one";
  }
}

TEST(SubscribeRequest, NamesTheHeartbeatsItWantsToSee) {
  EXPECT_FALSE(read(asking("channel=a")).heartbeat_event);
  EXPECT_EQ(read(asking("heartbeat_event=ping")).heartbeat_event, "ping");
  EXPECT_EQ(read(asking("heartbeat_event=")).heartbeat_event, "") << "none, whatever is configured";
  EXPECT_EQ(read(post(), R"({"heartbeat_event":"ping"})").heartbeat_event, "ping");
  EXPECT_EQ(read(post("heartbeat_event=q"), R"({"heartbeat_event":"b"})").heartbeat_event, "q");
  EXPECT_EQ(problem(asking("heartbeatEvent=ping")),
            R"("heartbeatEvent" in the query is misspelt: write "heartbeat_event")");
  EXPECT_EQ(
      problem(post(), R"({"heartbeat_event":1})"),
      R"("heartbeat_event" in the body is a number; write the name of the event as a string, )"
      R"(like "heartbeat_event": "ping")");
}

TEST(SubscribeRequest, ChoosesHowItsPositionIsSent) {
  EXPECT_FALSE(read(asking("channel=a&position=47.1,8.2")).announce_position)
      << "that is a page's own";
  EXPECT_EQ(read(asking("announce_position=always")).announce_position, AnnouncePosition::always);
  EXPECT_EQ(read(asking("announce_position=auto")).announce_position, AnnouncePosition::automatic);
  EXPECT_EQ(read(asking("announce_position=never")).announce_position, AnnouncePosition::never);
  EXPECT_EQ(problem(asking("announce_position=1")),
            "announce_position=1 is unknown; write announce_position=always, auto or never");
  EXPECT_EQ(problem(asking("announcePosition=always")),
            R"("announcePosition" in the query is misspelt: write "announce_position")");
}

// ---- Bodies.

TEST(SubscribeRequest, ReadsTheBodyOfAPost) {
  const SubscribeRequest request =
      read(post(), R"({"channels":["a","b/*"],"last_event_id":"k3-1","message":"hi"})");
  EXPECT_EQ(request.topics, (Topics{"a", "b/*"}));
  EXPECT_EQ(request.cursor, "k3-1");
}

TEST(SubscribeRequest, NamesItsChannelsInABodyAsOneOrAsAList) {
  for (const std::string_view key : {"channel", "channels"}) {
    EXPECT_EQ(read(post(), fmt::format(R"({{"{}":"a"}})", key)).topics, (Topics{"a"}));
    EXPECT_EQ(read(post(), fmt::format(R"({{"{}":["b","a"]}})", key)).topics, (Topics{"b", "a"}));
    EXPECT_EQ(read(asking(fmt::format("{}=b&{}=a", key, key))).topics, (Topics{"b", "a"}));
  }
  EXPECT_EQ(read(post("channel=q"), R"({"channel":"a","channels":["b"]})").topics,
            (Topics{"q", "a", "b"}));
}

// The cursor was dropped once when the channels stood in the query.
TEST(SubscribeRequest, EveryParameterOfTheQueryCountsInABodyWhereverTheChannelsAre) {
  for (const std::string_view query : {"", "channel=news"}) {
    for (const std::string name :
         {"lastEventId", "lastEventID", "last_event_id", "last-event-id", "Last-Event-ID"}) {
      const std::string body = fmt::format(R"({{"channels":["a"],"{}":"k3-2"}})", name);
      EXPECT_EQ(read(post(query), body).cursor, "k3-2") << query << name;
    }
    EXPECT_TRUE(read(post(query), R"({"last_event_id":"earliest"})").earliest);
    EXPECT_EQ(read(post(query), R"({"replay":10})").replay, 10U);
    EXPECT_EQ(read(post(query), R"({"replay":"10"})").replay, 10U);
    EXPECT_EQ(read(post(query), R"({"heartbeat":4})").heartbeat, Duration(4s));
    EXPECT_EQ(read(post(query), R"({"heartbeat":"4"})").heartbeat, Duration(4s));
    EXPECT_EQ(read(post(query), R"({"heartbeat":"1min"})").heartbeat, Duration(60s));
    EXPECT_EQ(read(post(query), R"({"format":"raw"})").format, Format::raw);
    EXPECT_EQ(read(post(query), R"({"announce_position":"always"})").announce_position,
              AnnouncePosition::always);
  }
}

TEST(SubscribeRequest, TheFieldGoesBeforeTheQueryAndTheQueryBeforeTheBody) {
  const std::string_view body =
      R"({"last_event_id":"b-1","replay":1,"heartbeat":1,"format":"raw"})";
  const SubscribeRequest request =
      read(post("lastEventId=q-1&replay=2&heartbeat=2&format=sse"), body);
  EXPECT_EQ(request.cursor, "q-1");
  EXPECT_EQ(request.replay, 2U);
  EXPECT_EQ(request.heartbeat, Duration(2s));
  EXPECT_EQ(request.format, Format::event_stream);
  EXPECT_EQ(read(post("lastEventId=q-1", "f-1"), body).cursor, "f-1");
  EXPECT_EQ(read(post("", "f-1"), body).cursor, "f-1");
  EXPECT_EQ(read(post("lastEventId="), body).cursor, "b-1") << "an empty one is none";
  EXPECT_EQ(problem(post("replay=2"), R"({"replay":"x"})").substr(0, 28),
            R"("replay": "x" in the body is)")
      << "refused although the query overrules it";
}

TEST(SubscribeRequest, TakesNullAndEmptyIdsForNothing) {
  const SubscribeRequest request = read(
      post(), R"({"channel":null,"channels":["a"],"last_event_id":null,"replay":null,"format":null,
                  "heartbeat":null})");
  EXPECT_EQ(request.topics, (Topics{"a"}));
  EXPECT_EQ(request.cursor, "");
  EXPECT_EQ(request.replay, std::nullopt);
  EXPECT_EQ(read(post(), R"({"lastEventId":""})").cursor, "");
}

TEST(SubscribeRequest, NamesTheKeyOfABodyThatHasTheWrongType) {
  for (const auto& [value, kind] : std::initializer_list<std::pair<std::string, std::string>>{
           {"1", "a number"}, {"true", "true or false"}, {"{}", "an object"}, {"[]", "a list"}}) {
    EXPECT_EQ(problem(post("channel=a"), R"({"last_event_id":)" + value + "}"),
              R"("last_event_id" in the body is )" + kind +
                  "; write the id as a string, as you received it");
    EXPECT_EQ(problem(post("channel=a"), R"({"format":)" + value + "}"),
              R"("format" in the body is )" + kind +
                  R"(; write "format": "json" for a line of JSON an event, "raw" for the )"
                  "payload alone");
  }
  EXPECT_EQ(problem(post(), R"({"channels":1})"),
            R"("channels" in the body is a number; write a list of names: "channels": ["news"])");
  EXPECT_EQ(problem(post(), R"({"channel":{"name":"a"}})"),
            R"("channel" in the body is an object; write a list of names: "channels": ["news"])");
  EXPECT_EQ(problem(post(), R"({"channels":["a",1]})"),
            R"("channels" in the body contains a number, not only strings; write the names: )"
            R"("channels": ["news"])");
  EXPECT_EQ(
      problem(post(), R"({"replay":true})"),
      R"("replay" in the body is true or false; write how many of the newest events you want, like )"
      R"("replay": 10)");
  EXPECT_EQ(problem(post(), R"({"heartbeat":[4]})"),
            R"("heartbeat" in the body is a list; write seconds, like "heartbeat": 4, or a unit, )"
            R"(like "heartbeat": "30s")");
}

TEST(SubscribeRequest, SaysWhatWouldBeRightInABodyToo) {
  for (const std::string value : {"\"\"", "\"x\"", "-1", "4294967296", "10000001", "1.5", "1e3"}) {
    const std::string said = problem(post("channel=a"), R"({"replay":)" + value + "}");
    EXPECT_EQ(said.find(R"("replay": )" + (value == "1e3" ? "1000" : value)), 0U) << said;
    EXPECT_NE(said.find(R"(up to 10000000; )"), std::string::npos) << said;
    EXPECT_NE(said.find(R"(like "replay": 10)"), std::string::npos) << said;
  }
  for (const std::string value : {"\"\"", "\"x\"", "-1", "1.5", "\"4y\""}) {
    const std::string said = problem(post("channel=a"), R"({"heartbeat":)" + value + "}");
    EXPECT_NE(said.find(R"(like "heartbeat": "30s")"), std::string::npos) << said;
  }
  EXPECT_EQ(
      problem(post("channel=a"), R"({"format":"zip"})"),
      R"("format": "zip" in the body is unknown; write "format": "json" for a line of JSON an )"
      R"(event, "raw" for the payload alone, or leave it out for an event stream)");
}

// Misspelt in case or by a dash, they were the application's own once, and their values lost.
TEST(SubscribeRequest, KnowsAParameterInAnotherSpelling) {
  EXPECT_EQ(read(asking("LAST_EVENT_ID=k3-1")).cursor, "k3-1");
  EXPECT_EQ(read(post(), R"({"lasteventid":"k3-1"})").cursor, "k3-1");
  EXPECT_EQ(problem(asking("Channel=a")), R"("Channel" in the query is misspelt: write "channel")");
  EXPECT_EQ(problem(asking("channel=a&heart_beat=4")),
            R"("heart_beat" in the query is misspelt: write "heartbeat")");
  EXPECT_EQ(problem(post(), R"({"Channels":["a"]})"),
            R"("Channels" in the body is misspelt: write "channels")");
  EXPECT_EQ(read(post("channel=a&chan=b"), R"({"stream":true,"messages":[{"channel":7}]})").topics,
            (Topics{"a"}))
      << "the rest is the application's";
}

TEST(SubscribeRequest, RefusesAKeyThatOccursTwiceInABody) {
  EXPECT_EQ(problem(post(), R"({"channels":["a"],"channels":["b"]})"),
            R"("channels" occurs twice in the body; write it once)");
  EXPECT_EQ(problem(post(), R"({"replay":1,"x":1,"x":2,"replay":1})"),
            R"("replay" occurs twice in the body; write it once)");
}

TEST(SubscribeRequest, NamesTheTypeOfABodyThatIsNotRead) {
  const std::string_view body = R"({"channels":["a"]})";
  const auto sent_as = [&](std::string_view type) {
    return problem(asking("channel=q", {{"Content-Type", type}}, http::Method::post), body);
  };
  EXPECT_EQ(sent_as("text/plain;charset=UTF-8"),
            "the body must be application/json, but this one is text/plain;charset=UTF-8; send "
            "{\"channels\": [\"news\"]} as that, or name the channels in the query");
  EXPECT_NE(sent_as("application/x-www-form-urlencoded").find("application/x-www-form-urlencoded"),
            std::string::npos);
  EXPECT_NE(sent_as("").find("this one has no Content-Type"), std::string::npos);
  EXPECT_EQ(sent_as("application/json"), "none");
  EXPECT_EQ(sent_as("APPLICATION/JSON"), "none");
  EXPECT_EQ(problem(asking("channel=q",
                           {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}},
                           http::Method::post),
                    body),
            "the body has Content-Encoding gzip; send it unencoded");
}

TEST(SubscribeRequest, RefusesABodyWhereNoneIsRead) {
  auto get = asking("channel=q", {{"Content-Type", "application/json"}});
  get.method_text = "GET";
  EXPECT_EQ(problem(get, R"({"last_event_id":"k3-1"})"),
            "the body of a GET request is not read; send it with POST");
}

TEST(SubscribeRequest, TakesAnEmptyBodyOfAnyTypeForNone) {
  for (const std::string_view body : {"", " \r\n\t", "\xef\xbb\xbf"}) {
    EXPECT_EQ(read(asking("channel=q", {{"Content-Type", "text/plain"}}, http::Method::post), body)
                  .topics,
              (Topics{"q"}));
    EXPECT_EQ(read(post("channel=q"), body).topics, (Topics{"q"}));
  }
}

TEST(SubscribeRequest, ReadsJsonAsItIsDefined) {
  EXPECT_EQ(read(post(), "\xef\xbb\xbf{\"channels\":[\"a\"]}").topics, (Topics{"a"}));
  EXPECT_EQ(read(post(), "\n {\"channels\" : [ \"a\" ] } \n").topics, (Topics{"a"}));
  EXPECT_EQ(read(post(), R"({"\u0063hannels":["\u0061\/b"]})").topics, (Topics{"a/b"}));
  EXPECT_EQ(read(post(), R"({"channels":["a"],"deep":[[[{"replay":"x"}]]],"n":-1.5e300})").topics,
            (Topics{"a"}));
}

TEST(SubscribeRequest, SaysWhatIsWrongWithABody) {
  for (const std::string_view body :
       {"x", "{", R"({"channels":["a"]} x)", R"({"channels":["a"]}{})", "channel=a",
        "{'channel':'a'}", R"({"channel":"a",})"}) {
    EXPECT_EQ(problem(post("channel=q"), body).find("the body is not JSON"), 0U) << body;
  }
  EXPECT_EQ(problem(post(), "[]"),
            "the body is a list, not a JSON object; write {\"channels\": [\"news\"]}, or name the "
            "channels in the query");
  EXPECT_EQ(problem(post(), "\"a\"").find("the body is a string, not"), 0U);
  EXPECT_EQ(problem(post(), "{\"a\":\"\xff\"}").find("the body is not valid UTF-8"), 0U);
  EXPECT_EQ(problem(post(), R"({"a":"\x"})").find("the body is not JSON: it contains"), 0U);
  EXPECT_EQ(problem(post(), R"({"channel":"\ud800"})").find("the body is not JSON: it contains"),
            0U);
  for (const std::string_view number : {"123456789012345678901234567890", "1e999", "01"}) {
    EXPECT_EQ(
        problem(post(), fmt::format(R"({{"user":{}}})", number)).find("the body contains a number"),
        0U)
        << number;
  }
  EXPECT_EQ(problem(post(), std::string(5000, '[')).find("the body is "), 0U);
}

}  // namespace
}  // namespace fanfare::sse
