#include "broker/fanout/framing.h"

#include <algorithm>
#include <cstring>

#include "broker/fanout/encoder.h"

#include "common/hex.h"

namespace fanfare::fanout {
namespace {

struct Chunk {
  std::string_view text;
  std::size_t size;  // of the whole frame
};

Chunk first_chunk(std::string_view frames) {
  std::size_t text_size = 0;
  std::size_t at = 0;
  for (; frames[at] != '\r'; ++at)
    text_size = text_size << 4U | static_cast<std::size_t>(hex_value(frames[at]));
  at += 2;
  return {.text = frames.substr(at, text_size), .size = at + text_size + 2};
}

// The payload moves up to make room for its size, whose digits are known only afterwards; the
// frame it came from was longer by more than that.
char* write_payload_chunk(char* to, std::string_view text) {
  const std::size_t room = hex_size(text.size()) + 2;
  char* const payload = to + room;
  const auto size = static_cast<std::size_t>(write_payload(payload, text) - payload);
  if (size == 0) return to;
  char* const at = write_chunk_size(to, size);
  std::memmove(at, payload, size);
  at[size] = '\r';
  at[size + 1] = '\n';
  return at + size + 2;
}

}  // namespace

char* write_payload(char* to, std::string_view text) {
  constexpr std::string_view kData = "data: ";
  bool first = true;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(kData)) {
      if (!first) *to++ = '\n';
      first = false;
      to = std::copy(line.begin() + kData.size(), line.end(), to);
    }
    text.remove_prefix(line.size() + 1);
  }
  return to;
}

char* reframe(char* to, std::string_view frames, Framing framing) {
  if (framing == Framing::chunked) return std::copy(frames.begin(), frames.end(), to);
  while (!frames.empty()) {
    const Chunk chunk = first_chunk(frames);
    switch (framing) {
      case Framing::chunked:
        break;
      case Framing::plain:
        to = std::copy(chunk.text.begin(), chunk.text.end(), to);
        break;
      case Framing::raw_chunked:
        to = write_payload_chunk(to, chunk.text);
        break;
      case Framing::raw:
        to = write_payload(to, chunk.text);
        break;
    }
    frames.remove_prefix(chunk.size);
  }
  return to;
}

}  // namespace fanfare::fanout
