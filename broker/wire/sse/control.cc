#include "broker/wire/sse/control.h"

#include <array>
#include <charconv>

#include "broker/wire/http/chunk.h"
#include "broker/wire/sse/utf8.h"

namespace fanfare::sse {

namespace {

// Longer than any id of ours; a longer cursor is the client's invention and told in part.
constexpr std::size_t kCursorBytesMax = 128;

void append_framed(std::string& out, std::string_view text, Framing framing) {
  if (framing == Framing::chunk) return http::append_chunk(out, text);
  out.append(text);
}

std::string retry_line(std::uint32_t retry_ms) {
  return "retry: " + std::to_string(retry_ms) + "\n";
}

void append_id_line(std::string& out, std::string_view id) {
  if (!id.empty()) out.append("id: ").append(id).append("\n");
}

// A JSON string (RFC 8259 §7) on one line, whatever bytes it is made of.
void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out.push_back('"');
  for (const char c : utf8_repaired(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out.append("\\u00").append(1, kHex[byte >> 4U]).append(1, kHex[byte & 15U]);
    } else {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace

void append_retry(std::string& out, std::uint32_t retry_ms, Framing framing) {
  append_framed(out, retry_line(retry_ms), framing);
}

std::string_view name_of(GapReason reason) {
  switch (reason) {
    case GapReason::evicted:
      return "evicted";
    case GapReason::restarted:
      return "restarted";
    case GapReason::unknown:
      return "unknown";
    case GapReason::slow:
      return "slow";
  }
  return "unknown";
}

void append_gap(std::string& out, std::string_view type, const Gap& gap, Framing framing) {
  std::string text = "event: ";
  text.append(type).append("\ndata: {\"reason\":\"").append(name_of(gap.reason)).append("\"");
  text.append(",\"after\":");
  append_json_string(text, gap.after.substr(0, kCursorBytesMax));
  if (!gap.resumed.empty()) {
    text.append(",\"resumed\":");
    append_json_string(text, gap.resumed);
  }
  text.append("}\n");
  append_id_line(text, gap.resumed);
  append_framed(out, text.append("\n"), framing);
}

void append_end(std::string& out, std::string_view type, std::string_view id, Framing framing) {
  std::string text = "event: ";
  text.append(type).append("\ndata: \n");
  append_id_line(text, id);
  append_framed(out, text.append("\n"), framing);
}

}  // namespace fanfare::sse
