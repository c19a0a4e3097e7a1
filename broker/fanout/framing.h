// Framing: turns the frames that segments hold into the bytes that other transports and other
// readers want. It reads only the encoder's own output; it is not an SSE parser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/fanout/segment.h"
#include "broker/fanout/span.h"

namespace fanfare::fanout {

// Whole frames that lie in one segment one after another, and what is not in their text.
struct Frames {
  std::string_view bytes;
  std::string_view channel;
  const Segment* segment = nullptr;  // where they lie: its entries know when they were committed
  std::uint32_t first = 0;           // the entry of the first
  std::uint32_t count = 0;
  // The channel keeps the latest event of each key: behind each frame lies its key.
  bool keyed = false;
};

// Between an id and its channel in the named framings: not in the alphabet of either, and needs no
// escape in a URL or in a header field.
inline constexpr char kChannelSeparator = ',';
// And before its key, in which everything that is in neither alphabet is written as %XX.
inline constexpr char kKeySeparator = ',';

// Writes the payload of an SSE text to `to` (its `data` lines, joined by LF; room for text.size()
// bytes); returns where it ended.
char* write_payload(char* to, std::string_view text);

// The room that reframe() needs.
std::size_t reframed_size_max(const Frames& frames, Framing framing);
// Writes `frames`, one after another in `framing`, to `to`; returns where it ended.
char* reframe(char* to, const Frames& frames, Framing framing);

}  // namespace fanfare::fanout
