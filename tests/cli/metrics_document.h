// docs/METRICS.md: every family of /metrics with its type and help, read off the exposition itself,
// which comes from the tables of server/base/counters.h and config/keys.h.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <sstream>
#include <string>
#include <string_view>

#include "broker/admin/metrics.h"
#include "broker/config/figures.h"

namespace fanfare::cli::testing {

inline std::string metrics_document() {
  server::Snapshot snapshot;
  snapshot.shards.resize(1);
  server::Options options;
  options.limits.connections = 1;  // otherwise it has no number
  std::istringstream lines(
      admin::metrics_text(snapshot, config::limit_figures(options), admin::ProcessFigures{}));
  std::string out = R"(# Metrics

What the admin listener's `/metrics` shows, as Prometheus text. Families that begin with `fanfare_shard_` have a sample for
each shard; the others describe the whole broker. `fanfare_limit_…` are the limits in force, which a SIGHUP may change
([CONFIG.md](CONFIG.md)). Counters and gauges of a shard are up to 100 ms old, those of the log up to a second.

To see how busy a shard is, use `rate(fanfare_shard_loop_seconds_total{in!="waiting"}[1m])`: the share of a core it uses;
`in="kernel"` is the part that the kernel takes for sends. `fanfare_shard_turn_seconds_max` shows for how long a shard can
be busy before it reads its sockets again.

This file is written by `cmake --build --preset dev --target write-metrics-reference`; do not edit it by hand.

| name | type | |
|---|---|---|
)";
  std::string help;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, kind, name, type;
    words >> hash >> kind >> name;
    if (hash != "#") continue;
    if (kind == "HELP") help = line.substr(line.find(name) + name.size() + 1);
    if (kind != "TYPE") continue;
    words >> type;
    fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} |\n", name, type, help);
  }
  return out;
}

}  // namespace fanfare::cli::testing
