#include "common/json_text.h"

#include "common/hex.h"
#include "common/utf8.h"

namespace fanfare {

void append_json_escape(std::string& out, char byte) {
  const auto value = static_cast<unsigned char>(byte);
  out += "\\u00";
  out += kHexDigits[value >> 4U];
  out += kHexDigits[value & 15U];
}

void append_json_byte(std::string& out, char byte) {
  const auto value = static_cast<unsigned char>(byte);
  if (value < 0x20 || value == 0x7f) return append_json_escape(out, byte);
  if (byte == '"' || byte == '\\') out += '\\';
  out += byte;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = utf8_sequence_size(text, at);
    if (size == 1) {
      append_json_byte(out, text[at]);
    } else if (size == 0) {
      out += "\xef\xbf\xbd";
    } else {
      out += text.substr(at, size);
    }
    at += size == 0 ? 1 : size;
  }
  out += '"';
}

}  // namespace fanfare
