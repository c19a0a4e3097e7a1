#include "common/utf8.h"

namespace fanfare {
namespace {

unsigned byte_at(std::string_view text, std::size_t offset) {
  return static_cast<unsigned char>(text[offset]);
}

}  // namespace

std::size_t utf8_sequence_size(std::string_view text, std::size_t offset) {
  const unsigned lead = byte_at(text, offset);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() - offset < size) return 0;
  // The second byte alone rules out overlong forms, surrogates and what is above U+10FFFF.
  const unsigned second = byte_at(text, offset + 1);
  const unsigned lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 0;
  for (std::size_t i = offset + 2; i < offset + size; ++i) {
    if ((byte_at(text, i) & 0xc0U) != 0x80) return 0;
  }
  return size;
}

std::size_t utf8_prefix_size(std::string_view text) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    const std::size_t size = utf8_sequence_size(text, offset);
    if (size == 0) break;
    offset += size;
  }
  return offset;
}

std::string_view without_utf8_mark(std::string_view text) {
  return text.starts_with(kUtf8Mark) ? text.substr(kUtf8Mark.size()) : text;
}

bool is_part_of_mark(std::string_view text) {
  if (text == "\xff" || text == "\xfe") return true;
  return !text.empty() && text != kUtf8Mark && kUtf8Mark.starts_with(text);
}

bool has_utf16_mark(std::string_view text) {
  return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
}

}  // namespace fanfare
