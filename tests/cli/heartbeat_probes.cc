// Probes of heartbeat_event, and of how many names there may be.
#include <string>

#include "tests/cli/reload_probes.h"

namespace fanfare::cli {
namespace {

using server::testing::Peer;
using server::testing::SmallBroker;

// What programs see of the heartbeat of a stream that asks for one every second.
std::string seen(SmallBroker& broker, std::string_view target) {
  Peer& peer = broker.get(target);
  peer.take();
  broker.pass(3s);
  return peer.take().starts_with("event: ping\n") ? "ping" : "a comment";
}

std::function<See(SmallBroker&)> seen_on(std::string_view target) {
  return
      [target](SmallBroker& broker) { return [&broker, target] { return seen(broker, target); }; };
}

See two_names(SmallBroker& broker) {
  broker.get("/events?channel=a&heartbeat_event=one");
  return [&broker] {
    Peer& peer = broker.get("/events?channel=a&heartbeat_event=two");
    const bool refused = peer.take().find("heartbeat_events") != std::string::npos;
    peer.hang_up();
    broker.pass();
    return std::string(refused ? "come back later" : "opened");
  };
}

}  // namespace

std::vector<Probe> heartbeat_probes() {
  return {
      {"delivery.heartbeat_event", "", "[delivery]\nheartbeat_event = \"ping\"",
       seen_on("/events?channel=a&heartbeat=1s"), "a comment", "ping"},
      {"limits.heartbeat_events", "[limits]\nheartbeat_events = 1",
       "[limits]\nheartbeat_events = 2", two_names, "come back later", "opened"},
      {"route.heartbeat_event", "[[route]]\npath = \"/board\"",
       "[[route]]\npath = \"/board\"\nheartbeat_event = \"ping\"",
       seen_on("/board?channel=a&heartbeat=1s"), "a comment", "ping"},
  };
}

}  // namespace fanfare::cli
