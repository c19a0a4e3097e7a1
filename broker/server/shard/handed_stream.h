// HandedStream: all that another process must know of an event stream to continue it: what it
// follows, where it stands in the log, between two events, and what was agreed on with its client.
// Its descriptor goes beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/fanout/event_id.h"
#include "broker/fanout/span.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/sockets/packed_address.h"

#include "common/packing.h"
#include "common/time.h"

namespace fanfare::server {

struct HandedStream {
  std::vector<std::string> topics;
  fanout::Framing framing{};
  Duration spacing{};  // of updates of one key, as the client asked
  fanout::Sequence at = 0;
  bool keep_alive = false;
  bool until_close = false;
  PackedAddress peer;
  std::optional<PackedAddress> carried_for;  // the peer is a front
  Tick heartbeat = 0;
  std::string heartbeat_event;
  bool heartbeat_soon = false;  // it has been silent for a good part of that
  std::int64_t expires = 0;     // seconds from 1970; max: never
  bool ages = false;
  std::int64_t ends = 0;  // on the monotonic clock; 0: its application has set no end
  bool ends_complete = false;
  std::string query;
  std::string subject;

  void pack(Packer& to) const;
  // Nothing: what is there is none.
  static std::optional<HandedStream> unpack(Unpacker& from);
};

}  // namespace fanfare::server
