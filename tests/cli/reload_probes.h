// Probes: for every key of broker.toml that applies at once, two configurations and what shows
// which of them is in force. A new key needs one; reload_test.cc finds it missing.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/server/small_broker.h"

namespace fanfare::cli {

// What a client, a publisher or the operator sees of a setting.
using See = std::function<std::string()>;
struct Probe {
  std::string_view key;            // "delivery.retry", "channel.retry"
  std::string_view before, after;  // configurations
  // Called before the reload; what it returns, after it.
  std::function<See(server::testing::SmallBroker&)> attach;
  std::string_view seen_before, seen_after;
  sim::Faults faults = {};

  friend void PrintTo(const Probe& probe, std::ostream* out) { *out << probe.key; }
};

std::vector<Probe> probes();
// Those of [token], and of what belongs to it (token_probes.cc).
std::vector<Probe> token_probes();
// Those of [publish] (publish_probes.cc).
std::vector<Probe> publish_probes();
// Those of [fronts] (front_probes.cc).
std::vector<Probe> front_probes();
// Those of [tls] (tls_probes.cc).
std::vector<Probe> tls_probes();
std::vector<Probe> certificate_probes();
// A [tls] whose files are good.
std::string tls_section_text();
// Those of [cors], and of compression (head_probes.cc).
std::vector<Probe> head_probes();
// Those of [[channel]] keep (keyed_probes.cc).
std::vector<Probe> keyed_probes();
// Those of where streams begin and end (stream_probes.cc).
std::vector<Probe> stream_probes();
// Those of HTTP/2 (h2_probes.cc).
std::vector<Probe> h2_probes();
// Those of heartbeat_event (heartbeat_probes.cc).
std::vector<Probe> heartbeat_probes();
// And those of [[hook]] (hook_probes.cc).
std::vector<Probe> hook_probes();

}  // namespace fanfare::cli
