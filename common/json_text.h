// Texts as JSON strings (RFC 8259 §7).
#pragma once

#include <string>
#include <string_view>

namespace fanfare {

// `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// What a byte is inside the quotes: `"` and `\` behind a backslash, control characters as \u00xx,
// others as they are.
void append_json_byte(std::string& out, char byte);
// Any byte of ASCII as \u00xx.
void append_json_escape(std::string& out, char byte);

}  // namespace fanfare
