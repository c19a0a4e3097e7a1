#include "broker/server/requests/subscriber_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/policy/event_rules.h"
#include "broker/policy/hosts.h"
#include "broker/server/base/rules.h"
#include "broker/server/base/unguessable.h"
#include "broker/server/requests/bearer.h"
#include "broker/server/requests/browser_module.h"
#include "broker/server/requests/selftest.h"
#include "broker/wire/http/negotiation.h"
#include "broker/wire/http/query.h"

#include "common/counted.h"
#include "common/letters.h"
#include "common/pattern.h"
#include "common/quotable.h"

namespace fanfare::server {
namespace {

constexpr std::string_view kConnectionField = "Fanfare-Connection";
constexpr std::string_view kAllMethods = "GET, HEAD, POST, OPTIONS";
constexpr std::string_view kManyPatterns =
    "there are as many different patterns as [limits] patterns allows; name the channels "
    "themselves, "
    "or raise it";
constexpr std::string_view kManyHeartbeats =
    "there are as many different names of heartbeats as [limits] heartbeat_events allows; choose "
    "one that others use, or raise it";
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

bool is_one_of_ours(http::Method method) {
  using enum http::Method;
  return method == get || method == head || method == post;
}

// The methods in a list of them that bring a stream.
std::string_view opens(std::string_view allow) {
  const bool get = allow.starts_with("GET");
  const bool post = allow.find("POST") != std::string_view::npos;
  return get && post ? "GET or POST" : get ? "GET" : "POST";
}

// Pages of other origins may read it where they may read anything.
void tell_connection(std::string_view name, std::vector<http::Field>& fields) {
  const bool exposed = http::find_field(fields, "access-control-expose-headers") != nullptr;
  fields.push_back({kConnectionField, name});
  if (exposed) fields.push_back({"Access-Control-Expose-Headers", kConnectionField});
}

}  // namespace

SubscriberRoutes::SubscriberRoutes(const Parts& parts)
    : parts_(parts), authenticator_(parts_.settings, parts_.counters, parts_.tickets) {}

// A token that is needed is looked at before the body is read; a ticket, which is used up by that,
// when the request is complete.
std::optional<std::size_t> SubscriberRoutes::body_allowed(const Request& request,
                                                          Response& response) {
  const std::size_t allowed = parts_.settings->limits.body_bytes;
  if (request.head.method != http::Method::post) return allowed;
  const Route* const route = route_of(request.head);
  const bool served = route != nullptr || request.head.path == kEventsPath;
  if (!served || need_on(route) != TokenNeed::required) return allowed;
  const http::Query query(request.head.query);
  if (query.last_of({kTicketParameter})) return allowed;
  const auto grants = authenticator_.ask(request.head, TokenNeed::required);
  if (grants) return allowed;
  refuse_token(grants.error(), cors_fields(request), response);
  return std::nullopt;
}

void SubscriberRoutes::refuse_body(const Request& request, BodyRefusal refusal,
                                   Response& response) {
  // Elsewhere the body is the page's own, and has nothing to do with channels.
  const Route* const route = route_of(request.head);
  const bool of_channels = route == nullptr || route->scope.body == sse::BodyOf::request;
  if (refusal == BodyRefusal::too_large) {
    answer_text(413,
                fmt::format("the body is longer than [limits] body_bytes allows ({} bytes){}\n",
                            parts_.settings->limits.body_bytes,
                            of_channels ? "; name fewer channels, or patterns" : ""),
                cors_fields(request), response);
  } else {
    answer_text(503,
                fmt::format("too many request bodies are being received at once ([limits] "
                            "bodies_bytes); try again{}\n",
                            of_channels ? ", or name the channels in the query" : ""),
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
  const RoutePath* const path = parts_.settings.routes().find(head.path).path;
  return {.method = head.value("access-control-request-method"),
          .headers = granted_headers_,
          .private_network = head.value("access-control-request-private-network") == "true",
          .methods = path == nullptr ? std::string_view() : path->allow};
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
  if (!admit_client(request, response)) return;
  if (request.head.path == kModulePath && parts_.settings->subscribe.module) {
    answer_browser_module(request.head, response);
    if (response.status >= 400) ++parts_.counters.requests_refused_total;
    return;
  }
  std::vector<http::Field> cors = cors_fields(request);
  const bool events = request.head.path == kEventsPath;
  const RouteTable::Found found = parts_.settings.routes().find(request.head.path);
  const std::string_view allow = found.path != nullptr ? found.path->allow : kAllMethods;
  if (request.head.method == options) {
    response.status = 204;
    response.fields.add(cors);
    response.fields.add("Allow", allow);
    return;
  }
  const auto& hosts = parts_.settings->listen.hosts;
  if (!hosts.empty() && !policy::host_allowed(request.head.authority, hosts)) {
    return answer_text(421, policy::refused_host_sentence(request.head.authority, "hosts") + '\n',
                       cors, response);
  }
  if (parts_.settings->subscribe.selftest != Selftest::off && is_selftest(request.head.path)) {
    return selftest(request, response);
  }
  const bool open = parts_.settings->subscribe.events;
  const bool position = request.head.path == kPositionPath;
  if (!events && !position && found.path == nullptr) {
    return answer_text(404, open ? kHint : kClosedHint, cors, response);
  }
  if (events && !open) {
    return answer_text(
        403,
        "/events is closed here ([subscribe] events = false); the streams of this broker have "
        "paths of their own\n",
        cors, response);
  }
  if (position) return answer_position(request, std::move(cors), response);
  const Route* const route = events ? nullptr : found.path->with(request.head.method);
  const bool taken = events ? is_one_of_ours(request.head.method) : route != nullptr;
  if (!taken) {
    cors.push_back({"Allow", allow});
    return answer_text(405, fmt::format("an event stream is opened with {}\n", opens(allow)), cors,
                       response);
  }
  if (route != nullptr && route->asks()) return ask(request, *route, cors, response);
  subscribe(request, route, found.values, cors, response);
}

const Route* SubscriberRoutes::route_of(const http::RequestHead& head) const {
  const RoutePath* const path = parts_.settings.routes().find(head.path).path;
  return path == nullptr ? nullptr : path->with(head.method);
}

std::expected<sse::SubscribeRequest, sse::SubscribeProblem> SubscriberRoutes::understand(
    const Request& request, const Route* route) const {
  const sse::Scope scope = route == nullptr ? sse::Scope{} : route->scope;
  auto asked = sse::parse_subscribe_request(request.head, request.body, scope);
  // nginx makes a GET of a POST, with its body, for X-Accel-Redirect. It is refused only where the
  // query names no channel, and the body may have been meant to.
  if (!asked && request.head.method == http::Method::get && scope.body == sse::BodyOf::request) {
    sse::Scope query = scope;
    query.body = sse::BodyOf::page;
    auto named = sse::parse_subscribe_request(request.head, request.body, query);
    if (named && !named->topics.empty()) asked = std::move(named);
  }
  if (asked) {
    if (std::string problem = heartbeat_problem(*asked); !problem.empty()) {
      return std::unexpected(std::move(problem));
    }
  }
  if (!asked || route == nullptr) return asked;
  if (!asked->earliest && !asked->replay && !asked->since) asked->replay = route->rule->replay;
  return asked;
}

void SubscriberRoutes::subscribe(const Request& request, const Route* route,
                                 std::span<const std::string_view> values,
                                 std::span<const http::Field> cors, Response& response) {
  const bool fixed = route != nullptr && route->has_channels();
  const TokenNeed need = need_on(route);
  const auto grants = authenticator_.ask_or_use_ticket(request.head, need);
  if (!grants) return refuse_token(grants.error(), cors, response);
  if (!admit_bearer(*grants, request, response)) return;
  auto asked = understand(request, route);
  if (!asked) return answer_text(400, asked.error() + '\n', cors, response);
  std::vector<http::Field> further(cors.begin(), cors.end());
  std::string connection;
  if (fixed) {
    if (route->names_connection) {
      connection = unguessable_name();
      tell_connection(connection, further);
    }
    auto channels = channels_of(*route, values, request.head, *grants, connection);
    if (!channels) return refuse_value(channels.error(), cors, response);
    asked->topics = *std::move(channels);
  }
  std::string problem = topics_problem(asked->topics);
  if (!problem.empty()) return answer_text(400, problem + "\n", cors, response);
  if (!fixed) problem = not_open(asked->topics);
  if (!problem.empty()) return answer_text(403, problem + "\n", cors, response);
  if (need == TokenNeed::required && !granted(**grants, asked->topics, cors, response)) return;
  Streams::Terms terms = terms_of(route, *asked, further);
  const std::string query = shown_query(request);
  terms.query = query;
  if (*grants == nullptr) return begin(request, *asked, terms, response);
  terms.expires = (*grants)->expires;
  terms.subject = (*grants)->subject;
  const Duration life = (*grants)->stream_life;
  begin(request, *asked, terms, response);
  if (life > Duration(0)) response.stream.ends = now_ + life;
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
  const auto grants = authenticator_.ask(request.head, need_on(nullptr));
  if (!grants) return refuse_token(grants.error(), cors, response);
  if (!admit_bearer(*grants, request, response)) return;
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
  const bool pages_own = need_on(route_of(request.head)) == TokenNeed::none &&
                         !takes_tickets(parts_.settings.options());
  if (pages_own) return std::string(request.head.query);
  return http::query_without(request.head.query, {token.query, kTicketParameter});
}

TokenNeed SubscriberRoutes::need_on(const Route* route) const {
  return token_need(parts_.settings.options(), route == nullptr ? nullptr : route->rule);
}

Streams::Terms SubscriberRoutes::terms_of(const Route* route, const sse::SubscribeRequest& asked,
                                          std::span<const http::Field> further) const {
  Streams::Terms terms{.options = parts_.settings.options(),
                       .fields = further,
                       .announce = parts_.settings->delivery.announce_position,
                       .heartbeat = {},
                       .heartbeat_event = parts_.settings->delivery.heartbeat_event,
                       .life = parts_.settings->delivery.stream_life};
  if (route != nullptr) {
    terms.life = route->rule->stream_life.value_or(terms.life);
    terms.announce = route->rule->announce_position.value_or(terms.announce);
    terms.heartbeat = route->rule->heartbeat;
    terms.retry = route->rule->retry;
    if (route->rule->heartbeat_event) terms.heartbeat_event = *route->rule->heartbeat_event;
  }
  if (asked.heartbeat_event) terms.heartbeat_event = *asked.heartbeat_event;
  terms.announce = asked.announce_position.value_or(terms.announce);
  return terms;
}

void SubscriberRoutes::come_back_later(const Request& request, const sse::SubscribeRequest& asked,
                                       const Streams::Terms& terms, std::string_view why,
                                       log::Limit& limit, Response& response) {
  if (const auto left_out = limit.admit(now_); left_out >= 0) {
    log::warn("a stream was told to come back later: {}{}", why, log::left_out_note(left_out));
  }
  parts_.streams.overload(request, asked, terms, why, response);
}

void SubscriberRoutes::begin(const Request& request, const sse::SubscribeRequest& asked,
                             const Streams::Terms& terms, Response& response) {
  if (asked.poll) return parts_.polls.open(request, asked, terms, response);
  if (request.head.method == http::Method::head) {
    return parts_.streams.open(request, asked, terms, response);
  }
  // The configuration's names have room of their own.
  const bool own_name = asked.heartbeat_event && asked.format != sse::Format::raw;
  if (own_name && !parts_.streams.heartbeat_fits(*asked.heartbeat_event,
                                                 parts_.settings->limits.heartbeat_events)) {
    ++parts_.counters.heartbeat_events_refused_total;
    return come_back_later(request, asked, terms, kManyHeartbeats, heartbeats_log_, response);
  }
  if (!parts_.streams.admit_patterns(asked.topics, parts_.settings->limits.patterns)) {
    ++parts_.counters.patterns_refused_total;
    return come_back_later(request, asked, terms, kManyPatterns, patterns_log_, response);
  }
  const auto shares = take_room(request, asked, terms, response);
  if (!shares) return;
  parts_.streams.open(request, asked, terms, response);
  if (response.kind != Response::Kind::stream) return give_back(*shares);  // nothing follows: 204
  response.stream.shares = *shares;
  if (request.peer != nullptr && client_.address != *request.peer) {
    response.stream.carried_for = client_.address;
  }
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

void SubscriberRoutes::refuse_value(const ValueRefusal& refusal, std::span<const http::Field> cors,
                                    Response& response) {
  if (refusal.status == 403) {
    ++parts_.counters.tokens_too_narrow_total;
    response.fields.add("WWW-Authenticate", bearer_challenge("insufficient_scope"));
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

// A name that a client gives its heartbeats has to be one that a publisher could give an event.
std::string SubscriberRoutes::heartbeat_problem(const sse::SubscribeRequest& asked) const {
  if (!asked.heartbeat_event) return {};
  const auto problem = policy::type_problem(*asked.heartbeat_event, parts_.settings.events());
  return problem ? fmt::format("heartbeat_event: {}", problem->sentence) : std::string();
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
