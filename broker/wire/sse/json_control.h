// JsonControl: what a stream of JSON lines says apart from the events themselves, as control.h has
// it for event streams. An event's line has a "channel"; a line of the broker's has none, and says
// what it is by its first key:
//
//   {"position":"<id>","id":"<id>"}
//   {"gap":{"reason":"evicted","after":"<id>","resumed":"<id>"},"id":"<id>"}
//   {"heartbeat":"ping","time":"2026-11-26T18:24:01Z"}
//   {"come_back":{"retry":8123,"reason":"…"},"id":"<id>"}
//   {"end":true}
//
// Publishers choose values in their events' lines, never keys, so that none of these can be forged.
// The id of a line is always the one to come back with.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "broker/wire/sse/control.h"

#include "common/time.h"

namespace fanfare::sse {

// A heartbeat that nobody has to know of: a blank in front of the next line. Every parser of JSON
// skips it, and a reader of lines sees no line; an empty line is an error to many of them (Go's
// json.Unmarshal, JSON.parse, Python's jsonlines).
constexpr std::string_view json_heartbeat(Wrap wrap) {
  return wrap == Wrap::chunk ? "1\r\n \r\n" : " ";
}

// Each is a line with its end.
std::string json_position(std::string_view id);
std::string json_gap(const GapEvent& gap);
std::string json_end();
// `id` is where a client that has had nothing yet resumes from; empty: it has an id, or wants none.
// `reason` is for people; empty: there is none to give.
std::string json_come_back(Duration retry, std::string_view reason, std::string_view id);
// One that a client has asked to see, by the name it gave.
std::string json_heartbeat_seen(std::string_view name, std::chrono::sys_seconds now);

}  // namespace fanfare::sse
