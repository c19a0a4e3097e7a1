#include "broker/wire/ingest/resp_reply.h"

#include <charconv>

namespace fanfare::ingest::resp {
namespace {

// "<marker><number>\r\n", on the path of every PUBLISH. Formatted in its final place: reading
// freshly written bytes back would wait behind the stores of the event's frame, which miss the
// cache.
void append_number_line(std::string& out, char marker, std::uint64_t value) {
  constexpr std::size_t kSizeMax = 24;
  const std::size_t begin = out.size();
  out.resize(begin + kSizeMax);
  char* const line = out.data() + begin;
  line[0] = marker;
  char* end = std::to_chars(line + 1, line + kSizeMax - 2, value).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.resize(static_cast<std::size_t>(end - out.data()));
}

std::string_view prefix_of(Refusal kind) {
  switch (kind) {
    case Refusal::finished:
      return "FINISHED";
    case Refusal::unavailable:
      return "UNAVAILABLE";
    case Refusal::unauthenticated:
      return "NOAUTH";
    case Refusal::forbidden:
      return "NOPERM";
    case Refusal::invalid:
    case Refusal::too_large:
      break;
  }
  return "ERR";
}

}  // namespace

void append_simple(std::string& out, std::string_view text) {
  out += '+';
  out += text;
  out += "\r\n";
}

void append_integer(std::string& out, std::uint64_t value) {
  append_number_line(out, ':', value);
}

void append_bulk(std::string& out, std::string_view bytes) {
  append_number_line(out, '$', bytes.size());
  out += bytes;
  out += "\r\n";
}

void append_array(std::string& out, std::size_t count) {
  append_number_line(out, '*', count);
}

void append_nil(std::string& out, Protocol protocol) {
  out += protocol == Protocol::resp3 ? "_\r\n" : "$-1\r\n";
}

void append_map(std::string& out, std::size_t pairs, Protocol protocol) {
  if (protocol == Protocol::resp3) return append_number_line(out, '%', pairs);
  append_array(out, 2 * pairs);
}

void append_set(std::string& out, std::size_t count, Protocol protocol) {
  append_number_line(out, protocol == Protocol::resp3 ? '~' : '*', count);
}

void append_verbatim(std::string& out, std::string_view text, Protocol protocol) {
  if (protocol == Protocol::resp2) return append_bulk(out, text);
  constexpr std::string_view kFormat = "txt:";
  append_number_line(out, '=', kFormat.size() + text.size());
  out += kFormat;
  out += text;
  out += "\r\n";
}

void append_error(std::string& out, std::string_view message, std::string_view prefix) {
  out += '-';
  out += prefix;
  out += ' ';
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  out += "\r\n";
}

void append_refused(std::string& out, const Refused& refused) {
  append_error(out, refused.message, prefix_of(refused.kind));
}

}  // namespace fanfare::ingest::resp
