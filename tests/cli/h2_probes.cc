// Probes of what HTTP/2 clients may: [listen] h2c, [limits] h2_streams.
#include <string>
#include <string_view>
#include <vector>

#include "tests/cli/reload_probes.h"
#include "tests/wire/h2/frames.h"

namespace fanfare::cli {
namespace {

using server::testing::Peer;
using server::testing::SmallBroker;

// What a connection hears that begins with HTTP/2's preface.
std::string greeted(SmallBroker& broker) {
  Peer& peer = broker.subscriber();
  peer.say(h2_test::greeting());
  broker.pass();
  return peer.take();
}
std::string version(SmallBroker& broker) {
  return greeted(broker).starts_with("HTTP/1.1 505") ? "HTTP/1.1" : "HTTP/2";
}
std::string streams(SmallBroker& broker) {
  constexpr std::uint16_t kStreams = 3;  // SETTINGS_MAX_CONCURRENT_STREAMS
  const std::string heard = greeted(broker);
  return heard.contains(h2_test::setting(kStreams, 7)) ? "7" : "another number";
}

std::function<See(SmallBroker&)> newly(std::string (*see)(SmallBroker&)) {
  return [see](SmallBroker& broker) { return [see, &broker] { return see(broker); }; };
}

}  // namespace

std::vector<Probe> h2_probes() {
  return {
      {"listen.h2c", "", "[listen]\nh2c = false", newly(version), "HTTP/2", "HTTP/1.1"},
      {"limits.h2_streams", "", "[limits]\nh2_streams = 7", newly(streams), "another number", "7"},
  };
}

}  // namespace fanfare::cli
