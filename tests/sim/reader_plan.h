// ReaderPlan: what kind of subscriber a client is, for its whole life.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/transcript.h"

#include "common/random.h"
#include "common/time.h"

namespace fanfare::sim {

struct ReaderPlan {
  enum class Cursor : std::uint8_t { header, query, body };
  enum class Before : std::uint8_t { nothing, head, options, not_found };  // on the same connection
  // Whether its route asks an application, which then names the channels.
  enum class Asks : std::uint8_t { nobody, always, when_new };

  std::vector<std::string> topics;
  std::string path = "/events";
  bool http10 = false;
  bool post = false;
  bool raw = false;
  bool browser = false;  // sends what a native EventSource sends
  Cursor cursor_by = Cursor::header;
  Asked first = Asked::now;
  std::uint32_t replay = 0;
  std::optional<std::uint32_t> heartbeat_s;
  std::uint32_t max_rate = 0;  // updates of one key in a second; 0: all
  bool with_channel = false;   // behind each id
  bool with_key = false;
  Before before = Before::nothing;
  Asks asks = Asks::nobody;
  bool application_says = false;  // …what the plan says of heartbeats and of a replay
  std::size_t body_bytes = 0;     // asks, post: of its prompt
  Duration patience{};            // asks: waits no longer for an answer; 0: as long as it takes
  bool half_closes = false;       // sends FIN behind its request
  double cuts = 0;                // per piece read: hangs up and comes back
  double forgets = 0;             // per reconnection: a new EventSource, without an id
  double sleeps = 0;              // per piece read: stops reading for a long time
  double presents_nonsense = 0;   // per reconnection: an id that is nobody's
  Duration comes_back_after = 200ms;

  static ReaderPlan drawn(const std::vector<std::string>& channels, Random& random);
};

}  // namespace fanfare::sim
