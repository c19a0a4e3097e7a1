// The event stream parser: any split gives the same events; events keep the grammar's promises; and
// what the broker writes as a control text never adds an event of a stranger's making.
#include <algorithm>
#include <string>
#include <string_view>

#include "broker/wire/sse/control.h"
#include "broker/wire/sse/parser.h"
#include "tests/fuzz/fuzz.h"

#include "common/utf8.h"

namespace {

using namespace fanfare;

// Small, so that a fuzzer passes it.
constexpr std::size_t kEventBytesMax = 200;

void check_event(const sse::ParsedEvent& event) {
  CHECK(!event.type.empty(), "a type, if only `message`");
  CHECK(event.data.find('\r') == event.data.npos, "CR ends lines");
  CHECK(event.data.size() <= 3 * kEventBytesMax, "bound, each bad byte as U+FFFD");
  CHECK(event.last_event_id.find_first_of(std::string_view("\0\r\n", 3)) == event.data.npos, "id");
  for (const std::string_view text : {event.type, event.data, event.last_event_id}) {
    CHECK(utf8_prefix_size(text) == text.size(), "valid UTF-8");
  }
}

std::string read(std::string_view bytes, const wire_test::Cuts& cuts) {
  sse::Parser parser(kEventBytesMax);
  std::string text;
  wire_test::feed_in_pieces(bytes, cuts, [&](std::string_view input) {
    while (const sse::ParsedEvent* event = parser.next(input)) {
      check_event(*event);
      text.append(event->type).append("|").append(event->data).append("|");
      text.append(event->last_event_id).append("\n");
    }
    CHECK(input.empty(), "all is taken");
  });
  text.append(parser.last_event_id()).append(" ").append(parser.overflowed() ? "!" : "");
  return text.append(std::to_string(parser.retry_ms().value_or(1)))
      .append(" ")
      .append(std::to_string(parser.overflowed() ? 0 : parser.comments()));
}

// A gap that quotes `cursor` is one event, whatever the cursor.
void check_gap(std::string_view cursor) {
  const std::string text = sse::gap_text(
      "gap", {.reason = sse::GapReason::unknown, .after = cursor, .resumed = "k-2", .id = "k-1"});
  sse::Parser parser;
  std::string_view input = text;
  const sse::ParsedEvent* event = parser.next(input);
  CHECK(event != nullptr && event->type == "gap" && event->last_event_id == "k-1", "the gap");
  CHECK(event->data.starts_with("{\"reason\":\"unknown\",\"after\":\""), "its reason");
  CHECK(event->data.ends_with("\",\"resumed\":\"k-2\"}"), "its ends");
  CHECK(std::ranges::count(event->data, '"') == 12, "three names and three values, no more");
  CHECK(event->data.find_first_of("\n\\") == event->data.npos, "on one line, nothing escaped");
  CHECK(input.empty() && parser.next(input) == nullptr, "and nothing else");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input = fuzz::input_of(data, size);
  CHECK(read(input.bytes, input.cuts) == read(input.bytes, {}), "any split gives the same");
  check_gap(input.bytes);
  return 0;
}
