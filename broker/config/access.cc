#include "broker/config/access.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "broker/policy/hosts.h"
#include "broker/server/base/rules.h"

namespace fanfare::config {
namespace {

using server::Options;
using server::RouteRule;
using server::TokenNeed;

std::string_view who(TokenNeed need, const Options& options) {
  switch (need) {
    case TokenNeed::required:
      return options.token.has_keys() ? "bearers of a token"
                                      : "bearers of a ticket, since [token] has no keys";
    case TokenNeed::optional:
      return "anyone; a token that is presented must be good";
    case TokenNeed::none:
    case TokenNeed::automatic:
      break;
  }
  return "anyone";
}

// Long lists are cut: this is for a person.
std::string shown(const std::vector<std::string>& channels) {
  constexpr std::size_t kShown = 5;
  const std::size_t count = std::min(channels.size(), kShown);
  std::string text = fmt::format(
      "{}",
      fmt::join(channels.begin(), channels.begin() + static_cast<std::ptrdiff_t>(count), ", "));
  if (channels.size() > count) text += fmt::format(" and {} more", channels.size() - count);
  return text;
}

std::string entry(std::string_view what, std::string_view who, std::string_view more = {}) {
  return fmt::format("  {:<20}  {}{}{}\n", what, who, more.empty() ? "" : ": ", more);
}

// "/ask (GET)": without the usual methods.
std::string name_of(const RouteRule& route) {
  static const RouteRule kUsual;
  if (route.methods == kUsual.methods) return route.path;
  return fmt::format("{} ({})", route.path, fmt::join(route.methods, ", "));
}

std::string line(const Options& options, std::string_view path, const RouteRule* route) {
  const TokenNeed need = server::token_need(options, route);
  if (route != nullptr && !route->upstream.empty()) {
    const std::string_view first = need == TokenNeed::required ? ", about bearers of a token only"
                                   : need == TokenNeed::optional
                                       ? "; a token that is presented must be good"
                                       : "";
    return entry(path,
                 fmt::format("those whom the application at {} lets in{}", route->upstream, first),
                 "the channels that it names");
  }
  const bool fixed = route != nullptr && !route->channels.empty();
  const std::string channels = fixed
                                   ? shown(route->channels)
                                   : fmt::format("what {} covers", shown(options.subscribe.allow));
  return entry(path, who(need, options),
               channels + (need == TokenNeed::required ? ", as far as the token grants it" : ""));
}

std::string publishers(const Options& options) {
  const server::ListenOptions& listen = options.listen;
  const std::string users = listen.ingest_users.empty() ? std::string("processes")
                                                        : fmt::format("processes of the users {}",
                                                                      shown(listen.ingest_users));
  const std::string_view group = listen.ingest_group;
  std::string text =
      entry(listen.ingest.empty() ? "the ingest socket" : listen.ingest,
            fmt::format("{} that may write to it (mode {:04o}{})", users, listen.ingest_mode,
                        group.empty() ? "" : fmt::format(", group {}", group)),
            "every channel");
  for (const std::string& address : options.publish.listen) {
    text += entry(address, "bearers of a publisher's token", "what the token grants");
  }
  for (const std::string& address : options.publish.listen_tls) {
    const server::PublishOptions& publish = options.publish;
    const std::string_view issuer =
        publish.client_ca.empty() ? "" : " with a certificate of [publish] client_ca";
    if (publish.has_keys()) {
      text += entry(address, fmt::format("bearers of a publisher's token{}", issuer),
                    "what the token grants");
    }
    for (const server::PublishClientRule& client : publish.clients) {
      text += entry(address, fmt::format("bearers of a certificate for {}", shown(client.names)),
                    shown(client.channels));
    }
  }
  return text;
}

std::string operators(const Options& options) {
  const std::string& admin = options.listen.admin;
  if (admin.empty()) return entry("admin", "nobody: [listen] admin is empty");
  constexpr std::string_view kProbes = "/healthz, /readyz";
  constexpr std::string_view kPages = "/metrics, the live pages";
  const std::string all = fmt::format("{}, {}", kProbes, kPages);
  const bool local = policy::is_loopback(admin);
  const std::string_view callers =
      local ? "every user of this machine" : "everybody who reaches this address";
  if (!options.listen.admin_token_file.empty()) {
    return entry(admin, callers, kProbes) +
           entry(admin, "bearers of the token of [listen] admin_token_file",
                 fmt::format("{}, /api, closing", kPages));
  }
  return entry(admin, callers, local ? all + ", /api, closing" : all);
}

std::string origins(const Options& options) {
  const std::vector<std::string>& listed = options.cors.origins;
  if (listed.empty()) return entry("other origins", "none");
  return entry("other origins", shown(listed),
               options.cors.credentials ? "with their cookies" : "without cookies");
}

}  // namespace

std::string access_text(const Options& options) {
  std::string text = "who may subscribe:\n";
  if (options.subscribe.events) {
    text += line(options, "/events", nullptr);
    text += entry("/position", who(server::token_need(options, nullptr), options),
                  "the id of the newest event");
  }
  for (const RouteRule& route : options.routes) text += line(options, name_of(route), &route);
  if (options.subscribe.selftest != server::Selftest::off) {
    const bool open = options.subscribe.selftest == server::Selftest::open;
    text += entry("/selftest", open ? "anyone" : who(server::token_need(options, nullptr), options),
                  "the self-test page, and a stream for it");
  }
  text += "who may publish:\n" + publishers(options);
  text += "who may look on:\n" + operators(options);
  text += "pages of other origins that may read it:\n" + origins(options);
  return text;
}

}  // namespace fanfare::config
