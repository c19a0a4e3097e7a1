// LiveFeed: what the live page is sent once a second, as one JSON text. Rates are differences
// between two calls; a fact that matters only once (a connection that ended) is sent once. The page
// keeps the last ten minutes itself, and gets them from the channel's history when it opens.
//
//   {"t": Unix ms,
//    "broker":  {"version","epoch","backend","shards","uptime_s","draining"},
//    "now":     {"subscribers","behind","connections","connections_max","publishers","channels",
//                "history_bytes","history_bytes_max","lag_events","unserved_bytes","head"},
//    "rate":    per second {"events","event_bytes","deliveries","sent_bytes","sends",
//                "sends_short","subscriptions","resumed","gaps","refused"},
//    "latency": {"p50_ms","p99_ms"} of what was delivered since the last event, or null,
//    "process": {"resident_bytes","descriptors","cpu_cores"},
//    "busiest": at most 10 of {"name","events_s" (null: seen for the first time),"subscribers"};
//                the broker's own channels are left out,
//    "closed":  {reason: how many streams ended since the last event}, none that is 0,
//    "closes":  at most 10 new ones, oldest first: {"t","reason","peer","topics","lived_s"}}
//
// At most 8 KiB, usually about 1 KiB: ten minutes of them fit into a channel's default history.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/admin/json.h"
#include "broker/admin/process.h"
#include "broker/server/base/counters.h"

#include "common/time.h"

namespace fanfare::admin {

class LiveFeed {
 public:
  // `unix_ms` is the wall clock now. Empty at the first call, which has nothing to compare with,
  // and until time has passed since the last.
  std::string next(const server::Snapshot& now, const ProcessFigures& process,
                   std::int64_t unix_ms);

 private:
  // What the next call compares with.
  struct Past {
    Duration uptime{};
    server::Counters totals;
    server::LatencyHistogram latency;
    std::array<std::uint64_t, server::kCloseReasonCount> stream_ends{};
    std::vector<std::int64_t> newest_close_ms;                 // by shard
    std::unordered_map<std::string, std::uint64_t> published;  // by channel
    Duration cpu{};
  };

  static Past remember(const server::Snapshot& now, const ProcessFigures& process);
  void write_rates(JsonWriter& json, const Past& present, double seconds) const;
  void write_latency(JsonWriter& json, const Past& present) const;
  void write_busiest(JsonWriter& json, const server::Snapshot& now, double seconds) const;
  void write_closes(JsonWriter& json, const server::Snapshot& now, const Past& present) const;

  Past past_;
  bool begun_ = false;
};

}  // namespace fanfare::admin
