// The parsers: publishers' dialects, a browser's request, an event stream read back.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <string>

#include "bench/micro/counters.h"
#include "broker/wire/h1/request_parser.h"
#include "broker/wire/ingest/http_dialect.h"
#include "broker/wire/ingest/session.h"
#include "broker/wire/sse/parser.h"

namespace fanfare::bench {
namespace {

// Takes everything and keeps nothing.
class CountingSink final : public ingest::Sink {
 public:
  std::expected<ingest::Published, ingest::Refused> publish(const ingest::Publish& event) override {
    bytes += event.data.size();
    return ingest::Published{.id = "0123456-1000000", .receivers = 3};
  }
  std::expected<void, ingest::Refused> finish(std::string_view) override { return {}; }
  std::expected<bool, ingest::Refused> erase(std::string_view) override { return true; }
  std::optional<ingest::ChannelState> find(std::string_view) override { return std::nullopt; }
  void for_each_channel(const ChannelVisitor&) override {}
  std::uint64_t subscribers(std::string_view) override { return 0; }
  std::uint64_t pattern_count() override { return 0; }
  void for_each_fact(const FactVisitor&) override {}

  std::uint64_t bytes = 0;
};

constexpr std::size_t kData = 200, kPipelined = 64;

// As a publisher's socket brings them: 64 requests in one read.
void ingest_session(benchmark::State& state, ingest::Dialect dialect, const std::string& request) {
  CountingSink sink;
  const auto session = ingest::make_session(dialect, sink, {});
  std::string input, out;
  for (std::size_t i = 0; i < kPipelined; ++i) input += request;
  for (auto _ : state) {
    out.clear();
    session->receive(input, out);
    benchmark::DoNotOptimize(out.data());
  }
  if (sink.bytes == 0) state.SkipWithError("nothing was published");
  count(state, kPipelined, input.size());
}

void ingest_resp(benchmark::State& state) {
  ingest_session(state, ingest::Dialect::resp,
                 fmt::format("*3\r\n$7\r\nPUBLISH\r\n$8\r\nbench/17\r\n${}\r\n{}\r\n", kData,
                             std::string(kData, 'x')));
}
BENCHMARK(ingest_resp);

void ingest_ndjson(benchmark::State& state) {
  ingest_session(
      state, ingest::Dialect::ndjson,
      fmt::format("{{\"channel\":\"bench/17\",\"data\":\"{}\"}}\n", std::string(kData, 'x')));
}
BENCHMARK(ingest_ndjson);

// Parsing the request is part of what an HTTP publish costs.
void ingest_http(benchmark::State& state) {
  CountingSink sink;
  const http::Limits limits;
  h1::RequestParser parser(limits);
  const std::string head = fmt::format(
      "POST /publish/bench/17 HTTP/1.1\r\nHost: x\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
      "Content-Length: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n",
      kData);
  const std::string body(kData, 'x');
  ingest::HttpAnswer answer;
  for (auto _ : state) {
    parser.reset();
    benchmark::DoNotOptimize(parser.step(head));
    ingest::answer_request(parser.head(), body, sink, {}, answer);
    benchmark::DoNotOptimize(answer.body.data());
  }
  if (answer.status != 200) state.SkipWithError("the publish was refused");
  count(state, 1, head.size() + body.size());
}
BENCHMARK(ingest_http);

// About 700 bytes, as Chromium's EventSource sends them.
void request_head(benchmark::State& state) {
  const std::string head =
      "GET /events?channel=prices%2Fbtc&channel=alerts HTTP/1.1\r\n"
      "Host: stream.example.com\r\n"
      "Connection: keep-alive\r\n"
      "sec-ch-ua-platform: \"Linux\"\r\n"
      "Cache-Control: no-cache\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/139.0.0.0 Safari/537.36\r\n"
      "Accept: text/event-stream\r\n"
      "sec-ch-ua: \"Not;A=Brand\";v=\"99\", \"Chromium\";v=\"139\"\r\n"
      "sec-ch-ua-mobile: ?0\r\n"
      "Origin: https://www.example.com\r\n"
      "Sec-Fetch-Site: same-site\r\n"
      "Sec-Fetch-Mode: cors\r\n"
      "Sec-Fetch-Dest: empty\r\n"
      "Referer: https://www.example.com/dashboard/overview\r\n"
      "Accept-Encoding: gzip, deflate, br, zstd\r\n"
      "Accept-Language: en-GB,en-US;q=0.9,en;q=0.8\r\n"
      "Last-Event-ID: 0123456-1000000\r\n\r\n";
  const http::Limits limits;
  h1::RequestParser parser(limits);
  for (auto _ : state) {
    parser.reset();
    const h1::Step step = parser.step(head);
    if (step.kind != h1::Step::Kind::head) state.SkipWithError("the head was not taken");
    benchmark::DoNotOptimize(step.consumed);
  }
  count(state, 1, head.size());
}
BENCHMARK(request_head);

void sse_parser(benchmark::State& state) {
  std::string stream;
  for (std::size_t i = 0; i < kPipelined; ++i) {
    stream += fmt::format("data: {}\nid: 0123456-{}\n\n", std::string(kData, 'x'), 1000 + i);
  }
  sse::Parser parser;
  std::size_t events = 0;
  for (auto _ : state) {
    std::string_view input = stream;
    while (parser.next(input) != nullptr) ++events;
  }
  if (events == 0) state.SkipWithError("no event was read");
  count(state, kPipelined, stream.size());
}
BENCHMARK(sse_parser);

}  // namespace
}  // namespace fanfare::bench
