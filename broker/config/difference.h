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

// In the order of the table of keys. Rules count as one: that they changed, not how.
std::vector<Difference> differences(const server::Options& before, const server::Options& after);

// What a running broker goes on with when it has read `loaded`: its values, but those of `running`
// where a key takes effect only at the start.
server::Options in_force(const server::Options& running, const server::Options& loaded);

}  // namespace fanfare::config
