// JsonLine: an event as one line of JSON, made of its SSE text (encoder.h) and of what a segment
// knows besides:
//
//   {"id":"7hq2mxa-1042","channel":"orders/7","event":"message","data":"…","time":"2026-…Z"}
//
// Always these members, in this order, and `"retry":N` before the time if the publisher gave one.
// Where a channel keeps the latest event of each key, `"key":"…"` comes after the channel, and a
// removal has no data and `"removed":true` behind it; one of every key has no key.
// The data is a string whatever it holds: what a publisher wrote is what a reader gets, and a
// number of 20 digits is not rounded on the way. An event without a name is a "message", as for an
// EventSource. Everything that some reader takes for the end of a line is escaped: control
// characters, U+0085, U+2028, U+2029. So the line feed at the end is the only one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fanfare::fanout {

// Appends `text`, which is UTF-8, as it is written within a string of JSON.
void append_escaped(std::string& to, std::string_view text);

struct JsonLine {
  std::string_view text;     // the encoder's: event, retry, data, id
  std::string_view channel;  // a valid name: needs no escapes
  std::uint32_t time = 0;    // seconds since 1970
  // If the channel keeps the latest event of each key.
  std::optional<std::string_view> key = {};
  bool removed = false;  // the key is

  // Its size with the line feed: exactly, by reading all of it; and a bound that reads nothing.
  std::size_t size() const;
  std::size_t size_max() const;
  // Writes the line to `to`; returns where it ended.
  char* write(char* to) const;
};

}  // namespace fanfare::fanout
