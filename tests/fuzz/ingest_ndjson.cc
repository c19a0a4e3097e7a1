// NdjsonSession: whatever arrives, cut however and paused however early, publishes the same and
// answers the same; every line that is not blank gets one line of JSON. What is accepted is what
// simdjson's other, fully validating parser accepts, and the data is the data.
#include <simdjson.h>

#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/ingest/session.h"
#include "tests/fuzz/fuzz.h"
#include "tests/wire/ingest/recording_sink.h"

#include "common/utf8.h"

namespace {

using namespace fanfare;
namespace dom = simdjson::dom;

constexpr ingest::SessionOptions kOptions{.event_bytes = 40};
constexpr ingest::SessionOptions kHasty{.event_bytes = 40, .reply_bytes = 1};
constexpr std::size_t kLineMax = 6 * 40 + (64U << 10U);

// One line's own Sink: keeps what was published.
class LastEvent final : public ingest::Sink {
 public:
  std::string data;
  int events = 0;

  std::expected<ingest::Published, ingest::Refused> publish(const ingest::Publish& event) override {
    data = event.data;
    ++events;
    return ingest::Published{.id = "e-1"};
  }
  std::expected<void, ingest::Refused> finish(std::string_view) override { return {}; }
  std::expected<bool, ingest::Refused> erase(std::string_view) override { return true; }
  std::optional<ingest::ChannelState> find(std::string_view) override { return std::nullopt; }
  void for_each_channel(const ChannelVisitor&) override {}
  std::uint64_t subscribers(std::string_view) override { return 0; }
  std::uint64_t pattern_count() override { return 0; }
  void for_each_fact(const FactVisitor&) override {}
};

std::string minified(const dom::element& element) {
  return simdjson::minify(element);
}

// A line that was published is JSON to the other parser too, and its data is what that one reads.
void check_published(std::string_view line) {
  LastEvent sink;
  std::string reply;
  const auto session = ingest::make_session(ingest::Dialect::ndjson, sink, {.event_bytes = 40});
  session->receive(std::string(line) + "\n", reply);
  if (sink.events == 0) return;
  dom::parser parser, other;
  dom::element document, data;
  const auto error = parser.parse(line.data(), line.size()).get(document);
  // Numbers beyond 64 bits are JSON; this parser cannot hold them.
  if (error == simdjson::NUMBER_ERROR) return;
  CHECK(error == simdjson::SUCCESS, "what is published was JSON");
  CHECK(document["data"].get(data) == simdjson::SUCCESS, "there was data");
  std::string_view text;
  if (data.get(text) == simdjson::SUCCESS) {
    CHECK(text == sink.data, "a string is the data");
    return;
  }
  dom::element forwarded;
  CHECK(other.parse(sink.data).get(forwarded) == simdjson::SUCCESS, "forwarded data is JSON");
  CHECK(minified(forwarded) == minified(data), "and says the same");
}

struct Outcome {
  std::string replies;
  std::vector<std::string> calls;
};

Outcome converse(const ingest::SessionOptions& options, std::string_view bytes,
                 const wire_test::Cuts& cuts) {
  ingest_test::RecordingSink sink;
  const auto session = ingest::make_session(ingest::Dialect::ndjson, sink, options);
  Outcome outcome;
  wire_test::feed_in_pieces(bytes, cuts, [&](std::string_view piece) {
    session->receive(piece, outcome.replies);
    while (session->paused()) session->receive({}, outcome.replies);
    CHECK(session->buffered_bytes() <= kLineMax, "what is kept is bounded");
  });
  session->end_of_input(outcome.replies);
  outcome.calls = sink.calls;
  return outcome;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

void check_replies(std::string_view bytes, std::string_view replies) {
  std::size_t expected = 0;
  // The mark of UTF-8 before the first line is skipped: behind it that line may be blank.
  for (const std::string_view line : lines_of(without_utf8_mark(bytes))) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ++expected;
    check_published(line);
  }
  dom::parser parser;
  for (const std::string_view line : lines_of(replies)) {
    bool ok = false;
    // A "ref" may be a number that the other parser cannot hold.
    const auto error = parser.parse(line.data(), line.size())["ok"].get(ok);
    CHECK(error == simdjson::SUCCESS || error == simdjson::NUMBER_ERROR,
          "a reply is an object with \"ok\"");
    CHECK(expected-- > 0, "no more replies than lines");
  }
  CHECK(expected == 0, "a reply for every line");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [cuts, bytes] = fuzz::input_of(data, size);
  const Outcome whole = converse(kOptions, bytes, {});
  check_replies(bytes, whole.replies);
  for (const auto& [options, how] :
       {std::pair(kOptions, cuts), std::pair(kHasty, cuts), std::pair(kHasty, wire_test::Cuts{})}) {
    const Outcome outcome = converse(options, bytes, how);
    CHECK(outcome.replies == whole.replies, "the same replies");
    CHECK(outcome.calls == whole.calls, "the same events");
  }
  return 0;
}
