// RespSession: whatever arrives, cut however and paused however early, publishes the same and
// answers the same; every answer is one whole reply of RESP2 or RESP3, and what is kept is bounded.
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/ingest/session.h"
#include "tests/fuzz/fuzz.h"
#include "tests/wire/ingest/recording_sink.h"

namespace {

using namespace fanfare;

// Small, so that a fuzzer meets each.
constexpr ingest::SessionOptions kOptions{.event_bytes = 40};
constexpr ingest::SessionOptions kHasty{.event_bytes = 40, .reply_bytes = 1};
constexpr std::size_t kKeptMax = 40 + (64U << 10U) + 64;

struct Outcome {
  std::string replies;
  std::vector<std::string> calls;
  bool closed = false;
};

// "\r\n" is taken off with the line.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find("\r\n");
  CHECK(end != std::string_view::npos, "a reply line ends");
  const std::string_view line = text.substr(0, end);
  CHECK(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos, "one line");
  text.remove_prefix(end + 2);
  return line;
}

// Takes one reply, with its members, off `text`.
void take_reply(std::string_view& text) {
  const std::string_view line = take_line(text);
  CHECK(!line.empty(), "a reply has a type");
  if (line[0] == '+' || line[0] == '-' || line == "_") return;
  long long number = 0;
  const auto [stop, error] = std::from_chars(line.data() + 1, line.data() + line.size(), number);
  CHECK(error == std::errc{} && stop == line.data() + line.size(), "a number");
  if (line[0] == ':') return;
  if (line[0] == '%') number *= 2;
  if (line[0] == '*' || line[0] == '~' || line[0] == '%') {
    while (number-- > 0) take_reply(text);
    return;
  }
  CHECK((line[0] == '$' && number >= -1) || line[0] == '=', "a reply's type");
  if (number < 0) return;
  const auto size = static_cast<std::size_t>(number);
  CHECK(text.size() >= size + 2 && text.substr(size, 2) == "\r\n", "a bulk is whole");
  text.remove_prefix(size + 2);
}

Outcome converse(const ingest::SessionOptions& options, std::string_view bytes,
                 const wire_test::Cuts& cuts) {
  ingest_test::RecordingSink sink;
  const auto session = ingest::make_session(ingest::Dialect::resp, sink, options);
  Outcome outcome;
  wire_test::feed_in_pieces(bytes, cuts, [&](std::string_view piece) {
    session->receive(piece, outcome.replies);
    while (session->paused()) session->receive({}, outcome.replies);
    CHECK(session->buffered_bytes() <= kKeptMax, "what is kept is bounded");
    CHECK(!session->closed() || session->buffered_bytes() == 0, "a closed session keeps nothing");
  });
  session->end_of_input(outcome.replies);
  for (std::string_view rest = outcome.replies; !rest.empty();) take_reply(rest);
  outcome.calls = sink.calls;
  outcome.closed = session->closed();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [cuts, bytes] = fuzz::input_of(data, size);
  const Outcome whole = converse(kOptions, bytes, {});
  for (const auto& [options, how] :
       {std::pair(kOptions, cuts), std::pair(kHasty, cuts), std::pair(kHasty, wire_test::Cuts{})}) {
    const Outcome outcome = converse(options, bytes, how);
    CHECK(outcome.replies == whole.replies, "the same replies");
    CHECK(outcome.calls == whole.calls, "the same events");
    CHECK(outcome.closed == whole.closed, "the same end");
  }
  return 0;
}
