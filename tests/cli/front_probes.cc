// Probes of [fronts]: who is believed about the addresses of clients.
#include <string>
#include <string_view>

#include "tests/cli/reload_probes.h"

namespace fanfare::cli {
namespace {

using server::testing::Peer;
using server::testing::SmallBroker;

constexpr std::string_view kOptions = "OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kLine = "PROXY TCP4 192.0.2.1 127.0.0.1 5 80\r\n";

// What becomes of a connection that begins with the PROXY protocol, or without.
std::string proxied(SmallBroker& broker) {
  Peer& peer = broker.subscriber_from("127.0.0.1");
  peer.say(std::string(kLine) + std::string(kOptions));
  broker.pass();
  return peer.take().substr(9, 3);
}

// The address by which a stream goes whose request has both fields.
std::string client(SmallBroker& broker) {
  Peer& peer = broker.subscriber_from("127.0.0.1");
  peer.say(
      "GET /events?channel=a HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n"
      "Forwarded: for=192.0.2.2\r\n\r\n");
  broker.pass();
  peer.hang_up();
  const auto closes = broker.snapshot().recent_closes;
  return closes.empty() ? "nobody" : closes.back().peer;
}

std::function<See(SmallBroker&)> newly(std::string (*see)(SmallBroker&)) {
  return [see](SmallBroker& broker) { return [see, &broker] { return see(broker); }; };
}

}  // namespace

std::vector<Probe> front_probes() {
  constexpr std::string_view kNobody =
      "[fronts]\ntrusted = [\"10.0.0.1\"]\nproxy_protocol = \"accept\"";
  constexpr std::string_view kTrusted =
      "[fronts]\ntrusted = [\"loopback\"]\nproxy_protocol = \"accept\"";
  return {
      {"fronts.trusted", kNobody, kTrusted, newly(proxied), "403", "204"},
      {"fronts.proxy_protocol", "[fronts]\ntrusted = [\"loopback\"]", kTrusted, newly(proxied),
       "400", "204"},
      {"fronts.forwarded", "[fronts]\ntrusted = [\"loopback\"]",
       "[fronts]\ntrusted = [\"loopback\"]\nforwarded = \"forwarded\"", newly(client), "192.0.2.1",
       "192.0.2.2"},
  };
}

}  // namespace fanfare::cli
