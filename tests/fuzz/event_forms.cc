// An event as a publisher may publish it (a name on the first line, then the data), in every form
// in which streams write it. Each has the size that was said, and a line of JSON is one, says what
// the event says, and nothing else.
#include <simdjson.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "broker/fanout/encoder.h"
#include "broker/fanout/framing.h"
#include "broker/fanout/segment_writer.h"
#include "broker/policy/event_rules.h"

#include "common/check.h"

using namespace fanfare;  // NOLINT(google-build-using-namespace): a program of one function

namespace {

constexpr std::string_view kChannel = "orders/7:a@b";
constexpr std::string_view kId = "0123abc-1234567";

// The data as a client gets it: every line end is LF.
std::string received(std::string_view data) {
  std::string text;
  for (std::size_t at = 0; at < data.size(); ++at) {
    if (data[at] == '\r' && data.substr(at + 1).starts_with('\n')) continue;
    text += data[at] == '\r' ? '\n' : data[at];
  }
  return text;
}

void check_line(std::string_view line, const fanout::Event& event) {
  CHECK(line.find('\n') == line.size() - 1, "a line, and one only");
  for (const std::string_view end :
       {"\r", "\v", "\f", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"}) {
    CHECK(line.find(end) == std::string_view::npos, "nobody takes something else for its end");
  }
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  CHECK(parser.parse(line.data(), line.size()).get(object) == simdjson::SUCCESS, "it is JSON");
  CHECK(object.size() == 5, "no member but its own");
  const auto member = [&object](std::string_view key) {
    std::string_view text;
    CHECK(object[key].get(text) == simdjson::SUCCESS, "each member is a string");
    return text;
  };
  CHECK(member("id") == kId && member("channel") == kChannel, "whose it is");
  CHECK(member("event") == (event.type.empty() ? "message" : event.type), "its name");
  CHECK(member("data") == received(event.data), "its data");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view type = input.substr(0, input.find('\n'));
  const std::string_view rest = input.substr(std::min(size, type.size() + 1));
  const fanout::Event event{.type = type, .data = rest, .retry_ms = {}};
  const policy::Proposal proposal{.channel = kChannel, .type = type, .data = rest};
  if (policy::event_problem(proposal, {.data_bytes = 1U << 20U})) return 0;
  const fanout::Encoder encoder(*fanout::Epoch::parse("0123abc"));
  const auto shape = encoder.measure(event, 1'234'567);
  fanout::SegmentWriter writer(fanout::Segment::make(shape.frame_size + 64));
  encoder.encode(shape, event, 1'234'567, writer.append(shape.frame_size, 1'234'567, 1));
  const fanout::Frames frames{.bytes = {writer.segment()->bytes(), shape.frame_size},
                              .channel = kChannel,
                              .segment = writer.segment().get(),
                              .first = 0,
                              .count = 1};
  for (std::size_t form = 0; form < fanout::kFramings; ++form) {
    const auto framing = static_cast<fanout::Framing>(form);
    const std::size_t room = reframed_size_max(frames, framing);
    std::string bytes(room, '?');
    const auto written =
        static_cast<std::size_t>(reframe(bytes.data(), frames, framing) - bytes.data());
    CHECK(written <= room, "it has the room that it asked for");
    if (framing == fanout::Framing::json)
      check_line(std::string_view(bytes).substr(0, written), event);
    const bool raw = framing == fanout::Framing::raw;
    CHECK(!raw || bytes.substr(0, written) == received(rest), "the payload alone");
  }
  return 0;
}
