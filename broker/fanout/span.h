// Span: a run of whole events, contiguous and ready for the wire, in one of the framings.
#pragma once

#include <cstddef>
#include <cstdint>

#include "broker/fanout/event_id.h"
#include "broker/fanout/segment.h"

#include "common/intrusive.h"

namespace fanfare::fanout {

// How events are put on the wire. The first is what segments hold; the others are made once a feed.
// Each form of an event is a pair: in HTTP/1.1 chunks, one an event, and without (HTTP/1.0, later
// HTTP/2).
enum class Framing : std::uint8_t {
  chunked,  // SSE text
  plain,
  raw_chunked,  // payload bytes only (no empty chunk for an empty payload)
  raw,
  json_chunked,  // a line of JSON (json_line.h)
  json,
  named_chunked,  // SSE text whose id is followed by a comma and the channel
  named,
  keyed_chunked,  // SSE text whose id is followed by a comma and the key
  keyed,
  named_keyed_chunked,  // by a comma and the channel, a comma and the key
  named_keyed,
};
inline constexpr std::size_t kFramings = 12;

constexpr bool is_chunked(Framing framing) {
  return (static_cast<unsigned>(framing) & 1U) == 0;
}
// The same form, in chunks or not.
constexpr Framing with_chunks(Framing framing, bool chunked) {
  return static_cast<Framing>((static_cast<unsigned>(framing) & ~1U) | (chunked ? 0U : 1U));
}
// Each of these once more, for subscribers that are sent it compressed: they have feeds of their
// own, whose spans are text without chunks. Compressing it, and the chunks around that, are up to
// the owner of the replica.
inline constexpr unsigned kGzipped = 16;
static_assert(kFramings <= kGzipped);
constexpr Framing gzipped(Framing framing) {
  return static_cast<Framing>(static_cast<unsigned>(framing) | kGzipped);
}
constexpr bool is_gzipped(Framing framing) {
  return (static_cast<unsigned>(framing) & kGzipped) != 0;
}
// The form of the text, whatever it is carried in: one of those without chunks.
constexpr Framing text_form(Framing framing) {
  return with_chunks(static_cast<Framing>(static_cast<unsigned>(framing) & ~kGzipped), false);
}
constexpr bool is_raw(Framing framing) {
  return text_form(framing) == Framing::raw;
}
constexpr bool is_json(Framing framing) {
  return text_form(framing) == Framing::json;
}

// `keeps` holds the bytes for as long as the span lives. A span of empty raw payloads has events
// but no bytes.
struct Span {
  Ref<Segment> keeps;
  const char* data = nullptr;
  std::size_t size = 0;
  std::uint32_t events = 0;
  Sequence last = 0;  // having this span, a subscriber has everything up to here
};

}  // namespace fanfare::fanout
