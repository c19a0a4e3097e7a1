// Streams: how event streams begin. From what a client asked (topics, cursor, format) and what the
// configuration says, it finds where in the log the stream starts, and what must be sent before the
// first event (retry, position, a gap): a Response, which any transport can carry.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/replica.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/options.h"
#include "broker/server/base/switchboard.h"
#include "broker/server/sockets/routes.h"
#include "broker/server/streams/gzip_feeds.h"
#include "broker/server/streams/heartbeats.h"
#include "broker/wire/sse/control.h"
#include "broker/wire/sse/subscribe_request.h"

#include "common/random.h"

namespace fanfare::server {

// The form that a client asked for, in chunks or not.
fanout::Framing framing_of(const sse::SubscribeRequest& asked, bool chunked);
// The head of a stream, or of what is in its place, but for where it begins.
void begin_stream_head(fanout::Framing framing, std::span<const http::Field> further,
                       Response& response);
// How a client without an id is given its position before its first event; none: it is not.
std::optional<sse::PositionForm> announcement(const Request& request, AnnouncePosition announce,
                                              fanout::Framing framing);

class Streams {
 public:
  struct Parts {
    fanout::Replica& replica;
    Counters& counters;
    Switchboard& switchboard;
    Random& random;
    Heartbeats& heartbeats;
    GzipFeeds& gzip;
  };
  explicit Streams(const Parts& parts) : parts_(parts) {}

  // What the listener and the route add to a request.
  struct Terms {
    const Options& options;
    std::span<const http::Field> fields;  // further response fields: CORS
    AnnouncePosition announce = AnnouncePosition::automatic;
    std::optional<Duration> heartbeat;   // of the route; the client's own wish comes first
    std::optional<Duration> retry = {};  // of the route
    // What heartbeats are called, by the client, the route or [delivery]; valid. Empty: programs do
    // not see them.
    std::string_view heartbeat_event = {};
    std::chrono::sys_seconds expires = std::chrono::sys_seconds::max();
    Duration life{};                // at most; zero: as long as its client wants
    std::string_view query = {};    // of the request, for those that watch; no secrets in it
    std::string_view subject = {};  // who asks, for the same
    bool subscriber = true;         // false: the operator's, which is not counted among them
  };
  // Answers with the stream (Kind::stream), or with 204 if nothing will ever follow: a finished
  // channel. The topics are valid and allowed.
  void open(const Request& request, const sse::SubscribeRequest& asked, const Terms& terms,
            Response& response);
  // The id of now (docs/PROTOCOL.md, "The position fence"), and its sequence.
  std::string position() const { return id_text(head()); }
  fanout::Sequence head() const;
  // Come back later: 200, `retry:`, a new client's position, and an unclean end. Never a status
  // that kills an EventSource. The reason, if there is one to give, is a comment, for people.
  void overload(const Request& request, const sse::SubscribeRequest& asked, const Terms& terms,
                std::string_view reason, Response& response);

  // Whether a heartbeat of this name, a client's own choice, has room beside those that are in use.
  bool heartbeat_fits(std::string_view name, std::size_t names_max) const {
    return parts_.heartbeats.fits(name, names_max);
  }
  // False: [limits] patterns does not allow those that these topics would add. True: they count
  // from now on, and open() follows.
  bool admit_patterns(const std::vector<std::string>& topics, std::uint32_t patterns_max);
  // What a stream begins with, and what a poll does.
  struct Beginning {
    fanout::Cursor cursor;
    fanout::Newest newest = {};
    std::string gap = {};  // what is said of a gap; empty if nothing is missing
    bool resumed = false;  // the client presented an id
  };
  Beginning find_beginning(const fanout::Feed* feed, const sse::SubscribeRequest& asked,
                           const Options& options);
  // Some of the events in (after, resumed] are gone.
  struct Loss {
    sse::GapReason reason{};
    std::string_view after;
    fanout::Sequence resumed = 0;
    bool keys_kept = false;
  };
  // Says so, in the words of the framing, to a client that resumes from `at`; empty where that is
  // not said.
  std::string gap(const Loss& loss, fanout::Sequence at, fanout::Framing framing,
                  const Options& options);
  std::string id_text(fanout::Sequence sequence) const;

  // At least once a turn: patterns that no stream has any more make room for others, on all shards.
  void count_patterns();

 private:
  Beginning begin_at_id(const fanout::Feed* feed, const sse::SubscribeRequest& asked,
                        const Options& options);
  void begin_anew(const fanout::Feed* feed, fanout::Sequence had, Beginning& beginning) const;
  Beginning begin_since(const fanout::Feed* feed, const sse::SubscribeRequest& asked,
                        const Options& options);
  Beginning begin_with_newest(const fanout::Feed* feed, const sse::SubscribeRequest& asked,
                              const Options& options);
  fanout::Feed* open_feed(const Request& request, const sse::SubscribeRequest& asked,
                          const Terms& terms, bool compress);
  void release(fanout::Feed* feed);
  void pack_opening(fanout::Framing framing, StreamStart& start);
  Duration jittered(Duration retry);
  void count_http10(const Request& request);
  bool nothing_follows(const fanout::Feed* feed, const Beginning& beginning) const;

  Parts parts_;
  std::uint32_t patterns_ = 0;  // of this shard in Switchboard::patterns
};

}  // namespace fanfare::server
