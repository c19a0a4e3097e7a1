// Transcript: what one subscription of one client received, over all its connections, in the order
// in which it came. It is all that the order, gap and ack checkers read of a client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/ledger.h"

namespace fanfare::sim {

// [delivery] end_event, where it is set.
inline constexpr std::string_view kEndEvent = "that-was-all";

// The reason of a gap that hides superseded values only.
inline constexpr std::string_view kConflated = "conflated";

// What a subscription asked for on one connection.
enum class Asked : std::uint8_t {
  now,       // only what comes
  cursor,    // what follows an id
  earliest,  // everything that is left
  replay,    // the newest few
};

struct Heard {
  enum class Kind : std::uint8_t {
    opened,    // a 200 head was received
    position,  // an id without an event: where the subscription stands
    event,
    gap,
    cut,    // the stream ended without its end
    ended,  // the stream was complete
  };
  Kind kind{};
  std::uint32_t ledger_count = 0;  // publications begun when it was heard
  // opened:
  Asked asked{};
  std::optional<Position> cursor{};  // asked == cursor, unless the id was made up
  // event: where; position and gap: what id it leaves the client with
  std::optional<Position> place{};
  std::uint32_t number = 0;  // event: of its publication
  // gap: (after, resumed]; no `after`: the client's id was not one of this broker
  std::optional<Position> after{};
  Position resumed{};
  std::string reason{};
  bool keys_kept = false;  // what is missing is of channels without keys

  // gap: what the client has of keys may not be true any more.
  bool begins_anew() const { return reason != kConflated && !keys_kept; }
};

struct Transcript {
  std::string name;                 // for failures
  std::vector<std::string> topics;  // channel names and patterns
  bool has_ids = true;              // false: raw, which has neither ids nor gaps
  // What was superseded where the latest of each key is kept may be left out without a word; a raw
  // stream has no word for it.
  bool conflates = false;
  std::vector<Heard> heard{};
  // At the end of the world it still listens, with nothing in its way.
  bool live = false;

  bool matches(std::string_view channel) const;
  // Whether it ended by being complete.
  bool ended() const { return !heard.empty() && heard.back().kind == Heard::Kind::ended; }
};

}  // namespace fanfare::sim
