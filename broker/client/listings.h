// What the admin listener says of connections and channels (/api/connections, /api/channels, and
// the live page's stream), read
// for those who show it. Members that are not there are zero or empty.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::client {

struct ListedTcp {
  double rtt_ms = 0;
  std::uint64_t retransmits = 0, unacked_bytes = 0, sent_bytes = 0;
};

struct ListedConnection {
  std::string id, state, address, protocol, subject;
  std::vector<std::string> channels;  // the first of them
  std::uint64_t channels_total = 0;
  std::uint64_t age_ms = 0, lag_events = 0, lag_ms = 0, queued_bytes = 0, stalled_ms = 0;
  bool lag_at_least = false;
  bool tls = false;
  std::optional<ListedTcp> tcp;
};

struct ListedChannel {
  std::string name;
  std::uint64_t subscribers = 0, events = 0, bytes = 0, published = 0;
  std::optional<std::uint64_t> events_s;
};

template <class Row>
struct Listed {
  std::uint64_t total = 0;
  std::vector<Row> rows;
};

// Nothing if `json` is no such list.
std::optional<Listed<ListedConnection>> listed_connections(std::string_view json);
std::optional<Listed<ListedChannel>> listed_channels(std::string_view json);

// What the stream of the live page says each second of connections that ended.
struct LiveReport {
  struct Close {
    std::int64_t unix_ms = 0;
    std::string reason, peer, topics;
    double lived_s = 0;
  };
  std::int64_t unix_ms = 0;
  std::vector<Close> closes;                    // the newest of the streams, oldest first
  std::map<std::string, std::uint64_t> closed;  // all connections, by reason
  double refused_s = 0;                         // requests refused, a second
};
// Nothing if `json` is none.
std::optional<LiveReport> live_report(std::string_view json);

}  // namespace fanfare::client
