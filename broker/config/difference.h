// Difference: what changes from one configuration to another, key by key, for the log after a
// SIGHUP: what took effect and what waits for a restart.
#pragma once

#include <string>
#include <vector>

#include "broker/server/base/options.h"

namespace fanfare::config {

struct Difference {
  std::string key;     // "delivery.heartbeat", "[[channel]]"
  std::string before;  // as broker.toml writes it; empty for tables of rules
  std::string after;
  bool restart = false;  // takes effect only when the broker starts

  // "delivery.heartbeat: "15s" -> "5s"", with "(at the next start)" if it has to wait.
  std::string text() const;
};

// In the order of the table of keys. All rules are one difference, which says that they changed but
// not how.
std::vector<Difference> differences(const server::Options& before, const server::Options& after);

// The options with which a running broker continues after it has read `loaded`: the loaded values,
// except for keys that take effect only at the start, which keep those of `running`.
server::Options in_force(const server::Options& running, const server::Options& loaded);

}  // namespace fanfare::config
