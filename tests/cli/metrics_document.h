// docs/METRICS.md: every family of /metrics with its type and help, read off the exposition itself,
// which comes from the tables of server/base/counters.h and config/keys.h.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/admin/metrics.h"
#include "broker/config/figures.h"

namespace fanfare::cli::testing {

// "bytes" or "seconds" for what is not just a number of things: by the name's end, or by the key's
// kind.
inline std::string unit_of(std::string_view name, const std::vector<server::LimitFigure>& limits) {
  constexpr std::string_view kLimit = "fanfare_limit_";
  if (name.starts_with(kLimit)) {
    for (const server::LimitFigure& limit : limits) {
      if (limit.name == name.substr(kLimit.size())) return std::string(limit.unit);
    }
  }
  if (name.ends_with("_total")) name.remove_suffix(std::string_view("_total").size());
  for (const std::string_view unit : {"bytes", "seconds"}) {
    if (name.ends_with(unit) || name.ends_with(fmt::format("{}_max", unit)))
      return std::string(unit);
  }
  return {};
}

// The labels of a sample: `shard="0"` -> "`shard`"; of one whose values are the broker's own words,
// with these.
class Labels {
 public:
  void read(std::string_view line) {
    const std::size_t open = line.find('{');
    if (open == std::string_view::npos) return;
    std::string_view rest = line.substr(open + 1);
    while (!rest.empty() && rest.front() != '}') {
      const std::size_t equals = rest.find('=');
      const std::size_t end = rest.find('"', equals + 2);
      note(rest.substr(0, equals), rest.substr(equals + 2, end - equals - 2));
      rest.remove_prefix(end + 1);
      if (rest.starts_with(',')) rest.remove_prefix(1);
    }
  }

  std::string text() const {
    std::string out;
    for (const auto& [name, values] : labels_) {
      out += fmt::format("{}`{}`", out.empty() ? "" : ", ", name);
      if (values.size() > 1 && name != "le") out += fmt::format(": {}", fmt::join(values, ", "));
    }
    return out;
  }

 private:
  void note(std::string_view name, std::string_view value) {
    auto at =
        std::ranges::find(labels_, name, &std::pair<std::string, std::vector<std::string>>::first);
    if (at == labels_.end()) at = labels_.insert(at, {std::string(name), {}});
    if (std::ranges::find(at->second, value) == at->second.end()) at->second.emplace_back(value);
  }

  std::vector<std::pair<std::string, std::vector<std::string>>> labels_;
};

inline std::string metrics_document() {
  server::Snapshot snapshot;
  snapshot.shards.resize(1);
  server::Options options;
  // Figures that are there only if the configuration says so.
  options.limits.connections = 1;
  options.limits.connections_per_address = options.limits.streams_per_address = 1;
  options.limits.streams_per_token = 1;
  options.tls_expiries = {{"certificate", "a.crt", "a.test", 1},
                          {"authority", "ca.crt", "CN = A", 1},
                          {"revocations", "crl.pem", "CN = A", 1}};
  snapshot.options = std::make_shared<const server::Options>(options);
  const std::vector<server::LimitFigure> limits = config::limit_figures(options);
  std::istringstream lines(admin::metrics_text(snapshot, limits, admin::ProcessFigures{}));
  std::string out = R"(# Metrics

What the admin listener's `/metrics` shows, as Prometheus text. Families that begin with `fanfare_shard_` have a sample for
each shard; the others describe the whole broker. `fanfare_limit_…` are the limits in force, which a SIGHUP may change
([CONFIG.md](CONFIG.md)); one that is "unlimited" has no sample. Counters and gauges of a shard are up to 100 ms old, those of the log
up to a second.
[OPERATING.md](OPERATING.md) has alerts on these figures, and which of them counts how often a limit was reached.

To see how busy a shard is, use `rate(fanfare_shard_loop_seconds_total{in!="waiting"}[1m])`: the share of a core it uses;
`in="kernel"` is the part that the kernel takes for sends. `fanfare_shard_turn_seconds_max` shows for how long a shard can
be busy before it reads its sockets again.

This file is written by `cmake --build --preset dev --target write-metrics-reference`; do not edit it by hand. A figure without a
unit is a number of things. A label with values has no others.

| name | type | unit | labels | |
|---|---|---|---|---|
)";
  std::string help, name, type;
  Labels labels;
  const auto end_row = [&] {
    if (name.empty()) return;
    fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {} | {} |\n", name, type,
                   unit_of(name, limits), labels.text(), help);
    labels = {};
  };
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# ")) {
      labels.read(line);
      continue;
    }
    std::istringstream words(line);
    std::string hash, kind, family;
    words >> hash >> kind >> family;
    if (kind == "HELP") {
      end_row();
      name = family;
      help = line.substr(line.find(name) + name.size() + 1);
    } else {
      words >> type;
    }
  }
  end_row();
  return out;
}

}  // namespace fanfare::cli::testing
