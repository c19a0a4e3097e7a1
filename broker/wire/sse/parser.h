// Parser: a conforming reader of event streams (WHATWG HTML §9.2.6), as a browser's EventSource has
// one. The broker's own client and the tests see through it what a page would see. Any split of
// the input gives the same events.
//
//   while (const sse::ParsedEvent* event = parser.next(input)) ...
//
// One thing the specification leaves to the browser is done as browsers do it: the last event id
// outlives a reconnection (restart()).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fanfare::sse {

// A dispatched event; its views live until the next call of the parser.
struct ParsedEvent {
  std::string_view type;  // "message" when the stream named none
  std::string_view data;
  std::string_view last_event_id;
};

class Parser {
 public:
  // Browsers know no bound; a program that runs for years needs one.
  static constexpr std::size_t kEventBytesMax = 16U << 20U;

  explicit Parser(std::size_t event_bytes_max = kEventBytesMax)
      : event_bytes_max_(event_bytes_max) {}

  // Takes bytes off the front of `input` until an event is dispatched; null when all are taken.
  const ParsedEvent* next(std::string_view& input);

  // What a reconnection sends as Last-Event-ID; empty: nothing.
  std::string_view last_event_id() const { return last_event_id_; }
  // The last valid `retry`; nothing if there was none. Saturates.
  std::optional<std::uint64_t> retry_ms() const { return retry_ms_; }
  // Comment lines so far: the heartbeats of a quiet stream.
  std::uint64_t comments() const { return comments_; }
  // An event or a line grew past the bound; the rest of the stream is dropped.
  bool overflowed() const { return overflowed_; }

  // A new connection of the same source: what was incomplete is discarded, the last event id and
  // the reconnection time stay.
  void restart();

 private:
  // Each takes what it understands off the input.
  void take_byte_order_mark(std::string_view& input);
  // A complete line, without its end; true: it was blank and dispatched an event.
  bool take_line(std::string_view line);
  void take_field(std::string_view name, std::string_view value);
  bool dispatch();
  void check_bound(std::size_t further_bytes);

  std::size_t event_bytes_max_;
  std::uint8_t byte_order_mark_ = 0;    // bytes of it seen; 3: seen or not there
  bool after_carriage_return_ = false;  // an LF now belongs to the line end before it
  bool overflowed_ = false;
  std::string line_;              // the part of a line that has arrived, when the rest has not
  std::string data_, type_, id_;  // the buffers of the specification
  std::string last_event_id_;
  std::optional<std::uint64_t> retry_ms_;
  std::uint64_t comments_ = 0;
  std::string event_data_, event_type_;
  ParsedEvent event_;
};

}  // namespace fanfare::sse
