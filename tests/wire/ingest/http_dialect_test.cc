// The HTTP dialect: what curl sends, what it gets, and how everything else is answered.
#include "broker/wire/ingest/http_dialect.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire/http/head.h"
#include "tests/wire/ingest/recording_sink.h"

namespace fanfare::ingest_test {
namespace {

using ingest::HttpAnswer;
using ingest::HttpLimits;
using Calls = std::vector<std::string>;
using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

http::RequestHead head_of(std::string_view method, std::string_view target, Fields fields = {}) {
  http::RequestHead head;
  head.method_text = method;
  head.method = http::method_of(method);
  head.target = target;
  head.path = target.substr(0, target.find('?'));
  if (head.path.size() != target.size()) head.query = target.substr(head.path.size() + 1);
  for (const auto& [name, value] : fields) head.fields.push_back({name, value});
  return head;
}

struct Exchange {
  RecordingSink sink;
  HttpAnswer answer;

  // "200 {...}" of the answer to one request.
  std::string ask(std::string_view method, std::string_view target, std::string_view body = {},
                  Fields fields = {}, const HttpLimits& limits = {}) {
    ingest::answer_request(head_of(method, target, fields), body, sink, limits, answer);
    return fmt::format("{} {}", answer.status, answer.body);
  }
};

std::string ask(std::string_view method, std::string_view target, std::string_view body = {},
                Fields fields = {}) {
  return Exchange().ask(method, target, body, fields);
}

constexpr std::pair<std::string_view, std::string_view> kCurlForm = {
    "Content-Type", "application/x-www-form-urlencoded"};
constexpr std::pair<std::string_view, std::string_view> kBatch = {"Content-Type",
                                                                  "application/x-ndjson"};

// ---- publishing one event

TEST(HttpDialect, PublishesTheBodyAsItIs) {
  Exchange exchange;
  // What `curl --data-binary` sends: the body raw, and a label that says it is a form.
  EXPECT_EQ(exchange.ask("POST", "/publish/news", "a=1&b=%41\nc d+e", {kCurlForm}),
            "200 {\"id\":\"ep-1\",\"receivers\":4}\n");
  EXPECT_EQ(exchange.answer.content_type, "application/json");
  EXPECT_EQ(exchange.ask("PUT", "/publish/news", ""), "200 {\"id\":\"ep-2\",\"receivers\":4}\n");
  EXPECT_EQ(exchange.sink.calls,
            (Calls{"publish news [] data=a=1&b=%41\nc d+e", "publish news [] data="}));
}

TEST(HttpDialect, TakesEventIdAndRetryFromTheQuery) {
  Exchange exchange;
  exchange.ask("POST", "/publish/a?event=price+tick&id=k%2F1&retry=2500", "x");
  EXPECT_EQ(exchange.sink.calls, Calls{"publish a [price tick] data=x retry=2500 id=k/1"});
}

TEST(HttpDialect, TakesTheKeyFromTheQueryOrAField) {
  Exchange exchange;
  exchange.ask("POST", "/publish/board?key=oven+3", "181");
  exchange.ask("PUT", "/publish/board", "", {{"X-Event-Key", "oven 3"}});
  EXPECT_EQ(exchange.sink.calls,
            (Calls{"publish board [] data=181 key=oven 3", "publish board [] data= key=oven 3"}));
}

TEST(HttpDialect, ARepeatedKeyIsAnsweredAsADuplicateUntilTheChannelIsDeleted) {
  Exchange exchange;
  EXPECT_EQ(exchange.ask("POST", "/publish/a?id=k", "one"),
            "200 {\"id\":\"ep-1\",\"receivers\":1}\n");
  EXPECT_EQ(exchange.ask("PUT", "/publish/a", "two", {{"Idempotency-Key", "k"}}),
            "200 {\"id\":\"ep-1\",\"receivers\":1,\"duplicate\":true}\n");
  exchange.ask("DELETE", "/channels/a");
  EXPECT_EQ(exchange.ask("POST", "/publish/a?id=k", "two"),
            "200 {\"id\":\"ep-2\",\"receivers\":1}\n");
  exchange.ask("POST", "/publish/brief?id=k", "one");
  EXPECT_EQ(exchange.ask("POST", "/publish/brief?id=k", "one"),
            "200 {\"id\":\"ep-3\",\"receivers\":5,\"duplicate\":true,\"evicted\":true}\n");
}

TEST(HttpDialect, AKeyThatOccursTwiceInABatchIsPublishedOnce) {
  Exchange exchange;
  EXPECT_EQ(exchange.ask("POST", "/publish/a",
                         "{\"data\":\"1\",\"id\":\"k\"}\n{\"data\":\"2\",\"id\":\"k\"}\n"
                         "{\"op\":\"delete\"}\n{\"data\":\"3\",\"id\":\"k\"}\n",
                         {kBatch}),
            "200 {\"ok\":true,\"id\":\"ep-1\"}\n{\"ok\":true,\"id\":\"ep-1\",\"duplicate\":true}\n"
            "{\"ok\":true}\n{\"ok\":true,\"id\":\"ep-2\"}\n");
}

TEST(HttpDialect, AcceptsTheHeaderFieldsThatOtherBrokersUse) {
  Exchange exchange;
  exchange.ask("POST", "/publish/a", "x",
               {{"X-Event-Type", "tick"}, {"Idempotency-Key", "k"}, {"X-Event-Retry", "500"}});
  exchange.ask("POST", "/publish/a", "x", {{"X-EventSource-Event", "tock"}, {"X-Event-Id", "l"}});
  exchange.ask("POST", "/publish/a?event=query&id=m", "x",
               {{"X-Event-Type", "field"}, {"Idempotency-Key", "n"}});
  EXPECT_EQ(exchange.sink.calls,
            (Calls{"publish a [tick] data=x retry=500 id=k", "publish a [tock] data=x id=l",
                   "publish a [query] data=x id=m"}));
}

TEST(HttpDialect, DecodesTheChannelOnce) {
  Exchange exchange;
  exchange.ask("POST", "/publish/metrics/cpu/0", "x");
  exchange.ask("POST", "/publish/metrics%2Fcpu", "x");
  exchange.ask("POST", "/publish/a%2541", "x");
  exchange.ask("POST", "/publish/a+b", "x");
  EXPECT_EQ(exchange.sink.calls,
            (Calls{"publish metrics/cpu/0 [] data=x", "publish metrics/cpu [] data=x",
                   "publish a%41 [] data=x", "publish a+b [] data=x"}));
  EXPECT_EQ(exchange.ask("POST", "/publish/a%4", "x"),
            "400 {\"error\":\"the channel in the path has a malformed percent-escape: % must be "
            "followed by two hexadecimal digits\"}\n");
}

TEST(HttpDialect, SaysWhatIsWrongWithAPublish) {
  EXPECT_EQ(ask("POST", "/publish/a?evnet=x", "x"),
            "400 {\"error\":\"unknown parameter \\\"evnet\\\": the parameters are event, id, "
            "key and retry\"}\n");
  EXPECT_EQ(ask("POST", "/publish/a?id=x&id=y", "x"),
            "400 {\"error\":\"the parameter id occurs twice\"}\n");
  EXPECT_EQ(ask("POST", "/publish/a?event=&event=y", "x"),
            "400 {\"error\":\"the parameter event occurs twice\"}\n");
  for (const auto& [method, target] :
       std::vector<std::pair<const char*, const char*>>{{"POST", "/finish/a?event=end"},
                                                        {"DELETE", "/channels/a?id=k"},
                                                        {"GET", "/channels/a?x"}}) {
    EXPECT_EQ(ask(method, target),
              "400 {\"error\":\"this request takes no parameters: the channel is in the path\"}\n");
  }
  EXPECT_EQ(ask("GET", "/channels?match=a&match=b"),
            "400 {\"error\":\"the parameter match occurs twice\"}\n");
  EXPECT_EQ(ask("GET", "/channels?limit=1&limit=2"),
            "400 {\"error\":\"the parameter limit occurs twice\"}\n");
  EXPECT_EQ(ask("POST", "/publish/a?retry=2s", "x"),
            "400 {\"error\":\"retry is \\\"2s\\\": it must be a whole number of milliseconds, like "
            "2000\"}\n");
  EXPECT_EQ(ask("POST", "/publish/", "x"), "400 {\"error\":\"not a channel name: \\\"\\\"\"}\n");
  EXPECT_EQ(ask("POST", "/publish/a%20b", "x"),
            "400 {\"error\":\"not a channel name: \\\"a b\\\"\"}\n");
}

TEST(HttpDialect, GivesEveryRefusalItsStatus) {
  EXPECT_EQ(ask("POST", "/publish/closed", "x"), "409 {\"error\":\"the channel is finished\"}\n");
  EXPECT_EQ(ask("POST", "/publish/big", "x"), "413 {\"error\":\"the data has too many bytes\"}\n");
  EXPECT_EQ(ask("POST", "/publish/full", "x"), "503 {\"error\":\"too many channels\"}\n");
}

// ---- batches

TEST(HttpDialect, AnswersABatchLineByLine) {
  Exchange exchange;
  EXPECT_EQ(exchange.ask("POST", "/publish",
                         "{\"channel\":\"a\",\"data\":1}\n\n{\"data\":2}\n"
                         "{\"channel\":\"b\",\"data\":3,\"ref\":\"r\"}",
                         {kBatch}),
            "200 {\"ok\":true,\"id\":\"ep-1\"}\n"
            "{\"ok\":false,\"error\":\"\\\"channel\\\" is missing\",\"line\":3}\n"
            "{\"ok\":true,\"id\":\"ep-2\",\"ref\":\"r\"}\n");
  EXPECT_EQ(exchange.answer.content_type, "application/x-ndjson");
  EXPECT_EQ(exchange.sink.calls, (Calls{"publish a [] data=1", "publish b [] data=3"}));
}

TEST(HttpDialect, TakesTheChannelOfABatchFromThePath) {
  Exchange exchange;
  EXPECT_EQ(exchange.ask("POST", "/publish/a%2Fb", "{\"data\":1}\n{\"channel\":\"c\",\"data\":2}\n",
                         {{"content-type", "application/x-ndjson; charset=utf-8"}}),
            "200 {\"ok\":true,\"id\":\"ep-1\"}\n{\"ok\":true,\"id\":\"ep-2\"}\n");
  EXPECT_EQ(exchange.sink.calls, (Calls{"publish a/b [] data=1", "publish c [] data=2"}));
}

TEST(HttpDialect, TakesABatchWithoutAContentType) {
  EXPECT_EQ(ask("POST", "/publish", "{\"channel\":\"a\",\"data\":1}"),
            "200 {\"ok\":true,\"id\":\"ep-1\"}\n");
  EXPECT_EQ(ask("POST", "/publish", "", {kBatch}), "200 ");
}

TEST(HttpDialect, RefusesWhatIsNotABatch) {
  EXPECT_EQ(ask("POST", "/publish", "hello", {kCurlForm}).substr(0, 40),
            "415 {\"error\":\"POST /publish accepts a ba");
  EXPECT_EQ(ask("POST", "/publish?event=x", "", {kBatch}).substr(0, 40),
            "400 {\"error\":\"a batch takes no parameter");
  EXPECT_EQ(
      ask("POST", "/publish", "{\"op\":\"watch\"}", {kBatch}),
      "200 {\"ok\":false,\"error\":\"an HTTP request cannot watch: open an NDJSON connection\","
      "\"line\":1}\n");
  EXPECT_NE(ask("POST", "/publish", "{\"op\":\"subscribers\",\"channel\":\"a\"}", {kBatch})
                .find("this takes a request of its own"),
            std::string::npos);
}

TEST(HttpDialect, LeavesTheSubscribersOfAChannelToTheShards) {
  Exchange exchange;
  exchange.ask("GET", "/channels/room%2F7/subscribers?limit=20&after=1-5");
  ASSERT_TRUE(exchange.answer.roll);
  EXPECT_EQ(exchange.answer.roll->channel, "room/7");
  EXPECT_EQ(exchange.answer.roll->limit, 20U);
  EXPECT_EQ(exchange.answer.roll->after.text(), "1-5");
  exchange.ask("HEAD", "/channels/a/subscribers");
  ASSERT_TRUE(exchange.answer.roll);
  EXPECT_EQ(exchange.answer.roll->limit, 0U) << "nobody would see the list";
  exchange.answer.roll.reset();
  ingest::answer_roll({.channel = "a", .subscribers = 0, .at_ms = 5, .entries = {}, .next = {}},
                      exchange.answer);
  EXPECT_EQ(exchange.answer.body,
            "{\"channel\":\"a\",\"count\":0,\"at_ms\":5,\"subscribers\":[]}\n");
}

TEST(HttpDialect, StopsABatchWhoseAnswerWouldGrowWithoutEnd) {
  Exchange exchange;
  std::string body;
  for (int i = 0; i < 1000; ++i) body += "{}\n";
  const std::string answer =
      exchange.ask("POST", "/publish", body, {kBatch}, {.batch_bytes = body.size()});
  EXPECT_LT(answer.size(), 5 * body.size());
  EXPECT_NE(
      answer.find("this line and all after it were not read; send smaller batches\",\"line\":"),
      std::string::npos);
  EXPECT_TRUE(answer.ends_with("}\n"));
}

// ---- channels

TEST(HttpDialect, FinishesDescribesAndDeletesAChannel) {
  Exchange exchange;
  exchange.ask("POST", "/publish/a/b", "xyz");
  EXPECT_EQ(exchange.ask("POST", "/finish/a/b"), "200 {\"finished\":true}\n");
  const std::string state =
      "200 {\"channel\":\"a/b\",\"events\":1,\"bytes\":3,\"published\":1,\"receivers\":0,"
      "\"first\":\"ep-1\",\"last\":\"ep-1\",\"finished\":true}\n";
  EXPECT_EQ(exchange.ask("GET", "/channels/a/b"), state);
  EXPECT_EQ(exchange.ask("HEAD", "/channels/a%2Fb"), state);
  EXPECT_EQ(exchange.ask("DELETE", "/channels/a/b"), "200 {\"deleted\":true}\n");
  const std::string none =
      "404 {\"error\":\"there is no channel \\\"a/b\\\": a channel is created by the first publish "
      "to it\"}\n";
  EXPECT_EQ(exchange.ask("DELETE", "/channels/a/b"), none);
  EXPECT_EQ(exchange.ask("GET", "/channels/a/b"), none);
  EXPECT_EQ(exchange.ask("POST", "/finish/closed"),
            "409 {\"error\":\"the channel is finished\"}\n");
  EXPECT_EQ(exchange.ask("DELETE", "/channels/closed"),
            "409 {\"error\":\"the channel is finished\"}\n");
}

TEST(HttpDialect, SaysTheSameOfANameThatIsWrongWhateverIsAskedOfIt) {
  const std::string refused = "400 {\"error\":\"not a channel name: \\\"a b\\\"\"}\n";
  Exchange exchange;
  for (const std::string_view method : {"GET", "HEAD", "DELETE"}) {
    EXPECT_EQ(exchange.ask(method, "/channels/a%20b"), refused) << method;
  }
  EXPECT_EQ(exchange.ask("POST", "/finish/a%20b"), refused);
  EXPECT_EQ(exchange.ask("POST", "/publish/a%20b", "x"), refused);
}

// The names in a listing.
std::string names(const std::string& listing) {
  std::string found;
  const std::string key = "\"channel\":\"";
  for (auto at = listing.find(key); at != std::string::npos; at = listing.find(key, at + 1)) {
    const auto begin = at + key.size();
    found += listing.substr(begin, listing.find('"', begin) - begin) + " ";
  }
  return found + listing.substr(listing.find("\"more\""));
}

TEST(HttpDialect, ListsChannels) {
  Exchange exchange;
  for (const char* channel : {"a/1", "a/2", "b"}) {
    exchange.ask("POST", std::string("/publish/") + channel, "x");
  }
  EXPECT_EQ(names(exchange.ask("GET", "/channels")), "a/1 a/2 b \"more\":false}\n");
  EXPECT_EQ(names(exchange.ask("HEAD", "/channels?match=a/*")), "a/1 a/2 \"more\":false}\n");
  EXPECT_EQ(names(exchange.ask("GET", "/channels?match=a/*&limit=1")), "a/1 \"more\":true}\n");
  EXPECT_EQ(names(exchange.ask("GET", "/channels?limit=3")), "a/1 a/2 b \"more\":false}\n");
  EXPECT_EQ(exchange.ask("GET", "/channels?match=nothing"),
            "200 {\"channels\":[],\"more\":false}\n");
  EXPECT_EQ(exchange.ask("GET", "/channels?limit=x"),
            "400 {\"error\":\"limit is \\\"x\\\": it must be a number up to 10000\"}\n");
  EXPECT_EQ(exchange.ask("GET", "/channels?limit=10001").substr(0, 3), "400");
  EXPECT_EQ(exchange.ask("GET", "/channels?match=a%20b"),
            "400 {\"error\":\"match is \\\"a b\\\": a channel or pattern may contain only A-Z a-z "
            "0-9 . _ ~ : @ / - and *, not 0x20 (byte 1)\"}\n");
  EXPECT_EQ(exchange.ask("GET", "/channels?pattern=a"),
            "400 {\"error\":\"unknown parameter \\\"pattern\\\": the parameters are match and "
            "limit\"}\n");
}

TEST(HttpDialect, SaysWhatThisSocketSpeaks) {
  Exchange exchange;
  const std::string text = exchange.ask("GET", "/");
  EXPECT_EQ(exchange.answer.content_type, "text/plain; charset=utf-8");
  for (const char* example : {"curl --unix-socket", "redis-cli -s", "nc -UN"}) {
    EXPECT_NE(text.find(example), std::string::npos);
  }
}

// ---- what is refused by its head alone

TEST(HttpDialect, RefusesUnknownPlacesAndMethodsBeforeTheBody) {
  const auto refuse = [](std::string_view method, std::string_view target) {
    HttpAnswer answer;
    EXPECT_TRUE(ingest::refused_by_head(head_of(method, target), answer));
    return fmt::format("{} {}", answer.status, answer.allow);
  };
  EXPECT_EQ(refuse("POST", "/pub/news"), "404 ");
  EXPECT_EQ(refuse("POST", "/publishnews"), "404 ");
  EXPECT_EQ(refuse("OPTIONS", "*"), "404 ");
  EXPECT_EQ(refuse("GET", "/publish/news"), "405 POST, PUT");
  EXPECT_EQ(refuse("PUT", "/publish"), "405 POST");
  EXPECT_EQ(refuse("GET", "/finish/news"), "405 POST");
  EXPECT_EQ(refuse("POST", "/channels/news"), "405 GET, HEAD, DELETE");
  EXPECT_EQ(refuse("DELETE", "/channels"), "405 GET, HEAD");
  EXPECT_EQ(refuse("POST", "/"), "405 GET, HEAD");
  EXPECT_EQ(refuse("post", "/publish/news"), "405 POST, PUT");
  EXPECT_EQ(ask("POST", "/pub/news", "x"),
            "404 {\"error\":\"there is no /pub/news on the ingest socket: POST /publish/<channel> "
            "publishes, GET / lists the rest\"}\n");
  EXPECT_EQ(
      ask("GET", "/publish/a"),
      "405 {\"error\":\"/publish/a allows POST, PUT, but not GET: GET /channels/<channel> says "
      "what a channel holds\"}\n");
  EXPECT_EQ(ask("DELETE", "/finish/a"),
            "405 {\"error\":\"/finish/a allows POST, but not DELETE: DELETE /channels/<channel> "
            "drops a channel\"}\n");
  EXPECT_EQ(ask("PATCH", "/publish/a"),
            "405 {\"error\":\"/publish/a allows POST, PUT, but not PATCH\"}\n");
  HttpAnswer answer;
  EXPECT_FALSE(ingest::refused_by_head(head_of("POST", "/publish/news"), answer));
}

TEST(HttpDialect, DoesNotRepeatTheAllowOfAnEarlierAnswer) {
  Exchange exchange;
  exchange.ask("GET", "/publish/a");
  EXPECT_EQ(exchange.answer.allow, "POST, PUT");
  exchange.ask("POST", "/publish/a", "x");
  EXPECT_EQ(exchange.answer.allow, "");
}

TEST(HttpDialect, BoundsBodiesByWhatTheyAre) {
  const HttpLimits limits{.event_bytes = 100, .batch_bytes = 5000};
  EXPECT_EQ(ingest::body_bytes_max(head_of("POST", "/publish/a", {kCurlForm}), limits), 100U);
  EXPECT_EQ(ingest::body_bytes_max(head_of("POST", "/publish/a", {kBatch}), limits), 5000U);
  EXPECT_EQ(ingest::body_bytes_max(head_of("POST", "/publish"), limits), 5000U);
  EXPECT_EQ(ingest::body_bytes_max(head_of("POST", "/finish/a"), limits), 65536U);
  HttpAnswer answer;
  ingest::answer_body_too_large(head_of("POST", "/publish/a", {{"Content-Length", "101"}}), limits,
                                answer);
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body,
            "{\"error\":\"the body has 101 bytes; the limit is 100 for one event ([limits] "
            "event_bytes): many clients fail on lines over 64 KiB\"}\n");
  ingest::answer_body_too_large(head_of("POST", "/publish"), limits, answer);
  EXPECT_EQ(
      answer.body,
      "{\"error\":\"the body has more than 5000 bytes; the limit is 5000 for a batch ([limits] "
      "ingest_batch_bytes)\"}\n");
  ingest::answer_body_too_large(head_of("POST", "/publish/a", {kBatch}), limits, answer);
  EXPECT_NE(answer.body.find("more than 5000 bytes"), std::string::npos);
  ingest::answer_body_too_large(head_of("POST", "/finish/a"), limits, answer);
  EXPECT_EQ(
      answer.body,
      "{\"error\":\"the body has more than 65536 bytes; the limit is 65536 for a request that "
      "publishes nothing: send none\"}\n");
}

// ---- bodies that are not what they seem

std::string refused_for(Fields fields, std::string_view target = "/publish/a") {
  HttpAnswer answer;
  if (!ingest::refused_by_head(head_of("POST", target, fields), answer)) return "taken";
  EXPECT_EQ(answer.status, 415);
  return answer.body;
}

TEST(HttpDialect, RefusesAFormOfSeveralParts) {
  for (const std::string_view target : {"/publish/a", "/publish"}) {
    EXPECT_EQ(refused_for({{"Content-Type", "Multipart/Form-Data; boundary=x"}}, target),
              "{\"error\":\"multipart/form-data (curl -F) would publish the form, not the file in "
              "it: send the data alone, as curl --data-binary @file does\"}\n");
  }
  EXPECT_EQ(refused_for({kCurlForm}), "taken") << "what curl -d calls everything";
  EXPECT_EQ(refused_for({{"Content-Type", "multipart/form-data"}}, "/finish/a"), "taken");
}

TEST(HttpDialect, RefusesACodedBody) {
  for (const std::string_view coding : {"gzip", "br", "identity, zstd", "GZIP"}) {
    for (const std::string_view target : {"/publish/a", "/publish"}) {
      const std::string refusal = refused_for({{"Content-Encoding", coding}}, target);
      const std::string_view named = coding == "identity, zstd" ? "zstd" : coding;
      EXPECT_EQ(refusal, fmt::format("{{\"error\":\"the body has Content-Encoding: {}: events are "
                                     "stored and sent as received, so send it unencoded\"}}\n",
                                     named));
    }
  }
  EXPECT_EQ(
      refused_for({{"Content-Encoding", "identity"}, {"Content-Encoding", "gzip"}}).find("tak"),
      std::string::npos);
  EXPECT_EQ(refused_for({{"Content-Encoding", "Identity"}}), "taken");
  EXPECT_EQ(refused_for({{"Content-Encoding", ""}}), "taken");
  HttpAnswer answer;
  ingest::refused_by_head(head_of("PUT", "/publish/a", {{"Content-Encoding", "gzip"}}), answer);
  EXPECT_EQ(answer.accept_encoding, "identity");
  ingest::refused_by_head(head_of("GET", "/publish/a"), answer);
  EXPECT_EQ(answer.accept_encoding, "");
}

TEST(HttpDialect, KnowsJsonLinesByEachOfTheirNames) {
  for (const std::string_view type :
       {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl",
        "application/jsonlines", "Application/X-NDJSON;charset=UTF-8",
        "application/x-ndjson; charset=\"utf-8\"", "application/ndjson; charset=us-ascii"}) {
    EXPECT_EQ(ask("POST", "/publish/a", "{\"data\":1}", {{"Content-Type", type}}),
              "200 {\"ok\":true,\"id\":\"ep-1\"}\n")
        << type;
  }
  EXPECT_EQ(refused_for({{"Content-Type", "application/x-ndjson; charset=utf-16"}}),
            "{\"error\":\"JSON lines must be UTF-8, not utf-16\"}\n");
  EXPECT_EQ(
      refused_for({{"Content-Type", "application/x-ndjson; a=b; Charset=Latin1"}}, "/publish"),
      "{\"error\":\"JSON lines must be UTF-8, not Latin1\"}\n");
  EXPECT_EQ(refused_for({{"Content-Type", "text/plain; charset=ISO-8859-1"}}), "taken")
      << "what HttpClient of Apache calls every string";
}

TEST(HttpDialect, ABatchHasNoKeyOfItsOwn) {
  for (const char* field : {"Idempotency-Key", "X-Event-Id", "X-Event-Type", "X-Event-Retry"}) {
    const std::string answer =
        ask("POST", "/publish/a", "{\"data\":1}", {kBatch, {field, "order-7"}});
    EXPECT_EQ(answer.substr(0, 31), "400 {\"error\":\"a batch takes no ") << field;
  }
}

TEST(HttpDialect, ABatchMayBeginWithAByteOrderMark) {
  EXPECT_EQ(ask("POST", "/publish/a", "\xef\xbb\xbf{\"data\":1}\n", {kBatch}),
            "200 {\"ok\":true,\"id\":\"ep-1\"}\n");
  EXPECT_EQ(ask("POST", "/publish/a", std::string_view("\xff\xfe{\0", 4), {kBatch}),
            "200 {\"ok\":false,\"error\":\"this is UTF-16, as its byte order mark says: send it as "
            "UTF-8\",\"line\":1}\n");
  Exchange exchange;
  exchange.ask("POST", "/publish/a", "\xef\xbb\xbfhello");
  EXPECT_EQ(exchange.sink.calls, Calls{"publish a [] data=\xef\xbb\xbfhello"}) << "data is data";
}

TEST(HttpDialect, PublishesWithoutTheQueryHavingAnyThing) {
  Exchange exchange;
  exchange.ask("POST", "/publish/a?", "x");
  exchange.ask("POST", "/publish/a?event=&id=", "x");
  EXPECT_EQ(exchange.sink.calls, (Calls{"publish a [] data=x", "publish a [] data=x"}));
}

// ---- tickets

TEST(HttpDialect, IssuesATicketForTheChannelsOfTheBody) {
  Exchange exchange;
  const std::string issued = "200 {\"ticket\":\"t1cket\",\"expires_seconds\":60}\n";
  EXPECT_EQ(
      exchange.ask("POST", "/ticket", R"({"channels":["a","b/*"],"expires":"30s","sub":"ann"})"),
      issued);
  EXPECT_EQ(
      exchange.ask("POST", "/ticket", "\n{\n  \"channels\": [\n    \"a\"\n  ]\n}\n", {kCurlForm}),
      issued);
  EXPECT_EQ(exchange.ask("POST", "/ticket", R"({"op":"ticket","channel":"a"})"), issued);
  EXPECT_EQ(exchange.sink.calls, (Calls{"ticket [ann] 30s a b/*", "ticket []  a", "ticket []  a"}));
}

TEST(HttpDialect, RefusesATicketForNothingOrWithMoreThanItHas) {
  EXPECT_EQ(ask("POST", "/ticket", "").substr(0, 4), "400 ");
  EXPECT_EQ(ask("POST", "/ticket", R"({"channels":[]})").substr(0, 4), "400 ");
  EXPECT_EQ(ask("POST", "/ticket", R"({"channels":["a"],"channel":"b"})").substr(0, 4), "400 ");
  EXPECT_EQ(ask("POST", "/ticket", R"({"channels":["a"],"data":"x"})").substr(0, 4), "400 ");
  EXPECT_EQ(ask("POST", "/ticket", R"({"op":"finish","channel":"a"})").substr(0, 4), "400 ");
  EXPECT_EQ(ask("POST", "/ticket", R"({"channels":["full"]})").substr(0, 4), "503 ");
  EXPECT_EQ(ask("POST", "/ticket?channels=a", R"({"channels":["a"]})").substr(0, 4), "400 ");
  EXPECT_EQ(ask("GET", "/ticket").substr(0, 4), "405 ");
}

// ---- /position, and the position of everything that was changed

TEST(HttpDialect, TellsThePosition) {
  Exchange exchange;
  EXPECT_EQ(exchange.ask("GET", "/position"), "200 {\"position\":\"ep-0\"}\n");
  EXPECT_EQ(exchange.answer.position, "ep-0");
  exchange.ask("POST", "/publish/news", "x");
  EXPECT_EQ(exchange.ask("HEAD", "/position"), "200 {\"position\":\"ep-1\"}\n");
  EXPECT_EQ(exchange.ask("POST", "/position").substr(0, 3), "405");
  EXPECT_EQ(exchange.answer.allow, "GET, HEAD");
  EXPECT_EQ(exchange.answer.position, "");
}

TEST(HttpDialect, TellsThePositionAfterEveryChange) {
  Exchange exchange;
  exchange.ask("POST", "/publish/news?id=k", "x");
  EXPECT_EQ(exchange.answer.position, "ep-1");
  exchange.ask("POST", "/publish", "{\"channel\":\"a\",\"data\":\"1\"}\n{\"channel\":\"b\"}\n",
               {kBatch});
  EXPECT_EQ(exchange.answer.position, "ep-2");
  exchange.ask("POST", "/publish/news?id=k", "x");
  EXPECT_EQ(exchange.answer.position, "ep-2")
      << "the position of now, not of the first event of the key";
  exchange.ask("POST", "/finish/news");
  EXPECT_EQ(exchange.answer.position, "ep-2");
  exchange.ask("DELETE", "/channels/news");
  EXPECT_EQ(exchange.answer.position, "ep-2");
  for (const auto& [method, target] :
       {std::pair{"DELETE", "/channels/nowhere"}, std::pair{"POST", "/publish/closed"},
        std::pair{"POST", "/finish/closed"}, std::pair{"GET", "/channels"}}) {
    exchange.ask(method, target, method[0] == 'P' ? "x" : "");
    EXPECT_EQ(exchange.answer.position, "") << target;
  }
}

}  // namespace
}  // namespace fanfare::ingest_test
