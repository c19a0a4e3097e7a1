// Probes of what a [[channel]] keeps: which keys it takes, and how often; whether a journal has it.
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/cli/reload_probes.h"

namespace fanfare::cli {
namespace {

using server::testing::Peer;
using server::testing::SmallBroker;

std::size_t values_in(std::string_view stream) {
  constexpr std::string_view kValue = "data: x";
  std::size_t count = 0;
  for (auto at = stream.find(kValue); at != stream.npos; at = stream.find(kValue, at + 1)) ++count;
  return count;
}

// Three values of one key, one after another.
See keyed_updates(SmallBroker& broker) {
  Peer& peer = broker.get("/events?channel=a");
  return [&broker, &peer]() -> std::string {
    peer.take();
    for (int i = 0; i < 3; ++i) broker.command("XADD a * key k data x");
    broker.pass(3s);
    return fmt::format("{} of 3", values_in(peer.take()));
  };
}

// Which of these events the keyed channel `a` takes.
See keyed_events(SmallBroker& broker, std::size_t size) {
  return [&broker, size] {
    int taken = 0;
    for (const char* key : {"k1", "k2"}) {
      const std::string reply =
          broker.command(fmt::format("XADD a * key {} data {}", key, std::string(size, 'x')));
      taken += reply.starts_with("$") ? 1 : 0;
    }
    return fmt::format("{} of 2", taken);
  };
}

See small_keyed_events(SmallBroker& broker) {
  return keyed_events(broker, 1);
}
See large_keyed_events(SmallBroker& broker) {
  return keyed_events(broker, 2'000);
}

See writing(SmallBroker& broker) {
  return [&broker]() -> std::string {
    broker.publish("a", "x");
    return broker.journaled("a") ? "written" : "left out";
  };
}

}  // namespace

std::vector<Probe> keyed_probes() {
  return {
      {"channel.journal", "[[channel]]\nmatch = \"a\"",
       "[[channel]]\nmatch = \"a\"\njournal = false", writing, "written", "left out"},
      {"channel.keep", "[[channel]]\nmatch = \"a\"",
       "[[channel]]\nmatch = \"a\"\nkeep = \"latest\"", small_keyed_events, "0 of 2", "2 of 2"},
      {"channel.keys_max", "[[channel]]\nmatch = \"a\"\nkeep = \"latest\"\nkeys_max = 1",
       "[[channel]]\nmatch = \"a\"\nkeep = \"latest\"", small_keyed_events, "1 of 2", "2 of 2"},
      {"channel.keys_bytes", "[[channel]]\nmatch = \"a\"\nkeep = \"latest\"\nkeys_bytes = \"3KiB\"",
       "[[channel]]\nmatch = \"a\"\nkeep = \"latest\"", large_keyed_events, "1 of 2", "2 of 2"},
      {"channel.rate", "[[channel]]\nmatch = \"a\"\nkeep = \"latest\"",
       "[[channel]]\nmatch = \"a\"\nkeep = \"latest\"\nrate = 1", keyed_updates, "3 of 3",
       "2 of 3"},
  };
}

}  // namespace fanfare::cli
