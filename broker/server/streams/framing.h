// The few texts a stream carries besides events, put into the body's framing: as a chunk on
// HTTP/1.1, bare on HTTP/1.0, not at all in raw mode (payload bytes only, nothing may be added to
// them).
#pragma once

#include <string>
#include <string_view>

#include "broker/fanout/replica.h"

#include "common/time.h"

namespace fanfare::server {

bool is_raw(fanout::Framing framing);
bool is_chunked(fanout::Framing framing);

// Appends `text` framed; nothing if it is empty.
void append_framed(std::string& out, fanout::Framing framing, std::string_view text);

// A comment line that no client dispatches: `:\n`, never with a blank line (W3).
std::string_view heartbeat_text(fanout::Framing framing);

// `retry: N\n`, in force as soon as the line is read (W9).
std::string retry_line(Duration retry);

// What a stream says first: retry; the client's place, if it is to be told; a comment, the byte
// that some browsers and proxies wait for. No blank line but the position's own: it would be a
// phantom message to some clients (W3).
std::string opening_text(Duration retry, std::string_view position);

// The event that names a hole (DESIGN.md section 4): some events in (after, resumed] are gone. Its
// id is where the client resumes from if it is cut right after it.
std::string gap_event(std::string_view name, std::string_view reason, std::string_view after,
                      std::string_view resumed, std::string_view id);

// The end of a body of which nothing is missing; empty where only the close can tell.
std::string_view last_chunk(fanout::Framing framing);

}  // namespace fanfare::server
