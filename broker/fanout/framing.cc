#include "broker/fanout/framing.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "broker/fanout/encoder.h"
#include "broker/fanout/json_line.h"
#include "broker/fanout/removal.h"

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

// What of an event is not in its SSE text.
struct Aside {
  std::string_view channel;
  std::string_view key;
  bool keyed = false;
  bool removes = false;
  const Segment::Entry* entry = nullptr;  // knows when it was committed
};

bool is_named(Framing framing) {
  const Framing form = with_chunks(framing, false);
  return form == Framing::named || form == Framing::named_keyed;
}
bool tells_key(Framing framing) {
  const Framing form = with_chunks(framing, false);
  return form == Framing::keyed || form == Framing::named_keyed;
}

constexpr std::size_t kEscapedSize = 3;

constexpr bool needs_no_escape_of(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._~:@/-").contains(c);
}
constexpr auto kNeedsNoEscape = [] {
  std::array<bool, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    table[byte] = needs_no_escape_of(static_cast<char>(byte));
  }
  return table;
}();

bool needs_no_escape(char c) {
  return kNeedsNoEscape[static_cast<unsigned char>(c)];
}

std::size_t written_key_size(std::string_view key) {
  std::size_t size = key.size();
  for (const char c : key) size += needs_no_escape(c) ? 0 : kEscapedSize - 1;
  return size;
}

// In capitals, as encodeURIComponent does it (RFC 3986 §2.1).
char* write_key(char* to, std::string_view key) {
  if (written_key_size(key) == key.size()) return copy(to, key);
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : key) {
    if (needs_no_escape(c)) {
      *to++ = c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    *to++ = '%';
    *to++ = kDigits[byte >> 4U];
    *to++ = kDigits[byte & 15U];
  }
  return to;
}

// The text of an event, with what the framing has behind its id.
char* write_with_suffix(char* to, std::string_view text, const Aside& aside, Framing framing) {
  constexpr std::string_view kEnd = "\n\n";
  to = copy(to, text.substr(0, text.size() - kEnd.size()));
  if (is_named(framing)) {
    *to++ = kChannelSeparator;
    to = copy(to, aside.channel);
  }
  if (tells_key(framing) && aside.key != kEveryKey) {
    *to++ = kKeySeparator;
    to = write_key(to, aside.key);
  }
  return copy(to, kEnd);
}
std::size_t suffix_size(const Aside& aside, Framing framing) {
  const bool has_key = tells_key(framing) && aside.key != kEveryKey;
  return (is_named(framing) ? 1 + aside.channel.size() : 0) +
         (has_key ? 1 + written_key_size(aside.key) : 0);
}
std::size_t suffix_size_max(std::string_view channel, std::string_view key, Framing framing) {
  return (is_named(framing) ? 1 + channel.size() : 0) +
         (tells_key(framing) ? 1 + kEscapedSize * key.size() : 0);
}

JsonLine line_of(const Aside& aside, std::string_view text) {
  JsonLine line{.text = text, .channel = aside.channel, .time = aside.entry->committed_s};
  if (aside.keyed && aside.key != kEveryKey) line.key = aside.key;
  line.removed = aside.removes;
  return line;
}

char* write_payload_of(char* to, const Aside& aside, std::string_view text) {
  return aside.removes ? to : write_payload(to, text);
}

char* write_event(char* to, const Aside& aside, std::string_view text, Framing framing) {
  switch (framing) {
    case Framing::chunked:
      return copy(copy(write_chunk_size(to, text.size()), text), "\r\n");
    case Framing::plain:
      return copy(to, text);
    case Framing::raw_chunked:
      // The frame it comes from was longer by more than the chunk's digits.
      return write_chunk(to, text.size(),
                         [&](char* at) { return write_payload_of(at, aside, text); });
    case Framing::raw:
      return write_payload_of(to, aside, text);
    case Framing::json_chunked: {
      const JsonLine line = line_of(aside, text);
      return write_chunk(to, line.size_max(), [&line](char* at) { return line.write(at); });
    }
    case Framing::json:
      return line_of(aside, text).write(to);
    case Framing::named_chunked:
    case Framing::keyed_chunked:
    case Framing::named_keyed_chunked:
      to = write_chunk_size(to, text.size() + suffix_size(aside, framing));
      return copy(write_with_suffix(to, text, aside, framing), "\r\n");
    case Framing::named:
    case Framing::keyed:
    case Framing::named_keyed:
      return write_with_suffix(to, text, aside, framing);
  }
  return to;
}

// Calls `see(frame, chunk, entry)` for each frame.
template <class See>
void for_each_frame(const Frames& frames, const See& see) {
  std::string_view left = frames.bytes;
  for (std::uint32_t index = 0; index < frames.count; ++index) {
    const Chunk chunk = first_chunk(left);
    const std::uint32_t entry = frames.first + index;
    std::size_t size = chunk.size;
    if (frames.keyed) {
      size = index + 1 == frames.count ? left.size()
                                       : frames.segment->entry(entry + 1).frame_offset -
                                             frames.segment->entry(entry).frame_offset;
    }
    see(left.substr(0, size), chunk, entry);
    left.remove_prefix(size);
  }
}

// Calls `see(text, aside)` for each event.
template <class See>
void for_each_event(const Frames& frames, const See& see) {
  Aside aside{.channel = frames.channel, .key = {}, .keyed = frames.keyed};
  for_each_frame(frames, [&](std::string_view frame, const Chunk& chunk, std::uint32_t entry) {
    if (frames.keyed) {
      aside.key = frame.substr(chunk.size);
      aside.removes = !aside.key.empty() && aside.key.back() == kRemoves;
      if (aside.removes) aside.key.remove_suffix(1);
    }
    if (frames.segment != nullptr) aside.entry = &frames.segment->entry(entry);
    see(chunk.text, aside);
  });
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
  if (is_json(framing)) {
    size = 0;
    for_each_event(frames, [&](std::string_view text, const Aside& aside) {
      const JsonLine line = line_of(aside, text);
      size += line.size() + chunk_overhead_max(line.size_max());
    });
  } else if (is_named(framing) || tells_key(framing)) {
    // Each key is in the frames once. A suffix may need more digits of its chunk's size.
    size += frames.count * (suffix_size_max(frames.channel, {}, framing) + 1);
    if (tells_key(framing) && frames.keyed) {
      for_each_frame(frames, [&](std::string_view frame, const Chunk& chunk, std::uint32_t) {
        size += kEscapedSize * (frame.size() - chunk.size) + 4;
      });
    }
  }
  return size;
}

char* reframe(char* to, const Frames& frames, Framing framing) {
  if (framing == Framing::chunked) {  // as they lie, without their keys
    for_each_frame(frames, [&](std::string_view frame, const Chunk& chunk, std::uint32_t) {
      to = copy(to, frame.substr(0, chunk.size));
    });
    return to;
  }
  for_each_event(frames, [&](std::string_view text, const Aside& aside) {
    to = write_event(to, aside, text, framing);
  });
  return to;
}

}  // namespace fanfare::fanout
