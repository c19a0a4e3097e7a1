// Probes of the keys that say where streams begin and end.
#include <algorithm>
#include <string>

#include "tests/cli/reload_probes.h"

namespace fanfare::cli {
namespace {

using server::testing::Peer;
using server::testing::SmallBroker;

// How many of three channels give their last value.
See last_values(SmallBroker& broker) {
  for (const char* const channel : {"s/1", "s/2", "s/3"}) broker.publish(channel, "x");
  return [&broker]() -> std::string {
    Peer& peer = broker.get("/events?channel=s/*&replay=1&each=channel&format=raw");
    const std::string heard = server::testing::body_of(peer.take());
    peer.hang_up();
    broker.pass();
    return std::to_string(heard.size()) + " of 3";
  };
}

// Whether a poll is answered within five seconds, though nothing comes.
See waiting_poll(SmallBroker& broker) {
  return [&broker]() -> std::string {
    Peer& peer = broker.get("/events?channel=a&last_event_id=ep0ch00-0&poll=1&wait=30s");
    broker.pass(5s);
    return peer.take().empty() ? "waits" : "answered";
  };
}
// How many of three events of 600 bytes come at once.
See large_poll(SmallBroker& broker) {
  for (int i = 0; i < 3; ++i) broker.publish("a", std::string(600, 'x'));
  return [&broker]() -> std::string {
    Peer& peer = broker.get("/events?channel=a&last_event_id=ep0ch00-0&poll=1&format=raw");
    return std::to_string(server::testing::body_of(peer.take()).size() / 600) + " of 3";
  };
}

}  // namespace

std::vector<Probe> stream_probes() {
  return {
      {"limits.wait_max", "[limits]\nwait_max = \"2s\"", "", waiting_poll, "answered", "waits"},
      {"limits.poll_bytes", "[limits]\npoll_bytes = \"1KiB\"", "", large_poll, "1 of 3", "3 of 3"},
      {"limits.replay_channels", "[limits]\nreplay_channels = 2", "", last_values, "2 of 3",
       "3 of 3"},
  };
}

}  // namespace fanfare::cli
