#include "broker/config/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "broker/config/exposure.h"
#include "broker/config/route_rules.h"
#include "broker/config/syntax.h"
#include "broker/policy/client_address.h"
#include "broker/policy/cors.h"
#include "broker/policy/grants.h"
#include "broker/policy/hosts.h"
#include "broker/policy/jwt_keys.h"
#include "broker/policy/origin.h"
#include "broker/server/base/ingest_path.h"
#include "broker/server/base/listen_address.h"
#include "broker/server/base/rate.h"
#include "broker/server/base/upstream_address.h"
#include "broker/wire/tls/identity.h"

#include "common/pattern.h"
#include "common/units.h"

namespace fanfare::config {
namespace {

using server::ChannelRule;
using server::HookRule;
using server::Options;
using server::RouteRule;

// Reports `problem` about an entry of a list or a key, unless it is empty.
void complain(Report& report, const std::string& key, std::string_view fallback,
              std::string problem) {
  if (!problem.empty()) report.add_at(key, fmt::format("{}: {}", key, problem), {}, fallback);
}

// `smaller` must not exceed `larger`; both are sizes.
void check_order(Report& report, std::string_view smaller_key, std::uint64_t smaller,
                 std::string_view larger_key, std::uint64_t larger, std::string_view why) {
  if (smaller <= larger) return;
  report.add_at(smaller_key,
                fmt::format("{} ({}) is larger than {} ({})", smaller_key, format_size(smaller),
                            larger_key, format_size(larger)),
                std::string(why), larger_key);
}

void check_listeners(const Options& options, Report& report) {
  const auto& http = options.listen.http;
  for (std::size_t i = 0; i < http.size(); ++i) {
    const std::string key = fmt::format("listen.http[{}]", i);
    complain(report, key, "listen.http", subscriber_address_problem(http[i]));
    if (server::socket_path(http[i]) == server::ingest_path(options.listen.ingest)) {
      complain(report, key, "listen.http",
               fmt::format("\"{}\" is also listen.ingest; each needs its own path", http[i]));
    }
    const bool chosen_by_kernel = http[i].ends_with(":0") && !server::socket_path(http[i]);
    const auto twice =
        std::find(http.begin(), http.begin() + static_cast<std::ptrdiff_t>(i), http[i]);
    if (!chosen_by_kernel && twice != http.begin() + static_cast<std::ptrdiff_t>(i)) {
      complain(report, key, "listen.http", fmt::format("\"{}\" is listed twice", http[i]));
    }
  }
  const std::string& admin = options.listen.admin;
  if (!admin.empty()) {
    complain(report, "listen.admin", "listen.http", listen_address_problem(admin));
    if (!admin.ends_with(":0") && std::find(http.begin(), http.end(), admin) != http.end()) {
      complain(report, "listen.admin", "listen.http",
               fmt::format("\"{}\" is also in listen.http; each needs its own port", admin));
    }
  }
  complain(report, "listen.ingest", {}, socket_path_problem(options.listen.ingest));
}

void check_https(const Options& options, Report& report) {
  const auto& https = options.listen.https;
  const auto& http = options.listen.http;
  for (std::size_t i = 0; i < https.size(); ++i) {
    const std::string key = fmt::format("listen.https[{}]", i);
    complain(report, key, "listen.https", listen_address_problem(https[i]));
    if (https[i].ends_with(":0")) continue;
    if (https[i] == options.listen.admin) {
      complain(report, key, "listen.https",
               fmt::format("\"{}\" is also listen.admin; each needs its own port", https[i]));
    }
    if (std::find(http.begin(), http.end(), https[i]) != http.end()) {
      complain(report, key, "listen.https",
               fmt::format("\"{}\" is also in listen.http; each needs its own port", https[i]));
    }
    if (std::find(https.begin(), https.begin() + static_cast<std::ptrdiff_t>(i), https[i]) !=
        https.begin() + static_cast<std::ptrdiff_t>(i)) {
      complain(report, key, "listen.https", fmt::format("\"{}\" is listed twice", https[i]));
    }
  }
}

void check_tls(const Options& options, Report& report) {
  const server::TlsOptions& tls = options.tls;
  const std::string_view listener = !options.listen.https.empty()         ? "listen.https"
                                    : !options.publish.listen_tls.empty() ? "publish.listen_tls"
                                                                          : "";
  for (const auto& [key, file] :
       {std::pair("tls.certificate", &tls.certificate), std::pair("tls.key", &tls.key)}) {
    if (listener.empty() || !file->empty()) continue;
    report.add_at(key, fmt::format("{} is set, and {} is not", listener, key),
                  "name a file in PEM; `fanfare cert --self-signed DIR` makes both for a first try",
                  listener);
  }
  for (std::size_t i = 0; i < tls.sni.size(); ++i) {
    const server::SniRule& rule = tls.sni[i];
    const std::string place = fmt::format("tls.sni[{}]", i);
    if (rule.names.empty()) {
      complain(report, place, {}, "names are missing: for which hosts is the certificate?");
    }
    if (rule.certificate.empty() || rule.key.empty()) {
      complain(report, place, {},
               fmt::format("{} is missing", rule.certificate.empty() ? "certificate" : "key"));
    }
    for (std::size_t n = 0; n < rule.names.size(); ++n) {
      complain(report, fmt::format("{}.names[{}]", place, n), place,
               tls::host_name_problem(rule.names[n]));
    }
  }
}

void check_sizes(const Options& options, Report& report) {
  const server::LimitOptions& limits = options.limits;
  check_order(report, "history.bytes", options.history.bytes, "history.total_bytes",
              options.history.total_bytes,
              "one channel cannot keep more than all of them together");
  check_order(report, "limits.event_bytes", limits.event_bytes, "history.bytes",
              options.history.bytes, "the largest event would not fit into its channel's history");
  check_order(report, "limits.event_bytes", limits.event_bytes, "limits.ingest_batch_bytes",
              limits.ingest_batch_bytes, "the largest event could not be published over HTTP");
  check_order(report, "limits.ingest_batch_bytes", limits.ingest_batch_bytes, "limits.bodies_bytes",
              limits.bodies_bytes, "the largest batch could never be received");
  check_order(report, "limits.event_bytes", limits.event_bytes, "limits.ingest_pending_bytes",
              limits.ingest_pending_bytes, "the largest event would stop its publisher");
  check_order(report, "limits.target_bytes", limits.target_bytes, "limits.head_bytes",
              limits.head_bytes, "the target is a part of the head");
}

void check_heartbeats(const Options& options, Report& report) {
  const auto& [least, most] = std::pair(options.limits.heartbeat_min, options.limits.heartbeat_max);
  if (least > most) {
    report.add_at("limits.heartbeat_min",
                  fmt::format("limits.heartbeat_min ({}) is longer than limits.heartbeat_max ({})",
                              format_duration(least), format_duration(most)),
                  "swap them", "limits.heartbeat_max");
  }
  if (options.delivery.coalesce > options.delivery.heartbeat) {
    report.add_at("delivery.coalesce",
                  fmt::format("delivery.coalesce ({}) is longer than delivery.heartbeat ({})",
                              format_duration(options.delivery.coalesce),
                              format_duration(options.delivery.heartbeat)),
                  "events would wait longer than a heartbeat interval", "delivery.heartbeat");
  }
}

void check_heartbeat_event(const Options& options, const std::string& name,
                           const std::string& place, Report& report) {
  complain(report, place, "limits.event_name_bytes",
           event_name_problem(name, options.limits.event_name_bytes));
  for (const auto& [own, key] : {std::pair(options.delivery.gap_event, "delivery.gap_event"),
                                 std::pair(options.delivery.end_event, "delivery.end_event")}) {
    if (name.empty() || name != own) continue;
    complain(report, place, key,
             fmt::format("\"{}\" is {} too; a client could not tell them apart", name, key));
  }
}

void check_event_names(const Options& options, Report& report) {
  const server::DeliveryOptions& delivery = options.delivery;
  const std::size_t size_max = options.limits.event_name_bytes;
  complain(report, "delivery.gap_event", "limits.event_name_bytes",
           event_name_problem(delivery.gap_event, size_max));
  complain(report, "delivery.end_event", "limits.event_name_bytes",
           event_name_problem(delivery.end_event, size_max));
  if (!delivery.gap_event.empty() && delivery.gap_event == delivery.end_event) {
    complain(report, "delivery.end_event", "delivery.gap_event",
             fmt::format("\"{}\" is delivery.gap_event too; a client could not tell them apart",
                         delivery.end_event));
  }
  check_heartbeat_event(options, delivery.heartbeat_event, "delivery.heartbeat_event", report);
  for (std::size_t i = 0; i < options.routes.size(); ++i) {
    check_heartbeat_event(options, options.routes[i].heartbeat_event.value_or(""),
                          fmt::format("route[{}].heartbeat_event", i), report);
  }
}

void check_cors(const Options& options, Report& report) {
  const auto& origins = options.cors.origins;
  for (std::size_t i = 0; i < origins.size(); ++i) {
    complain(report, fmt::format("cors.origins[{}]", i), "cors.origins",
             policy::origin_problem(origins[i]));
  }
  const bool everyone = std::find(origins.begin(), origins.end(), "*") != origins.end();
  if (everyone && options.cors.credentials) {
    report.add_at("cors.credentials", "cors.credentials is true and cors.origins contains \"*\"",
                  "browsers refuse the two together: name the origins", "cors.origins");
  }
  if (options.cors.credentials &&
      std::find(origins.begin(), origins.end(), "null") != origins.end()) {
    report.add_at("cors.credentials", "cors.credentials is true and cors.origins contains \"null\"",
                  "any site can make a frame of that origin: serve the page over http and name its "
                  "own",
                  "cors.origins");
  }
  if (everyone && origins.size() > 1) {
    report.add_at("cors.origins", "cors.origins lists \"*\" and other origins",
                  "\"*\" already allows all of them: list it alone, or remove it");
  }
}

void check_hosts(const Options& options, Report& report) {
  const auto check = [&report](const std::string& list, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      complain(report, fmt::format("{}[{}]", list, i), list, policy::host_name_problem(names[i]));
    }
  };
  check("listen.hosts", options.listen.hosts);
  check("listen.admin_hosts", options.listen.admin_hosts);
}

void check_fronts(const Options& options, Report& report) {
  const server::FrontOptions& fronts = options.fronts;
  for (std::size_t i = 0; i < fronts.trusted.size(); ++i) {
    complain(report, fmt::format("fronts.trusted[{}]", i), "fronts.trusted",
             policy::front_problem(fronts.trusted[i]));
  }
  if (fronts.proxy_protocol == server::ProxyProtocol::off || !fronts.trusted.empty()) return;
  report.add_at("fronts.proxy_protocol",
                "fronts.proxy_protocol is on, and fronts.trusted names nobody who may use it",
                "name the front: trusted = [\"10.0.0.5\"]", "fronts.trusted");
}

void check_rates(const Options& options, Report& report) {
  const server::LimitOptions& limits = options.limits;
  for (const auto& [key, text] :
       {std::pair("limits.requests_per_address", &limits.requests_per_address),
        std::pair("limits.requests_per_token", &limits.requests_per_token)}) {
    if (const auto rate = server::parse_rate(*text); !rate) complain(report, key, {}, rate.error());
  }
}

void check_subscribe(const Options& options, Report& report) {
  const auto& allowed = options.subscribe.allow;
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    std::string problem = channel_pattern_problem(allowed[i]);
    if (problem.empty() && is_hidden(allowed[i])) {
      problem =
          fmt::format("\"{}\": names that begin with ~ are reserved for the broker", allowed[i]);
    }
    complain(report, fmt::format("subscribe.allow[{}]", i), "subscribe.allow", std::move(problem));
  }
}

// What [token] and [publish] say of their keys.
template <class Section>
void check_keys(std::string_view name, const Section& section, Report& report) {
  const std::string keys = fmt::format("{}.keys", name);
  for (std::size_t i = 0; i < section.keys.size(); ++i) {
    complain(report, fmt::format("{}[{}]", keys, i), keys, file_path_problem(section.keys[i]));
  }
  if (!section.jwks.empty()) {
    complain(report, fmt::format("{}.jwks", name), {}, file_path_problem(section.jwks));
  }
  const std::string algorithms = fmt::format("{}.algorithms", name);
  for (std::size_t i = 0; i < section.algorithms.size(); ++i) {
    if (policy::algorithm_named(section.algorithms[i])) continue;
    complain(report, fmt::format("{}[{}]", algorithms, i), algorithms,
             fmt::format("\"{}\" is not one of EdDSA, ES256, RS256, HS256", section.algorithms[i]));
  }
}

void check_publish_addresses(const std::string& list, const std::vector<std::string>& addresses,
                             const Options& options, Report& report) {
  const server::ListenOptions& listen = options.listen;
  std::vector<std::string> others = {listen.admin};
  others.insert(others.end(), listen.http.begin(), listen.http.end());
  others.insert(others.end(), listen.https.begin(), listen.https.end());
  std::vector<std::string> before;
  if (&addresses == &options.publish.listen_tls) before = options.publish.listen;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const std::string& address = addresses[i];
    const std::string place = fmt::format("{}[{}]", list, i);
    complain(report, place, list, listen_address_problem(address));
    if (address.ends_with(":0")) continue;
    if (std::ranges::count(others, address) != 0) {
      complain(report, place, list,
               fmt::format("\"{}\" is also in [listen]; each needs its own port", address));
    } else if (std::ranges::count(before, address) != 0) {
      complain(report, place, list, fmt::format("\"{}\" is listed twice", address));
    }
    before.push_back(address);
  }
}

void check_publish_clients(const server::PublishOptions& publish, Report& report) {
  if (publish.client_ca.empty() && !publish.client_crl.empty()) {
    report.add_at("publish.client_crl", "publish.client_crl is set, and publish.client_ca is not",
                  "name the certificates of those who issue publishers' certificates");
  }
  for (std::size_t i = 0; i < publish.clients.size(); ++i) {
    const server::PublishClientRule& client = publish.clients[i];
    const std::string place = fmt::format("publish.client[{}]", i);
    if (publish.client_ca.empty() && !publish.listen_tls.empty() && i == 0) {
      complain(report, place, {},
               "publish.client_ca is not set, so that no publisher shows a certificate");
    }
    if (client.names.empty() || client.channels.empty()) {
      complain(report, place, {},
               fmt::format("{} missing", client.names.empty() ? "names are" : "channels are"));
    }
    for (std::size_t c = 0; c < client.channels.size(); ++c) {
      const std::string problem = policy::grant_problem(client.channels[c]);
      if (problem.empty()) continue;
      complain(report, fmt::format("{}.channels[{}]", place, c), place,
               fmt::format("\"{}\" cannot be granted: {}", client.channels[c], problem));
    }
  }
}

// Publishing is never open to a network.
void check_publish(const Options& options, Report& report) {
  const server::PublishOptions& publish = options.publish;
  check_keys("publish", publish, report);
  if (!publish.listen.empty() && !publish.has_keys()) {
    report.add_at("publish.listen", "[publish] listen has addresses, and there are no keys",
                  "publishing over TCP needs a token: name the keys that publishers' tokens are "
                  "signed with, [publish] keys or jwks");
  }
  if (!publish.listen_tls.empty() && !publish.has_keys() && publish.clients.empty()) {
    report.add_at(
        "publish.listen_tls",
        "[publish] listen_tls has addresses, and there are neither keys nor clients",
        "publishing over TCP needs a token or a certificate: name [publish] keys or jwks, "
        "or client_ca and a [[publish.client]]");
  }
  check_publish_addresses("publish.listen", publish.listen, options, report);
  check_publish_addresses("publish.listen_tls", publish.listen_tls, options, report);
  check_publish_clients(publish, report);
}

void check_access_log(const Options& options, Report& report) {
  const std::string& log = options.access.log;
  if (log.empty() || log == "stderr" || log == "stdout") return;
  complain(report, "access.log", {}, file_path_problem(log));
}

void check_journal(const Options& options, Report& report) {
  const std::string& path = options.journal.path;
  if (!path.empty()) complain(report, "journal.path", {}, file_path_problem(path));
}

void check_token(const Options& options, Report& report) {
  const server::TokenOptions& token = options.token;
  check_keys("token", token, report);
  complain(report, "token.cookie", {}, cookie_name_problem(token.cookie));
  complain(report, "token.query", {}, parameter_name_problem(token.query));
}

void check_channel_rules(const Options& options, Report& report) {
  const auto& rules = options.channels;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const ChannelRule& rule = rules[i];
    const std::string path = fmt::format("channel[{}]", i);
    const std::string match = path + ".match";
    if (!report.noted(match)) {
      report.add_at(path, "[[channel]] has no match",
                    "say which channels it applies to: match = \"metrics/**\"");
      continue;
    }
    if (rule.match.empty()) continue;  // its type was wrong, which has been said
    complain(report, match, path, channel_pattern_problem(rule.match));
    const auto same = [&](const ChannelRule& other) { return other.match == rule.match; };
    if (std::any_of(rules.begin(), rules.begin() + static_cast<std::ptrdiff_t>(i), same)) {
      report.add_at(match, fmt::format("[[channel]] match \"{}\" is repeated here", rule.match),
                    "only the first counts: merge them");
    }
    const std::uint64_t bytes = rule.history_bytes.value_or(options.history.bytes);
    if (rule.history_bytes) {
      check_order(report, path + ".history_bytes", bytes, "history.total_bytes",
                  options.history.total_bytes,
                  "one channel cannot keep more than all of them together");
      check_order(report, "limits.event_bytes", options.limits.event_bytes, path + ".history_bytes",
                  bytes, "the largest event would not fit into its channel's history");
    }
  }
}

constexpr std::size_t kHooksMax = 16;

void check_hooks(const Options& options, Report& report) {
  const auto& hooks = options.hooks;
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    const HookRule& hook = hooks[i];
    const std::string place = fmt::format("hook[{}]", i);
    if (i == kHooksMax) {
      report.add_at(
          place, fmt::format("there are {} [[hook]]s", hooks.size()),
          fmt::format("{} are the most: let one application pass on what it is told", kHooksMax));
    }
    if (!report.noted(place + ".url")) {
      report.add_at(place, "[[hook]] has no url",
                    "say where news is posted to: url = \"http://127.0.0.1:3000/hooks\"");
    } else if (const auto url = server::parse_hook_url(hook.url); !hook.url.empty() && !url) {
      complain(report, place + ".url", place, url.error());
    }
    for (std::size_t j = 0; j < hook.channels.size(); ++j) {
      complain(report, fmt::format("{}.channels[{}]", place, j), place + ".channels",
               channel_pattern_problem(hook.channels[j]));
    }
    for (std::size_t j = 0; j < hook.events.size(); ++j) {
      if (hook.events[j] == "occupied" || hook.events[j] == "vacant") continue;
      complain(report, fmt::format("{}.events[{}]", place, j), place + ".events",
               fmt::format("\"{}\" is neither occupied nor vacant", hook.events[j]));
    }
  }
}

}  // namespace

void check_rules(const Options& options, Report& report) {
  check_listeners(options, report);
  check_https(options, report);
  check_tls(options, report);
  check_sizes(options, report);
  check_heartbeats(options, report);
  check_event_names(options, report);
  check_cors(options, report);
  check_hosts(options, report);
  check_fronts(options, report);
  check_rates(options, report);
  check_subscribe(options, report);
  check_token(options, report);
  check_publish(options, report);
  check_access_log(options, report);
  check_journal(options, report);
  check_channel_rules(options, report);
  check_routes(options, report);
  check_hooks(options, report);
}

std::vector<std::string> warnings(const Options& options) {
  std::vector<std::string> sentences;
  std::string cors = policy::cors_warning({options.cors.origins, options.cors.credentials});
  if (!cors.empty()) sentences.push_back(std::move(cors));
  if (!options.subscribe.events && options.routes.empty()) {
    sentences.emplace_back(
        "nothing can be subscribed to: [subscribe] events is false, and there is no [[route]]");
  }
  for (const RouteRule& route : options.routes) {
    const auto address = server::parse_upstream(route.upstream);
    if (!address || address->kind != server::UpstreamAddress::Kind::path) continue;
    if (std::error_code error; std::filesystem::is_socket(address->place, error)) continue;
    sentences.push_back(
        fmt::format("[[route]] path \"{}\" asks {}, and there is no socket of that name yet",
                    route.path, route.upstream));
  }
  const auto socket = std::ranges::find_if(options.listen.http, [](const auto& entry) {
    return server::socket_path(entry).has_value();
  });
  if (socket != options.listen.http.end() &&
      std::ranges::count(options.fronts.trusted, server::kUnixPrefix) == 0) {
    sentences.push_back(fmt::format(
        "[listen] http has {}, and [fronts] trusted does not have \"unix:\": the front there is "
        "not "
        "believed about its clients, so none of them has an address, and none is limited by it",
        *socket));
  }
  std::ranges::move(exposures(options), std::back_inserter(sentences));
  return sentences;
}

}  // namespace fanfare::config
