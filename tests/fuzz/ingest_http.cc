// The HTTP dialect and the sniffer: any request gets an answer with one of the statuses that are
// documented and, where it says so, JSON. An input is "METHOD target|content-type|body".
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "broker/wire/http/head.h"
#include "broker/wire/ingest/http_dialect.h"
#include "broker/wire/ingest/sniff.h"
#include "tests/fuzz/fuzz.h"
#include "tests/wire/ingest/recording_sink.h"

namespace {

using namespace fanfare;

constexpr ingest::HttpLimits kLimits{.event_bytes = 40, .batch_bytes = 400};

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

void check_answer(const ingest::HttpAnswer& answer) {
  constexpr auto kStatuses = std::to_array<int>({200, 400, 404, 405, 409, 413, 415, 503});
  CHECK(std::ranges::count(kStatuses, answer.status) == 1, "a documented status");
  CHECK((answer.status == 405) == !answer.allow.empty(), "Allow with 405, and only there");
  if (answer.content_type != "application/json") return;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  CHECK(parser.parse(answer.body).get(object) == simdjson::SUCCESS, "an object");
  CHECK((answer.status != 200) == (object["error"].error() == simdjson::SUCCESS),
        "an error has its sentence");
}

// Once it is decided, more bytes change nothing; with enough of them it is decided.
void check_sniff(std::string_view bytes) {
  auto verdict = ingest::Dialect::undecided;
  for (std::size_t size = 0; size <= std::min(bytes.size(), ingest::kSniffBytesMax + 2); ++size) {
    const auto now = ingest::sniff(bytes.substr(0, size));
    CHECK(verdict == ingest::Dialect::undecided || now == verdict, "a verdict is for good");
    CHECK(size < ingest::kSniffBytesMax || now != ingest::Dialect::undecided, "it ends");
    verdict = now;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  check_sniff(text);
  http::RequestHead head;
  head.method_text = take_until(text, ' ');
  head.method = http::method_of(head.method_text);
  head.target = take_until(text, '|');
  head.query = head.target;
  head.path = take_until(head.query, '?');
  head.fields.push_back({"Content-Type", take_until(text, '|')});
  ingest_test::RecordingSink sink;
  ingest::HttpAnswer answer;
  const bool refused = ingest::refused_by_head(head, answer);
  if (refused) check_answer(answer);
  ingest::answer_request(head, text, sink, kLimits, answer);
  check_answer(answer);
  CHECK(!refused || sink.calls.empty(), "what its head refused does nothing");
  ingest::answer_body_too_large(head, kLimits, answer);
  check_answer(answer);
  return 0;
}
