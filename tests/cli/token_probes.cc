// Probes of [token]: which tokens let a subscriber in.
#include <fmt/format.h>

#include <string>

#include "tests/cli/key_files.h"
#include "tests/cli/reload_probes.h"

namespace fanfare::cli {
namespace {

using server::testing::Peer;
using server::testing::SmallBroker;

std::string status_of(SmallBroker& broker, std::string_view target, std::string_view fields = {}) {
  Peer& peer = broker.get(target, fields);
  const std::string heard = peer.take();
  peer.hang_up();
  broker.pass();
  return heard.size() < 12 ? heard : heard.substr(9, 3);
}
std::string stranger(SmallBroker& broker) {
  return status_of(broker, "/events?channel=a");
}
std::string stranger_on_route(SmallBroker& broker) {
  return status_of(broker, "/board?channel=a");
}

// The first word of the answer to a publisher that asks for one.
std::string ticket(SmallBroker& broker) {
  const std::string reply = broker.command("SSE.TICKET EX 30s a");
  return reply.substr(0, reply.starts_with('$') ? 3 : 4);
}

// For those that look only at what begins after the reload.
std::function<See(SmallBroker&)> newly(std::string (*see)(SmallBroker&)) {
  return [see](SmallBroker& broker) { return [see, &broker] { return see(broker); }; };
}

std::string_view with_tokens(std::string_view line, std::string_view more = {}) {
  return with_key_file("token", line, more);
}
std::string_view with_key(std::string_view more = {}) {
  return with_tokens("keys = [\"$good\"]", more);
}

std::string good_token(std::string_view further = {}) {
  return probe_signer().token(fmt::format(R"({{"exp":253402300799,"channels":["a"]{}}})", further));
}
std::string status_with(SmallBroker& broker, std::string_view further) {
  return status_of(broker, "/events?channel=a",
                   fmt::format("Authorization: Bearer {}\r\n", good_token(further)));
}
std::string with_token(SmallBroker& broker) {
  return status_with(broker, {});
}
std::string with_issuer(SmallBroker& broker) {
  return status_with(broker, R"(,"iss":"id")");
}
std::string with_audience(SmallBroker& broker) {
  return status_with(broker, R"(,"aud":"us")");
}
std::string with_large_token(SmallBroker& broker) {
  return status_with(broker, fmt::format(R"(,"pad":"{}")", std::string(300, 'x')));
}
std::string with_early_token(SmallBroker& broker) {
  const auto soon = (broker.date() + 20s).time_since_epoch().count();
  return status_with(broker, fmt::format(R"(,"nbf":{})", soon));
}
std::string with_cookie(SmallBroker& broker) {
  return status_of(broker, "/events?channel=a", fmt::format("Cookie: mine={}\r\n", good_token()));
}
std::string with_parameter(SmallBroker& broker) {
  return status_of(broker, fmt::format("/events?channel=a&mine={}", good_token()));
}
std::string three_tokens_in_turn(SmallBroker& broker) {
  for (const char* const name : {"x", "y", "z"}) {
    status_with(broker, fmt::format(R"(,"name":"{}")", name));
  }
  const std::uint64_t before = broker.counters().tokens_known_total;
  status_with(broker, R"(,"name":"x")");
  return broker.counters().tokens_known_total > before ? "remembered" : "forgotten";
}

// What the second stream of one bearer gets.
std::string second_stream(SmallBroker& broker) {
  const std::string fields = fmt::format("Authorization: Bearer {}\r\n", good_token());
  Peer& first = broker.get("/events?channel=a", fields);
  Peer& second = broker.get("/events?channel=a", fields);
  const std::string heard = second.take();
  for (Peer* const peer : {&first, &second}) peer->hang_up();
  broker.pass();
  return heard.contains("streams_per_token") ? "come back" : heard.substr(9, 3);
}

}  // namespace

std::vector<Probe> token_probes() {
  static const std::string kOptional = "[token]\nneed = \"optional\"";
  static const std::string kNoTickets = "[limits]\ntickets = 0\n" + kOptional;
  static const std::string kShortTickets = "[limits]\nticket_age = \"1s\"\n" + kOptional;
  return {
      {"limits.tickets", kNoTickets, kOptional, newly(ticket), "-UNA", "$22"},
      {"limits.ticket_age", kShortTickets, kOptional, newly(ticket), "-ERR", "$22"},
      {"token.need", "", "[token]\nneed = \"required\"", newly(stranger), "200", "401"},
      {"token.keys", with_tokens("keys = [\"$other\"]"), with_key(), newly(with_token), "401",
       "200"},
      {"token.jwks", with_tokens("jwks = \"$other.json\""), with_tokens("jwks = \"$good.json\""),
       newly(with_token), "401", "200"},
      {"token.algorithms", with_tokens("jwks = \"$good.json\"", "algorithms = [\"EdDSA\"]"),
       with_tokens("jwks = \"$good.json\""), newly(with_token), "401", "200"},
      {"token.issuer", with_key("issuer = \"other\""), with_key("issuer = \"id\""),
       newly(with_issuer), "401", "200"},
      {"token.audience", with_key(), with_key("audience = \"us\""), newly(with_audience), "401",
       "200"},
      {"token.claim", with_key("claim = \"mine\""), with_key(), newly(with_token), "403", "200"},
      {"token.leeway", with_key("leeway = \"1s\""), with_key(), newly(with_early_token), "401",
       "200"},
      {"token.cookie", with_key(), with_key("cookie = \"mine\""), newly(with_cookie), "401", "200"},
      {"token.query", with_key(), with_key("query = \"mine\""), newly(with_parameter), "401",
       "200"},
      {"limits.token_bytes", with_key("[limits]\ntoken_bytes = \"256B\""), with_key(),
       newly(with_large_token), "401", "200"},
      {"limits.streams_per_token", with_key(), with_key("[limits]\nstreams_per_token = 1"),
       newly(second_stream), "200", "come back"},
      {"limits.requests_per_token", with_key(), with_key("[limits]\nrequests_per_token = \"1/h\""),
       newly(second_stream), "200", "429"},
      {"limits.tokens", with_key("[limits]\ntokens = 2"), with_key(), newly(three_tokens_in_turn),
       "forgotten", "remembered"},
      {"route.token", with_key("[[route]]\npath = \"/board\""),
       with_key("[[route]]\npath = \"/board\"\ntoken = \"none\""), newly(stranger_on_route), "401",
       "200"},
  };
}

}  // namespace fanfare::cli
