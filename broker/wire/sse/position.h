// Position: how a client is given its place in the log before its first event, so that it has an id
// to come back with if it is cut before then. No one form serves every client: some keep an id as
// soon as its line has arrived, some only with an event that they dispatch, and some dispatch
// whatever a blank line ends. docs/decisions/0008 has what was measured.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/wire/http/head.h"

namespace fanfare::sse {

// Its name begins as those of the broker's own channels do: no application listens for it unless it
// means to.
inline constexpr std::string_view kPositionEvent = "~position";

// Whether and to whom: what is configured, and what a client may ask for itself.
enum class AnnouncePosition : std::uint8_t {
  automatic,  // each client in the form that it keeps and does not dispatch
  always,     // the event, for every client
  never,      // not in the stream; the answer's head names it all the same
};

enum class PositionForm : std::uint8_t {
  // An `id:` line and no blank line: part of the block that the first event ends, whose own id
  // comes
  // later and counts. Silent in every client; kept by those that take an id from its line.
  line,
  // An event of a name that nobody listens for: silent wherever events are dispatched by name, and
  // kept by every such client. Those that hand all events to one function would see it.
  event,
};

// The form for the client that sent this: `event` for an EventSource (a browser's, and what a
// library in a browser or in node offers by that interface), `line` for everything else.
PositionForm position_form(const http::RequestHead& head);

// Without framing. `id` is an event id of ours.
std::string position_text(PositionForm form, std::string_view id);

}  // namespace fanfare::sse
