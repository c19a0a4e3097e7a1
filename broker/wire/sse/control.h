// Control: what an event stream says apart from the events themselves: how it opens, that events
// are missing, that it goes on, how it ends. A text is made bare, and wrapped into what carries it:
// nothing (HTTP/1.0, HTTP/2) or one HTTP/1.1 chunk. (What a stream says of its place in the log is
// in position.h.)
//
// A blank line is written only where an event is meant: several clients take any blank line for an
// empty message (W3). Hence heartbeats, `retry` and comments have none.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/wire/http/chunk.h"

#include "common/time.h"

namespace fanfare::sse {

enum class Wrap : std::uint8_t { bare, chunk };

// Appends `text` wrapped; nothing if it is empty.
void append_wrapped(std::string& out, Wrap wrap, std::string_view text);

// A comment of no text: keeps proxies and time-outs quiet, invisible to every client. (Clients that
// ask to see it get heartbeat_event_text().)
constexpr std::string_view heartbeat(Wrap wrap) {
  return wrap == Wrap::chunk ? "2\r\n:\n\r\n" : ":\n";
}

// The end of a body of which nothing is missing; empty where only the close can show it.
constexpr std::string_view clean_end(Wrap wrap) {
  return wrap == Wrap::chunk ? http::kLastChunk : std::string_view();
}

// `retry: N\n`, N in whole milliseconds: from this line on the client waits that long before it
// comes back (W9).
std::string retry_text(Duration retry);

// A comment for people who look, one line; nothing if it is empty.
std::string comment_text(std::string_view comment);

std::int64_t in_milliseconds(Duration time);
// "2026-11-26T18:24:01Z"
std::string time_text(std::chrono::sys_seconds time);

// What a stream says first: `retry`; a position, if there is one (position_text); a comment, whose
// bytes some browsers and proxies wait for; and a second comment for people who look, if it has a
// text (one line).
std::string opening_text(Duration retry, std::string_view position, std::string_view comment = {});

// Why events are missing.
enum class GapReason : std::uint8_t {
  evicted,    // the history no longer reaches back to the cursor
  restarted,  // the cursor is of an earlier epoch: history was lost with it
  unknown,    // the cursor is not one of this broker's
  slow,       // the client read too slowly and events were skipped
  limit,      // there are more channels than replay with each=channel looks at
  conflated,  // the channel keeps the latest of each key: what is missing were older values
};
std::string_view name_of(GapReason reason);

// Some of the events in (after, resumed] are gone.
struct GapEvent {
  GapReason reason = GapReason::evicted;
  // The cursor that the client had: any bytes, they came from it. What cannot stand as it is in a
  // JSON string on one line of ASCII is left out, and so is all beyond 128 bytes.
  std::string_view after;
  // An id of ours: the last event that may be missing.
  std::string_view resumed;
  // An id of ours: where the client resumes from if it is cut right after the gap event.
  std::string_view id;
  // None of them is of a channel that keeps the latest of each key: `"keys":"kept"`.
  bool keys_kept = false;
};

// `event: <type>`, `data: {"reason":…,"after":…,"resumed":…}`, `id:` last (a client commits the id
// when its line arrives). `type` is a valid event name.
std::string gap_text(std::string_view type, const GapEvent& gap);

// The data of that: a JSON object.
std::string gap_data(const GapEvent& gap);

// A heartbeat that programs see: an event of the name they asked for, whose data says what time it
// is here. It has no id: the one that a client has is as good as a later one, since whether it has
// missed anything is asked of its own channels, and they have nothing newer.
std::string heartbeat_event_text(std::string_view type, std::chrono::sys_seconds now);

// An event with a type and no data, before a clean end: for clients behind a proxy that hides how a
// stream ended.
std::string end_text(std::string_view type);

}  // namespace fanfare::sse
