// SubscribeRequest: what a client asks for when it opens an event stream, read from the request's
// head (query, Last-Event-ID, Accept) and, for POST, its JSON body. Meaning only: whether the
// channel names are valid, allowed and known is for others to say.
//
// Channels are those of the query and then those of the body. Every other parameter is the query's
// where both have it. The cursor is, in this order: a non-empty Last-Event-ID field, the query's,
// the body's. It may be an id as with=channel writes it: `<id>,<channel>` is the same as `<id>`.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/http/head.h"
#include "broker/wire/sse/format.h"
#include "broker/wire/sse/parameters.h"
#include "broker/wire/sse/position.h"

#include "common/time.h"

namespace fanfare::sse {

struct SubscribeRequest {
  std::vector<std::string> topics;      // channel names and patterns, as asked, in order
  std::string cursor;                   // the id presented, less what follows a comma; empty: none
  bool earliest = false;                // the cursor was the word "earliest"
  std::optional<std::uint32_t> replay;  // replay=N: a newcomer wants the last N
  bool of_each = false;               // each=channel: the last N of each channel; only with replay
  std::optional<Duration> since;      // since=10min: a newcomer wants those of so long; no replay
  bool poll = false;                  // poll=1: what there is, and then an end
  Duration wait{};                    // wait=25s: and if there is nothing, what comes within that
  std::optional<Duration> heartbeat;  // heartbeat=4 (seconds) or 4s, 1min
  // format=, or an Accept that names one of the other two and no event stream; or the path's
  Format format = Format::event_stream;
  bool with_channel = false;   // with=channel: each event says whose it is
  std::uint32_t max_rate = 0;  // max_rate=5: updates of one key in a second; 0: no limit
  bool with_key = false;       // with=key: and of which key; or with=channel,key
  // heartbeat_event=ping: in place of what is configured; empty: a comment. Any bytes.
  std::optional<std::string> heartbeat_event;
  std::optional<AnnouncePosition> announce_position;  // in place of what is configured
};

// One sentence for the client (a 400), without a full stop.
using SubscribeProblem = std::string;

// `body` is the whole body; empty if there is none. One of the request that is not understood is a
// problem, although the channels may stand in the query.
std::expected<SubscribeRequest, SubscribeProblem> parse_subscribe_request(
    const http::RequestHead& head, std::string_view body, const Scope& scope = {});

}  // namespace fanfare::sse
