// Probes of [publish] and [access]: which tokens let somebody publish over TCP, and what is written
// down of subscribers.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cli/key_files.h"
#include "tests/cli/reload_probes.h"

namespace fanfare::cli {
namespace {

using server::testing::Peer;
using server::testing::SmallBroker;

std::string_view with_keys(std::string_view line, std::string_view more = {}) {
  return with_key_file("publish", line, more);
}
std::string_view with_key(std::string_view more = {}) {
  return with_keys("keys = [\"$good\"]", more);
}

// "taken", or the first word of the refusal.
std::string publishes_with(SmallBroker& broker, std::string_view further,
                           std::string_view claim = "publish") {
  Peer& peer = broker.network_publisher();
  const std::string token =
      probe_signer().token(fmt::format(R"({{"exp":253402300799,"{}":["a"]{}}})", claim, further));
  peer.say(fmt::format("AUTH {}\r\nPUBLISH a x\r\n", token));
  broker.pass();
  const std::string heard = peer.take();
  peer.hang_up();
  broker.pass();
  return heard.starts_with("+OK\r\n:") ? "taken" : heard.substr(0, heard.find(' '));
}
std::string publishes(SmallBroker& broker) {
  return publishes_with(broker, {});
}
std::string with_issuer(SmallBroker& broker) {
  return publishes_with(broker, R"(,"iss":"id")");
}
std::string with_audience(SmallBroker& broker) {
  return publishes_with(broker, R"(,"aud":"us")");
}
std::string with_early_token(SmallBroker& broker) {
  const auto soon = (broker.date() + 20s).time_since_epoch().count();
  return publishes_with(broker, fmt::format(R"(,"nbf":{})", soon));
}

std::string two_at_once(SmallBroker& broker) {
  Peer& first = broker.network_publisher();
  Peer& second = broker.network_publisher();
  broker.pass();
  second.say("PING\r\n");
  broker.pass();
  const std::string heard = second.take();
  first.hang_up();
  second.hang_up();
  broker.pass(3s);
  return heard.substr(0, heard.find(' '));
}

std::string tries(SmallBroker& broker) {
  Peer& peer = broker.network_publisher();
  peer.say("AUTH a\r\nAUTH b\r\nAUTH c\r\n");
  broker.pass();
  const std::string heard = peer.take();
  peer.hang_up();
  broker.pass(3s);
  return fmt::format("{} answers", std::count(heard.begin(), heard.end(), '\n'));
}

std::string lines_of_a_request(SmallBroker& broker) {
  broker.access_lines();
  broker.get("/nowhere");
  broker.pass(200ms);
  return broker.access_lines().empty() ? "no line" : "a line";
}

std::string lines_without_room(SmallBroker& broker) {
  broker.jam_access_log(true);
  for (int i = 0; i < 40; ++i) {
    broker.get("/nowhere").hang_up();
    broker.pass();
  }
  return broker.counters().access_lines_left_out_total > 0 ? "left out" : "kept";
}

std::function<See(SmallBroker&)> newly(std::string (*see)(SmallBroker&)) {
  return [see](SmallBroker& broker) { return [see, &broker] { return see(broker); }; };
}

}  // namespace

std::vector<Probe> publish_probes() {
  return {
      {"publish.keys", with_keys("keys = [\"$other\"]"), with_key(), newly(publishes), "-WRONGPASS",
       "taken"},
      {"publish.jwks", with_keys("jwks = \"$other.json\""), with_keys("jwks = \"$good.json\""),
       newly(publishes), "-WRONGPASS", "taken"},
      {"publish.algorithms", with_keys("jwks = \"$good.json\"", "algorithms = [\"EdDSA\"]"),
       with_keys("jwks = \"$good.json\""), newly(publishes), "-WRONGPASS", "taken"},
      {"publish.issuer", with_key("issuer = \"other\""), with_key("issuer = \"id\""),
       newly(with_issuer), "-WRONGPASS", "taken"},
      {"publish.audience", with_key(), with_key("audience = \"us\""), newly(with_audience),
       "-WRONGPASS", "taken"},
      {"publish.claim", with_key("claim = \"mine\""), with_key(), newly(publishes), "-WRONGPASS",
       "taken"},
      {"publish.leeway", with_key("leeway = \"1s\""), with_key(), newly(with_early_token),
       "-WRONGPASS", "taken"},
      {"limits.publish_connections", "[limits]\npublish_connections = 1", "", newly(two_at_once),
       "-ERR", "-NOAUTH"},
      {"limits.publish_tries", "", "[limits]\npublish_tries = 1", newly(tries), "3 answers",
       "1 answers"},
      {"access.log", "", "[access]\nlog = \"stderr\"", newly(lines_of_a_request), "no line",
       "a line"},
      {"access.buffer", "[access]\nlog = \"stderr\"",
       "[access]\nlog = \"stderr\"\nbuffer = \"4KiB\"", newly(lines_without_room), "kept",
       "left out"},
  };
}

}  // namespace fanfare::cli
