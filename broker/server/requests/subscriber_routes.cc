#include "broker/server/requests/subscriber_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/policy/hosts.h"
#include "broker/server/base/rules.h"
#include "broker/server/requests/browser_module.h"
#include "broker/wire/http/negotiation.h"
#include "broker/wire/http/query.h"

#include "common/counted.h"
#include "common/letters.h"
#include "common/pattern.h"
#include "common/quotable.h"

namespace fanfare::server {
namespace {

constexpr std::string_view kEventsPath = "/events";
constexpr std::string_view kPositionPath = "/position";
constexpr std::string_view kManyPatterns =
    "there are as many different patterns as [limits] patterns allows; name the channels "
    "themselves, "
    "or raise it";
constexpr std::string_view kHint =
    "Fanfare: event streams are at /events?channel=NAME (repeat channel= for more; NAME may be a "
    "pattern like metrics/* or orders/**)\n";

constexpr std::string_view kClosedHint = "Fanfare: there is no event stream at this path\n";

void write_text(int status, std::string_view text, std::span<const http::Field> further,
                Response& response) {
  response.status = status;
  response.fields.add("Content-Type", "text/plain; charset=utf-8");
  response.fields.add("Cache-Control", "no-store");
  response.fields.add("X-Content-Type-Options", "nosniff");
  response.fields.add(further);
  response.body = text;
}

}  // namespace

SubscriberRoutes::SubscriberRoutes(Parts parts)
    : parts_(std::move(parts)), authenticator_(parts_.settings, parts_.counters, parts_.tickets) {}

std::optional<std::size_t> SubscriberRoutes::body_allowed(const Request& /*request*/,
                                                          Response& /*response*/) {
  return parts_.settings->limits.body_bytes;
}

void SubscriberRoutes::refuse_body(const Request& request, BodyRefusal refusal,
                                   Response& response) {
  if (refusal == BodyRefusal::too_large) {
    answer_text(
        413,
        fmt::format("the body is longer than [limits] body_bytes allows ({} bytes); name fewer "
                    "channels, or patterns\n",
                    parts_.settings->limits.body_bytes),
        cors_fields(request), response);
  } else {
    answer_text(503,
                "too many request bodies are being received at once ([limits] bodies_bytes); try "
                "again, or name the channels in the query\n",
                cors_fields(request), response);
  }
}

void SubscriberRoutes::refuse(const Request& request, const Refused& why, Response& response) {
  if (why.status == 504 && too_slow(request, response)) return;
  std::string text(why.sentence);
  if (why.limit != http::Limit::none) text += "; POST /events takes the channels in its body";
  write_text(why.status, text + '\n', cors_fields(request), response);
}

std::vector<http::Field> SubscriberRoutes::cors_fields(const Request& request) {
  const std::string_view origin = request.head.value("origin");
  const policy::CorsAnswer answer =
      request.head.method == http::Method::options
          ? policy::cors_preflight(parts_.settings.cors(), origin, preflight_of(request.head))
          : policy::cors_answer(parts_.settings.cors(), origin);
  if (answer.verdict == policy::CorsVerdict::refused) log_refused_origin(request.head, origin);
  std::vector<http::Field> fields;
  for (const auto& [name, value] : answer.fields.all()) fields.push_back({name, value});
  return fields;
}

policy::Preflight SubscriberRoutes::preflight_of(const http::RequestHead& head) {
  constexpr std::string_view kHeaders = "access-control-request-headers";
  std::string asked;
  for (const http::Field* f = head.find(kHeaders); f != nullptr; f = head.find(kHeaders, f)) {
    if (!asked.empty()) asked += ", ";
    asked += f->value;
  }
  granted_headers_ = policy::granted_headers(asked);
  return {.method = head.value("access-control-request-method"),
          .headers = granted_headers_,
          .private_network = head.value("access-control-request-private-network") == "true"};
}

// A browser also names the origin when a page POSTs to its own, which needs no permission.
void SubscriberRoutes::log_refused_origin(const http::RequestHead& head, std::string_view origin) {
  const std::size_t scheme_end = origin.find("://");
  const bool own = scheme_end != std::string_view::npos &&
                   same_ignoring_case(origin.substr(scheme_end + 3), head.authority);
  if (own) return;
  if (const auto left_out = refused_origin_log_.admit(now_); left_out >= 0) {
    log::warn("{}{}", policy::refused_origin_sentence(parts_.settings.cors(), origin),
              log::left_out_note(left_out));
  }
}

void SubscriberRoutes::answer_text(int status, std::string_view text,
                                   std::span<const http::Field> further, Response& response) {
  if (status >= 400) ++parts_.counters.requests_refused_total;
  write_text(status, text, further, response);
}

void SubscriberRoutes::answer(const Request& request, Response& response) {
  using enum http::Method;
  if (request.head.path == kModulePath && parts_.settings->subscribe.module) {
    answer_browser_module(request.head, response);
    if (response.status >= 400) ++parts_.counters.requests_refused_total;
    return;
  }
  std::vector<http::Field> cors = cors_fields(request);
  if (request.head.method == options) {
    response.status = 204;
    response.fields.add(cors);
    response.fields.add("Allow", "GET, HEAD, POST, OPTIONS");
    return;
  }
  const auto& hosts = parts_.settings->listen.hosts;
  if (!hosts.empty() && !policy::host_allowed(request.head.authority, hosts)) {
    return answer_text(421, policy::refused_host_sentence(request.head.authority, "hosts") + '\n',
                       cors, response);
  }
  const RouteRule* const route = route_of(request.head);
  const bool configured = route != nullptr;
  const bool open = parts_.settings->subscribe.events;
  const bool position = !configured && request.head.path == kPositionPath;
  if (request.head.path != kEventsPath && !configured && !position) {
    return answer_text(404, open ? kHint : kClosedHint, cors, response);
  }
  if (!configured && !open) {
    return answer_text(
        403,
        fmt::format("{} is closed here ([subscribe] events = false); the streams of this broker "
                    "have paths of their own\n",
                    request.head.path),
        cors, response);
  }
  if (position) return answer_position(request, std::move(cors), response);
  if (request.head.method != get && request.head.method != head && request.head.method != post) {
    cors.push_back({"Allow", "GET, HEAD, POST, OPTIONS"});
    return answer_text(405, "an event stream is opened with GET or POST\n", cors, response);
  }
  if (configured && !route->upstream.empty()) return ask(request, *route, cors, response);
  subscribe(request, route, cors, response);
}

const RouteRule* SubscriberRoutes::route_of(const http::RequestHead& head) const {
  const auto& routes = parts_.settings->routes;
  const auto route = std::ranges::find_if(
      routes, [&head](const RouteRule& rule) { return rule.path == head.path; });
  return route == routes.end() ? nullptr : &*route;
}

void SubscriberRoutes::subscribe(const Request& request, const RouteRule* route,
                                 std::span<const http::Field> cors, Response& response) {
  const bool fixed = route != nullptr && !route->channels.empty();
  const TokenNeed need = token_need(parts_.settings.options(), route);
  const auto grants = authenticator_.ask_or_use_ticket(request.head, need);
  if (!grants) return refuse_token(grants.error(), cors, response);
  auto asked = sse::parse_subscribe_request(request.head, request.body,
                                            fixed ? sse::BodyOf::page : sse::BodyOf::request);
  // nginx makes a GET of a POST, with its body, for X-Accel-Redirect. It is refused only where the
  // query names no channel, and the body may have been meant to.
  if (!asked && request.head.method == http::Method::get) {
    auto named = sse::parse_subscribe_request(request.head, request.body, sse::BodyOf::page);
    if (named && !named->topics.empty()) asked = std::move(named);
  }
  std::string problem;
  if (!asked) {
    problem = asked.error();
  } else {
    if (fixed) asked->topics = route->channels;
    problem = topics_problem(asked->topics);
  }
  if (!problem.empty()) return answer_text(400, problem + "\n", cors, response);
  if (!fixed) problem = not_open(asked->topics);
  if (!problem.empty()) return answer_text(403, problem + "\n", cors, response);
  if (need == TokenNeed::required && !granted(**grants, asked->topics, cors, response)) return;
  Streams::Terms terms = terms_of(route, *asked, cors);
  const std::string query = shown_query(request);
  terms.query = query;
  if (*grants != nullptr) terms.expires = (*grants)->expires;
  begin(request, *asked, terms, response);
}

// The id of now: for a page that reads it, then its database, then opens a stream from there. It
// tells how much is published, and is kept from those who may not subscribe. A ticket opens one
// stream, and would be used up.
void SubscriberRoutes::answer_position(const Request& request, std::vector<http::Field> cors,
                                       Response& response) {
  using enum http::Method;
  if (request.head.method != get && request.head.method != head) {
    cors.push_back({"Allow", "GET, HEAD, OPTIONS"});
    return answer_text(405, "the position is read with GET\n", cors, response);
  }
  const TokenNeed need = token_need(parts_.settings.options(), nullptr);
  if (const auto grants = authenticator_.ask(request.head, need); !grants) {
    return refuse_token(grants.error(), cors, response);
  }
  ++parts_.counters.positions_total;
  const std::string id = parts_.streams.position();
  const bool json = http::accepts_by_name(request.head, "application/json");
  response.fields.add("Content-Type", json ? "application/json" : "text/plain; charset=utf-8");
  response.fields.add("Cache-Control", "no-store");
  response.fields.add("X-Content-Type-Options", "nosniff");
  response.fields.add("Last-Event-ID", id);
  response.fields.add(cors);
  response.body = json ? fmt::format("{{\"position\":\"{}\"}}\n", id) : id + '\n';
}

// As publishers that watch are shown it: they are others than those who know the token.
std::string SubscriberRoutes::shown_query(const Request& request) const {
  const TokenOptions& token = parts_.settings->token;
  const TokenNeed need = token_need(parts_.settings.options(), route_of(request.head));
  if (need == TokenNeed::none && !token.in_use()) return std::string(request.head.query);
  return http::query_without(request.head.query, {token.query, kTicketParameter});
}

Streams::Terms SubscriberRoutes::terms_of(const RouteRule* route,
                                          const sse::SubscribeRequest& asked,
                                          std::span<const http::Field> further) const {
  Streams::Terms terms{.options = parts_.settings.options(),
                       .fields = further,
                       .announce = parts_.settings->delivery.announce_position,
                       .heartbeat = {}};
  if (route != nullptr) {
    terms.announce = route->announce_position.value_or(terms.announce);
    terms.heartbeat = route->heartbeat;
  }
  terms.announce = asked.announce_position.value_or(terms.announce);
  return terms;
}

void SubscriberRoutes::begin(const Request& request, const sse::SubscribeRequest& asked,
                             const Streams::Terms& terms, Response& response) {
  if (request.head.method == http::Method::head) {
    return parts_.streams.open(request, asked, terms, response);
  }
  if (!parts_.streams.admit_patterns(asked.topics, parts_.settings->limits.patterns)) {
    ++parts_.counters.patterns_refused_total;
    if (const auto left_out = patterns_log_.admit(now_); left_out >= 0) {
      log::warn("a stream was told to come back later: {}{}", kManyPatterns,
                log::left_out_note(left_out));
    }
    return parts_.streams.overload(request, asked, terms, kManyPatterns, response);
  }
  if (!parts_.seats.take()) return parts_.streams.overload(request, asked, terms, {}, response);
  parts_.streams.open(request, asked, terms, response);
  if (response.kind != Response::Kind::stream) parts_.seats.give_back();  // nothing follows: 204
}

void SubscriberRoutes::refuse_token(const TokenRefusal& refusal, std::span<const http::Field> cors,
                                    Response& response) {
  if (refusal.status == 401) {
    response.fields.add("WWW-Authenticate",
                        refusal.presented ? bearer_challenge("invalid_token", refusal.sentence)
                                          : bearer_challenge({}));
  }
  answer_text(refusal.status, refusal.sentence + '\n', cors, response);
}

// False: `response` says which topic is not.
bool SubscriberRoutes::granted(const policy::Grants& grants, const std::vector<std::string>& topics,
                               std::span<const http::Field> cors, Response& response) {
  const auto beyond = std::ranges::find_if(
      topics, [&grants](const std::string& topic) { return !policy::covers(grants, topic); });
  if (beyond == topics.end()) return true;
  ++parts_.counters.tokens_too_narrow_total;
  response.fields.add("WWW-Authenticate", bearer_challenge("insufficient_scope"));
  answer_text(403, fmt::format("the token does not grant the channel \"{}\"\n", quotable(*beyond)),
              cors, response);
  return false;
}

// This stops an EventSource for good, as it should: coming back would not help.
std::string SubscriberRoutes::not_open(const std::vector<std::string>& topics) const {
  const auto& allowed = parts_.settings->subscribe.allow;
  for (const std::string& topic : topics) {
    const bool covered = std::ranges::any_of(
        allowed, [&topic](const std::string& entry) { return pattern_covers(entry, topic); });
    if (covered) continue;
    return fmt::format(
        "channel \"{}\" may not be subscribed to here: no entry of [subscribe] allow "
        "in broker.toml covers it",
        quotable(topic));
  }
  return {};
}

std::string SubscriberRoutes::topics_problem(const std::vector<std::string>& topics) const {
  if (topics.empty()) {
    return "no channel is named; write /events?channel=NAME, and repeat channel= for more, or POST "
           R"({"channels": ["NAME"]} as application/json)";
  }
  const std::size_t most = parts_.settings->limits.channels_per_subscription;
  if (topics.size() > most) {
    return fmt::format(
        "{} in one stream; [limits] channels_per_subscription allows {}: use a pattern, "
        "or a second stream",
        counted(topics.size(), "channel"), most);
  }
  const auto patterns = static_cast<std::size_t>(std::ranges::count_if(topics, is_pattern));
  const std::size_t patterns_most = parts_.settings->limits.patterns_per_subscription;
  if (patterns > patterns_most) {
    ++parts_.counters.patterns_refused_total;
    return fmt::format(
        "{} in one stream; [limits] patterns_per_subscription allows {}: use one pattern "
        "for several, name the channels themselves, or open a second stream",
        counted(patterns, "pattern"), patterns_most);
  }
  for (const std::string& topic : topics) {
    if (const std::string problem = channel_pattern_problem(topic); !problem.empty()) {
      return fmt::format("channel \"{}\": {}", quotable(topic), problem);
    }
    if (is_own_channel(topic)) {
      return fmt::format(
          "channel \"{}\" is reserved for the broker; names that begin with ~ are not open",
          quotable(topic));
    }
  }
  return {};
}

}  // namespace fanfare::server
