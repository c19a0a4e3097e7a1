#include "broker/fanout/framing.h"

#include <algorithm>
#include <cstring>

#include "broker/fanout/encoder.h"
#include "broker/fanout/json_line.h"

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

// A chunk of what `write` writes, which is not known to be as long as `size_max` before: it moves
// up to the digits of its size. No chunk if it is empty, since that would end the body.
template <class Write>
char* write_chunk(char* to, std::size_t size_max, const Write& write) {
  char* const text = to + hex_size(size_max) + 2;
  const auto size = static_cast<std::size_t>(write(text) - text);
  if (size == 0) return to;
  char* const at = write_chunk_size(to, size);
  std::memmove(at, text, size);
  at[size] = '\r';
  at[size + 1] = '\n';
  return at + size + 2;
}
// Beyond the text itself.
constexpr std::size_t chunk_overhead_max(std::size_t size_max) {
  return hex_size(size_max) + 4;
}

char* copy(char* to, std::string_view text) {
  return std::copy(text.begin(), text.end(), to);
}

// The text of an event, with the channel behind its id.
char* write_named(char* to, std::string_view text, std::string_view channel) {
  constexpr std::string_view kEnd = "\n\n";
  to = copy(to, text.substr(0, text.size() - kEnd.size()));
  *to++ = kChannelSeparator;
  return copy(copy(to, channel), kEnd);
}

JsonLine line_of(const Frames& frames, std::uint32_t index, std::string_view text) {
  return {.text = text,
          .channel = frames.channel,
          .time = frames.segment->entry(frames.first + index).committed_s};
}

char* write_event(char* to, const Frames& frames, std::uint32_t index, std::string_view text,
                  Framing framing) {
  switch (framing) {
    case Framing::chunked:
      return copy(copy(write_chunk_size(to, text.size()), text), "\r\n");
    case Framing::plain:
      return copy(to, text);
    case Framing::raw_chunked:
      // The frame it comes from was longer by more than the chunk's digits.
      return write_chunk(to, text.size(), [=](char* at) { return write_payload(at, text); });
    case Framing::raw:
      return write_payload(to, text);
    case Framing::json_chunked: {
      const JsonLine line = line_of(frames, index, text);
      return write_chunk(to, line.size_max(), [&line](char* at) { return line.write(at); });
    }
    case Framing::json:
      return line_of(frames, index, text).write(to);
    case Framing::named_chunked:
      to = write_chunk_size(to, text.size() + 1 + frames.channel.size());
      return copy(write_named(to, text, frames.channel), "\r\n");
    case Framing::named:
      return write_named(to, text, frames.channel);
  }
  return to;
}

template <class See>
void for_each_text(std::string_view frames, const See& see) {
  for (std::uint32_t index = 0; !frames.empty(); ++index) {
    const Chunk chunk = first_chunk(frames);
    see(index, chunk.text);
    frames.remove_prefix(chunk.size);
  }
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

std::size_t reframed_size_max(const Frames& frames, Framing framing) {
  std::size_t size = frames.bytes.size();
  if (framing == Framing::named || framing == Framing::named_chunked) {
    // The comma, the channel, and one more digit of the chunk's size.
    size += frames.count * (2 + frames.channel.size());
  } else if (is_json(framing)) {
    size = 0;
    for_each_text(frames.bytes, [&](std::uint32_t index, std::string_view text) {
      const JsonLine line = line_of(frames, index, text);
      size += line.size() + chunk_overhead_max(line.size_max());
    });
  }
  return size;
}

char* reframe(char* to, const Frames& frames, Framing framing) {
  for_each_text(frames.bytes, [&](std::uint32_t index, std::string_view text) {
    to = write_event(to, frames, index, text, framing);
  });
  return to;
}

}  // namespace fanfare::fanout
