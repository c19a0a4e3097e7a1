// Probes of [fronts] and of the limits of one client: whose a request is, and what that client may.
#include <string>
#include <string_view>
#include <vector>

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

// What the third of three connections of one client gets, each with a stream.
std::string third(SmallBroker& broker) {
  std::string heard;
  std::vector<Peer*> peers;
  for (int i = 0; i < 3; ++i) {
    Peer& peer = *peers.emplace_back(&broker.subscriber_from("192.0.2.7"));
    broker.pass();
    heard = "closed";
    if (peer.gone()) continue;
    peer.say("GET /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n");
    broker.pass();
    heard = peer.take();
  }
  for (Peer* const peer : peers) peer->hang_up();
  broker.pass();
  if (heard.contains("streams_per_address")) return "come back";
  return heard == "closed" ? heard : heard.substr(9, 3);
}

std::string third_of_two_addresses(SmallBroker& broker) {
  Peer& other = broker.subscriber_from("192.0.2.8");
  const std::string seen = third(broker);
  other.hang_up();
  broker.pass();
  return seen;
}

// What has become of a stream after 15 seconds.
std::string at_15_seconds(SmallBroker& broker, std::string_view target) {
  Peer& peer = broker.get(target);
  broker.pass(15s);
  return peer.gone() ? "gone" : "there";
}
std::string life(SmallBroker& broker) {
  return at_15_seconds(broker, "/events?channel=a");
}
std::string life_on_route(SmallBroker& broker) {
  return at_15_seconds(broker, "/board");
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
      {"limits.connections_per_address", "", "[limits]\nconnections_per_address = 2", newly(third),
       "200", "closed"},
      {"limits.streams_per_address", "", "[limits]\nstreams_per_address = 2", newly(third), "200",
       "come back"},
      {"limits.requests_per_address", "", "[limits]\nrequests_per_address = \"2/h\"", newly(third),
       "200", "429"},
      {"limits.clients", "[limits]\nconnections_per_address = 2",
       "[limits]\nconnections_per_address = 2\nclients = 1", newly(third_of_two_addresses),
       "closed", "200"},
      {"delivery.stream_life", "", "[delivery]\nstream_life = \"10s\"", newly(life), "there",
       "gone"},
      {"route.stream_life", "[[route]]\npath = \"/board\"\nchannels = [\"a\"]",
       "[[route]]\npath = \"/board\"\nchannels = [\"a\"]\nstream_life = \"10s\"",
       newly(life_on_route), "there", "gone"},
  };
}

}  // namespace fanfare::cli
