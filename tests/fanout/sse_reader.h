// An SSE client small enough to be believed: the event stream of the WHATWG HTML standard §9.2.6,
// written from its text, with nothing of the encoder in it. Chunked framing as in RFC 9112 §7.1.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::fanout::testing {

struct ReceivedEvent {
  std::string type;  // empty: no event field
  std::string data;
  std::string id;
  std::optional<std::uint64_t> retry_ms;
  friend bool operator==(const ReceivedEvent&, const ReceivedEvent&) = default;
};

// The events of `stream` that are complete; what follows the last blank line is discarded.
inline std::vector<ReceivedEvent> read_events(std::string_view stream) {
  std::vector<ReceivedEvent> events;
  ReceivedEvent event;
  bool has_data = false;
  if (stream.starts_with("\xEF\xBB\xBF")) stream.remove_prefix(3);
  while (!stream.empty()) {
    const std::size_t end = stream.find_first_of("\r\n");
    if (end == std::string_view::npos) break;
    const std::string_view line = stream.substr(0, end);
    stream.remove_prefix(stream.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
    if (line.empty()) {
      if (has_data) {
        event.data.pop_back();
        events.push_back(event);
      }
      event = {.type = "", .data = "", .id = event.id, .retry_ms = {}};
      has_data = false;
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == 0) continue;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "event") {
      event.type = value;
    } else if (name == "data") {
      event.data.append(value).push_back('\n');
      has_data = true;
    } else if (name == "id" && value.find('\0') == std::string_view::npos) {
      event.id = value;
    } else if (name == "retry") {
      event.retry_ms = 0;
      std::from_chars(value.data(), value.data() + value.size(), *event.retry_ms);
    }
  }
  return events;
}

// The body in whole chunks; a chunk that was cut is left out, as by a client that was cut off.
// Malformed chunks end the process.
inline std::string read_chunks(std::string_view body) {
  std::string text;
  while (!body.empty()) {
    const std::size_t line_end = body.find("\r\n");
    if (line_end == std::string_view::npos) break;
    std::size_t size = 0;
    const auto [stop, error] = std::from_chars(body.data(), body.data() + line_end, size, 16);
    if (error != std::errc{} || stop != body.data() + line_end || size == 0) std::abort();
    body.remove_prefix(line_end + 2);
    if (body.size() < size + 2) break;
    if (body.substr(size, 2) != "\r\n") std::abort();
    text.append(body.substr(0, size));
    body.remove_prefix(size + 2);
  }
  return text;
}

// What a client sees of `data` as a publisher gave it: every line end is LF.
inline std::string with_line_feeds(std::string_view data) {
  std::string text;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data[i] == '\r') {
      text.push_back('\n');
      if (i + 1 < data.size() && data[i + 1] == '\n') ++i;
    } else {
      text.push_back(data[i]);
    }
  }
  return text;
}

}  // namespace fanfare::fanout::testing
