// Span: a run of whole events, contiguous and ready for the wire, in one of the framings.
#pragma once

#include <cstddef>
#include <cstdint>

#include "broker/fanout/event_id.h"
#include "broker/fanout/segment.h"

#include "common/intrusive.h"

namespace fanfare::fanout {

// How events are put on the wire. The first is what segments hold; the others are made once a feed.
enum class Framing : std::uint8_t {
  chunked,      // HTTP/1.1: one chunk an event
  plain,        // SSE text alone: HTTP/1.0, later HTTP/2
  raw_chunked,  // payload bytes only, one chunk an event (no empty chunk for an empty payload)
  raw,          // payload bytes only
};

constexpr bool is_raw(Framing framing) {
  return framing == Framing::raw || framing == Framing::raw_chunked;
}
constexpr bool is_chunked(Framing framing) {
  return framing == Framing::chunked || framing == Framing::raw_chunked;
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
