// The control texts of an event stream: what the broker writes besides events. Each exists bare
// (for HTTP/1.0, HTTP/2 and tests) and as one HTTP/1.1 chunk.
//
// A blank line is written only where an event is meant: several clients take any blank line for an
// empty message. Hence heartbeats and `retry` have none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fanfare::sse {

enum class Framing : std::uint8_t { bare, chunk };

// A comment of no text: keeps proxies and time-outs quiet, invisible to every client.
inline constexpr std::string_view kHeartbeat = ":\n";
inline constexpr std::string_view kHeartbeatChunk = "2\r\n:\n\r\n";
constexpr std::string_view heartbeat(Framing framing) {
  return framing == Framing::chunk ? kHeartbeatChunk : kHeartbeat;
}

// `retry: N\n`: from this line on the client waits that long before it comes back.
void append_retry(std::string& out, std::uint32_t retry_ms, Framing framing);

// Why events are missing.
enum class GapReason : std::uint8_t {
  evicted,    // the history no longer reaches back to the cursor
  restarted,  // the cursor is of an earlier epoch: history was lost with it
  unknown,    // the cursor is not one of this broker's
  slow,       // the client read too slowly and events were skipped
};
std::string_view name_of(GapReason reason);

struct Gap {
  GapReason reason = GapReason::evicted;
  // The cursor that the client had: any bytes, they came from it. Cut to 128 bytes.
  std::string_view after;
  // The place from which the stream goes on without a hole. Also the id of the gap event itself, so
  // that it is told once; empty: neither is written.
  std::string_view resumed;
};

// `event: <type>`, `data: {"reason":…,"after":…,"resumed":…}`, `id:` last (DESIGN: a client commits
// the id when its line arrives). `type` is a valid event name.
void append_gap(std::string& out, std::string_view type, const Gap& gap, Framing framing);

// An event without data but with a type and an id, before a clean end: for clients behind a front
// that hides how a stream ended.
void append_end(std::string& out, std::string_view type, std::string_view id, Framing framing);

}  // namespace fanfare::sse
