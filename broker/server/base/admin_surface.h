// AdminSurface: what the admin listener shows, seen from the server, which carries its bytes but
// does not know its pages. Called on the lead shard's thread; must not block.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/server/base/counters.h"
#include "broker/server/base/listing.h"
#include "broker/server/base/options.h"

namespace fanfare::server {

struct AdminField {
  std::string_view name;
  std::string value;
};

struct AdminAnswer {
  int status = 200;
  std::string_view content_type = {};  // with charset
  std::string body = {};
  // In place of the body: bytes that live as long as the process, and the same compressed with gzip
  // (empty: they are not), for clients that accept it.
  std::string_view fixed = {};
  std::string_view fixed_gzip = {};
  // Further fields (Cache-Control, Content-Security-Policy), to be sent as they are.
  // Content-Length, Content-Encoding, Vary, Connection, Date and X-Content-Type-Options are the
  // server's.
  std::vector<AdminField> fields = {};
};

// A limit in force, as /metrics shows it: fanfare_limit_<name>.
struct LimitFigure {
  std::string name;
  std::string help;
  std::variant<std::uint64_t, double> value;
  std::string_view unit = {};  // "seconds" or "bytes"; empty: it is a number of things
};
// Where they come from: the table of configuration keys, which lies above this floor.
using LimitFigures = std::function<std::vector<LimitFigure>(const Options& in_force)>;

class AdminSurface {
 public:
  virtual ~AdminSurface() = default;
  // GET or HEAD of `path` (no query) on the admin listener. `/events` never arrives here: it is the
  // stream of kAdminChannel.
  virtual AdminAnswer answer(std::string_view path, const Snapshot& now) = 0;
  // GET or HEAD of /api/connections and /api/channels, when all shards have said what they have.
  virtual AdminAnswer list_connections(const ConnectionListing& /*listing*/) {
    return {.status = 404};
  }
  virtual AdminAnswer list_channels(const ChannelListing& /*listing*/) { return {.status = 404}; }
  // Once a second: the data of the event published to kAdminChannel. Empty: none.
  virtual std::string live_event(const Snapshot& now) = 0;
};

// Channels that begin with '~' are reserved for the broker: publishers and clients of subscriber
// listeners are refused them.
inline constexpr std::string_view kAdminChannel = "~admin/live";

}  // namespace fanfare::server
