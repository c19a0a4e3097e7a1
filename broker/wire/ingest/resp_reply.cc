#include "broker/wire/ingest/resp_reply.h"

#include <array>
#include <charconv>

namespace fanfare::ingest::resp {
namespace {

// "<marker><number>\r\n" in one append: it is on the path of every PUBLISH.
void append_number_line(std::string& out, char marker, std::uint64_t value) {
  std::array<char, 24> line;
  line[0] = marker;
  char* end = std::to_chars(line.data() + 1, line.data() + line.size() - 2, value).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(line.data(), end);
}

std::string_view prefix_of(Refusal kind) {
  switch (kind) {
    case Refusal::finished:
      return "FINISHED";
    case Refusal::unavailable:
      return "UNAVAILABLE";
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

void append_nil(std::string& out) {
  out += "$-1\r\n";
}

void append_array(std::string& out, std::size_t count) {
  append_number_line(out, '*', count);
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
