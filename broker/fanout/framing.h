// Framing: turns the frames that segments hold into the bytes that other transports want. It reads
// only the encoder's own output; it is not an SSE parser.
#pragma once

#include <cstddef>
#include <string_view>

#include "broker/fanout/span.h"

namespace fanfare::fanout {

// Writes the payload of an SSE text to `to` (its `data` lines, joined by LF; room for text.size()
// bytes); returns where it ended.
char* write_payload(char* to, std::string_view text);

// The most bytes that a frame of `frame_size` needs in any framing.
constexpr std::size_t reframed_size_max(std::size_t frame_size) {
  return frame_size;
}
// Writes `frames`, whole ones, one after another in `framing` to `to`, which has room for
// reframed_size_max(frames.size()); returns where it ended.
char* reframe(char* to, std::string_view frames, Framing framing);

}  // namespace fanfare::fanout
