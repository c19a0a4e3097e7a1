// The bytes that curl 7.88.1 writes to a Unix socket, through the parser to the answer.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/wire/h1/request_parser.h"
#include "broker/wire/ingest/http_dialect.h"
#include "broker/wire/ingest/sniff.h"
#include "tests/wire/ingest/recording_sink.h"

namespace fanfare::ingest_test {
namespace {

using Calls = std::vector<std::string>;

constexpr std::string_view kFields = "Host: x\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n";

struct Told {
  std::string answer;  // "200 {...}"
  Calls calls;
  bool waits_for_continue = false;
};

Told tell(std::string_view input) {
  EXPECT_EQ(ingest::sniff(input), ingest::Dialect::http);
  const http::Limits limits;
  h1::RequestParser parser(limits);
  std::string body;
  Told told;
  while (true) {
    const h1::Step step = parser.step(input);
    input.remove_prefix(step.consumed);
    if (step.kind == h1::Step::Kind::head) told.waits_for_continue = parser.expects_continue();
    if (step.kind == h1::Step::Kind::body) body += step.body;
    if (step.kind == h1::Step::Kind::end) break;
    if (step.kind == h1::Step::Kind::more || step.kind == h1::Step::Kind::refused) {
      ADD_FAILURE() << "no whole request: " << parser.refusal().reason;
      return told;
    }
  }
  RecordingSink sink;
  ingest::HttpAnswer answer;
  ingest::answer_request(parser.head(), body, sink, {}, answer);
  told.answer = fmt::format("{} {}", answer.status, answer.body);
  told.calls = sink.calls;
  return told;
}

std::string request(std::string_view line, std::string_view rest) {
  return fmt::format("{} HTTP/1.1\r\n{}{}", line, kFields, rest);
}

// curl --unix-socket S http://x/publish/news -d hello
TEST(Curl, LabelsItsBodyAFormAndIsTakenAtItsBytes) {
  const Told told = tell(request("POST /publish/news",
                                 "Content-Length: 5\r\n"
                                 "Content-Type: application/x-www-form-urlencoded\r\n\r\nhello"));
  EXPECT_EQ(told.answer, "200 {\"id\":\"ep-1\",\"receivers\":4}\n");
  EXPECT_EQ(told.calls, Calls{"publish news [] data=hello"});
}

// curl --unix-socket S 'http://x/publish/news?event=tick' --data-binary $'a\nb'
TEST(Curl, KeepsLineBreaksWithDataBinary) {
  const Told told = tell(request("POST /publish/news?event=tick",
                                 "Content-Length: 3\r\n"
                                 "Content-Type: application/x-www-form-urlencoded\r\n\r\na\nb"));
  EXPECT_EQ(told.calls, Calls{"publish news [tick] data=a\nb"});
}

// echo hi | curl -T - --unix-socket S http://x/publish/news
TEST(Curl, UploadsInChunksAndWaitsForContinue) {
  const Told told = tell(request("PUT /publish/news",
                                 "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
                                 "3\r\nhi\n\r\n0\r\n\r\n"));
  EXPECT_TRUE(told.waits_for_continue);
  EXPECT_EQ(told.calls, Calls{"publish news [] data=hi\n"});
}

// curl --unix-socket S -H 'Content-Type: application/x-ndjson' --data-binary @- http://x/publish
TEST(Curl, SendsABatch) {
  const Told told =
      tell(request("POST /publish",
                   "Content-Type: application/x-ndjson\r\nContent-Length: 50\r\n\r\n"
                   "{\"channel\":\"a\",\"data\":1}\n{\"channel\":\"b\",\"data\":2}\n"));
  EXPECT_EQ(told.answer, "200 {\"ok\":true,\"id\":\"ep-1\"}\n{\"ok\":true,\"id\":\"ep-2\"}\n");
  EXPECT_EQ(told.calls, (Calls{"publish a [] data=1", "publish b [] data=2"}));
}

// curl --unix-socket S -X POST http://x/finish/news
TEST(Curl, FinishesWithoutABody) {
  const Told told = tell(request("POST /finish/news", "\r\n"));
  EXPECT_EQ(told.answer, "200 {\"finished\":true}\n");
  EXPECT_EQ(told.calls, Calls{"finish news"});
}

// curl --unix-socket S -X DELETE http://x/channels/a/b
TEST(Curl, DeletesAChannel) {
  const Told told = tell(request("DELETE /channels/a/b", "\r\n"));
  EXPECT_EQ(told.answer.substr(0, 4), "404 ");
  EXPECT_EQ(told.calls, Calls{"erase a/b"});
}

}  // namespace
}  // namespace fanfare::ingest_test
