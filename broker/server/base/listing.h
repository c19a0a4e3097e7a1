// Listings: what an operator asks about connections and channels, and what is found. Nothing is
// kept for it: the shards look through their tables when they are asked (server/streams/walks.h).
//
// A row is an event stream, or a connection that carries none at the moment. Several streams may
// share a connection (HTTP/2), whose name each row has as well.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/event_id.h"
#include "broker/fanout/sequencer.h"
#include "broker/fanout/topics.h"
#include "broker/io/ring.h"

#include "common/ip_address.h"
#include "common/time.h"

namespace fanfare::server {

// Rows that are passed over and rows that are shown, together: what a shard keeps of a walk.
inline constexpr std::uint32_t kListedMax = 10'000;
// Rows in one answer.
inline constexpr std::uint32_t kShownMax = 1'000;

// Which connection or stream, in words: "s1234" is the stream that presence calls 1234, "c2.17.3"
// the third life of slot 17 on shard 2.
struct ConnectionName {
  enum class Kind : std::uint8_t { stream, socket };
  Kind kind = Kind::stream;
  std::uint32_t shard = 0;       // of a socket
  std::uint32_t slot = 0;        // of a socket
  std::uint32_t generation = 0;  // of a socket
  std::uint64_t stream = 0;      // its number (stream_id)

  static std::optional<ConnectionName> parse(std::string_view text);
  std::string text() const;
  friend bool operator==(const ConnectionName&, const ConnectionName&) = default;
};

// What a connection is doing. X(name)
#define FANFARE_CONNECTION_STATES(X)                                                     \
  X(live)        /* a stream that has had everything */                                  \
  X(catching_up) /* a stream that reads the history */                                   \
  X(blocked)     /* a stream whose client takes nothing at the moment */                 \
  X(leaving)     /* a stream that is being told to come back, or a socket that closes */ \
  X(greeting)    /* nothing has been asked yet */                                        \
  X(reading)     /* a request is being read */                                           \
  X(waiting)     /* a request is answered later: a long poll, or an application */       \
  X(answering)   /* an answer is on its way */                                           \
  X(idle)        /* kept open for a further request */                                   \
  X(publishing)  /* a publisher */

enum class ConnectionState : std::uint8_t {
#define X(name) name,
  FANFARE_CONNECTION_STATES(X)
#undef X
};
std::string_view name_of(ConnectionState state);
std::optional<ConnectionState> connection_state_of(std::string_view name);
std::vector<std::string_view> connection_states();

enum class ConnectionSort : std::uint8_t { lag, lag_ms, queued, age, address };

// Which rows; everything that is said has to be true of one.
struct ConnectionFilter {
  enum class Kind : std::uint8_t { subscribers, publishers, admin, all };
  Kind kind = Kind::subscribers;
  std::optional<IpNetwork> address = {};
  bool on_unix = false;                     // address=unix:
  std::optional<std::string> channel = {};  // a stream that gets this channel's events
  std::optional<std::string> subject = {};
  std::optional<bool> http2 = {};
  std::optional<bool> tls = {};
  std::optional<ConnectionState> state = {};
};

// What is to be done with the rows, instead of showing them.
struct Dismissal {
  std::optional<Duration> retry = {};  // when clients are to come back; none: [delivery] retry
  std::string reason = {};             // for people; may be empty
};

struct WalkOrder {
  ConnectionFilter filter = {};
  std::optional<ConnectionName> only = {};  // one, whatever the filter says
  ConnectionSort sort = ConnectionSort::lag;
  bool descending = true;
  std::uint32_t offset = 0;
  std::uint32_t limit = 100;
  std::optional<Dismissal> dismissal = {};

  std::uint32_t wanted() const { return dismissal ? 0 : offset + limit; }
};

// A row that was found, as small as can be: others may come before it.
struct FoundConnection {
  std::array<std::uint64_t, 2> key{};  // by which it is sorted
  std::uint32_t shard = 0;
  std::uint32_t place = 0;  // of a subscriber, or a slot
  std::uint32_t life = 0;   // which of that place's
  bool is_stream = false;

  // What comes first in the order: total, so that pages do not overlap.
  bool before(const FoundConnection& other, bool descending) const;
};

// A row that is shown.
struct ConnectionRow {
  std::string id;      // of the stream, or of its connection if that carries none
  std::string socket;  // of the connection
  ConnectionState state{};
  ConnectionFilter::Kind kind{};
  std::string address;  // with its port; "unix:"; empty: not known
  std::string agent;    // User-Agent, as long as the access log is on; else empty
  std::string subject;  // its token's or its ticket's; empty: none
  std::string query;    // of the request
  std::string_view protocol;
  bool tls = false;
  Duration age{};
  std::shared_ptr<const fanout::Topics> topics = {};  // null: it is no stream
  std::string position = {};                          // the newest event it was handed
  std::uint64_t lag_events = 0;
  bool lag_at_least = false;
  Duration lag{};
  std::uint64_t queued_bytes = 0;  // begun or written for it, and not taken by the socket
  Duration stalled{};              // for how long the client has taken nothing
  std::optional<io::TcpFigures> tcp = {};
};

struct ConnectionListing {
  WalkOrder order;
  std::uint64_t total = 0;  // rows that the filter lets through; or what was dismissed
  std::vector<ConnectionRow> rows = {};
  std::uint64_t head = 0;  // of the log
  std::uint32_t gone = 0;  // rows that ended while they were looked up
};

// ---- channels

enum class ChannelSort : std::uint8_t { rate, published, subscribers, events, bytes, name };

struct ChannelOrder {
  std::string match = {};     // a pattern or a name; empty: all
  std::string contains = {};  // part of the name
  ChannelSort sort = ChannelSort::rate;
  bool descending = true;
  std::uint32_t offset = 0;
  std::uint32_t limit = 100;
};

struct ChannelRow {
  std::string name;
  fanout::Sequencer::ChannelState state;
  std::uint64_t subscribers = 0;        // by name or by a pattern
  std::optional<std::uint32_t> rate{};  // events in the last whole second; none: not counted
};

struct ChannelListing {
  ChannelOrder order;
  std::uint64_t total = 0;
  std::vector<ChannelRow> rows = {};
  std::string epoch = {};
};

// The lead's table of channels, by places; some are free.
class ChannelSource {
 public:
  virtual ~ChannelSource() = default;
  virtual std::uint32_t places() const = 0;
  // The channel there, without the subscribers; nothing: there is none, or it is the broker's own.
  // The name is valid until the table changes.
  struct Seen {
    std::string_view name;
    fanout::Sequencer::ChannelState state;
    std::optional<std::uint32_t> rate;
  };
  virtual std::optional<Seen> at(std::uint32_t place) const = 0;
  virtual std::uint64_t subscribers_of(std::string_view channel) = 0;
  virtual std::string_view epoch() const = 0;
};

}  // namespace fanfare::server
