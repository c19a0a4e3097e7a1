// A client of the lines of JSON: cuts at line feeds, parses, and wants every member to be there.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fanout/sse_reader.h"

namespace fanfare::fanout::testing {

struct ReceivedLine {
  ReceivedEvent event;  // unnamed if it is a "message"
  std::string channel;
};

// As Python's str.splitlines, the reader that takes most things for the end of a line.
inline bool ends_a_line_somewhere(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view rest = text.substr(at);
    if (static_cast<unsigned char>(rest[0]) < 0x20) return true;
    for (const std::string_view end : {"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"}) {
      if (rest.starts_with(end)) return true;
    }
  }
  return false;
}

inline ReceivedLine read_line(std::string_view line) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  EXPECT_EQ(parser.parse(line.data(), line.size()).get(object), simdjson::SUCCESS) << line;
  const auto text = [&](std::string_view key) {
    std::string_view value;
    EXPECT_EQ(object[key].get(value), simdjson::SUCCESS) << key << " of " << line;
    return std::string(value);
  };
  ReceivedLine received{
      .event = {.type = text("event"), .data = text("data"), .id = text("id"), .retry_ms = {}},
      .channel = text("channel")};
  EXPECT_EQ(text("time").size(), 20U);
  if (received.event.type == "message") received.event.type.clear();
  std::uint64_t retry = 0;
  if (object["retry"].get(retry) == simdjson::SUCCESS) received.event.retry_ms = retry;
  return received;
}

// The lines that are complete; what follows the last line feed is discarded.
inline std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    lines.push_back(text.substr(0, end));
    EXPECT_FALSE(ends_a_line_somewhere(lines.back())) << lines.back();
    text.remove_prefix(end + 1);
  }
  return lines;
}

inline std::vector<ReceivedLine> read_lines(std::string_view text) {
  std::vector<ReceivedLine> events;
  for (const std::string_view line : lines_of(text)) events.push_back(read_line(line));
  return events;
}

// A line that read_line() understands, of an event that needs no escapes, without a channel.
inline std::string json_line(std::string_view type, std::string_view data, std::string_view id) {
  return fmt::format(
      R"({{"id":"{}","channel":"","event":"{}","data":"{}","time":"2026-11-26T18:24:01Z"}})"
      "\n",
      id, type, data);
}

// The events of a stream with=channel: each id has its channel behind a comma.
inline std::vector<ReceivedLine> read_named_events(std::string_view stream) {
  std::vector<ReceivedLine> events;
  for (ReceivedEvent& event : read_events(stream)) {
    const std::size_t comma = event.id.find(',');
    std::string channel = comma == std::string::npos ? std::string() : event.id.substr(comma + 1);
    event.id.resize(std::min(comma, event.id.size()));
    events.push_back({.event = std::move(event), .channel = std::move(channel)});
  }
  return events;
}

}  // namespace fanfare::fanout::testing
