// Event: what a publisher publishes. Already validated (policy/event_rules.h): UTF-8, no control
// characters in the type, within the limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fanfare::fanout {

struct Event {
  std::string_view type;                  // empty: no `event:` line, the browser says "message"
  std::string_view data;                  // CR, LF and CRLF each end a line of it
  std::optional<std::uint32_t> retry_ms;  // `retry:` for its receivers
  // What it is the latest value of, in a channel that keeps the latest event of each key. Without
  // data it removes the key. Empty: the one key of such a channel, or of any other none at all.
  std::string_view key = {};
  bool removes =
      false;  // the sequencer's: that key goes, and the rest is what subscribers see of it
};

}  // namespace fanfare::fanout
