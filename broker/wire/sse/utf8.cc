#include "broker/wire/sse/utf8.h"

#include <cstdint>

namespace fanfare::sse {

namespace {

struct Sequence {
  std::size_t size = 1;  // bytes to take as one: the character, or the malformed part
  bool valid = false;
};

// What begins at the front of `text`, which is not empty. The first continuation byte has a
// narrower range behind E0, ED, F0 and F4 (no overlong forms, no surrogates, nothing above 10FFFF).
Sequence sequence_at(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xc2 || lead > 0xf4) return {1, false};
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
  if (lead == 0xe0) low = 0xa0;
  if (lead == 0xed) high = 0x9f;
  if (lead == 0xf0) low = 0x90;
  if (lead == 0xf4) high = 0x8f;
  for (std::size_t i = 1; i < size; ++i) {
    if (i == text.size() || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xbf;
  }
  return {size, true};
}

}  // namespace

void append_utf8_repaired(std::string& out, std::string_view text) {
  std::size_t valid = 0;  // bytes at the front of `text` that are to be appended as they are
  while (valid < text.size()) {
    const Sequence sequence = sequence_at(text.substr(valid));
    if (sequence.valid) {
      valid += sequence.size;
      continue;
    }
    out.append(text.substr(0, valid)).append("\xef\xbf\xbd");
    text.remove_prefix(valid + sequence.size);
    valid = 0;
  }
  out.append(text);
}

std::string utf8_repaired(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  append_utf8_repaired(repaired, text);
  return repaired;
}

}  // namespace fanfare::sse
