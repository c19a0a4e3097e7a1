// SubscriberRoutes, the part about routes that ask an application: what it is asked, and what its
// answer means.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/server/base/unguessable.h"
#include "broker/server/requests/subscriber_routes.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/upstream/forward.h"
#include "broker/wire/http/negotiation.h"

#include "common/letters.h"
#include "common/units.h"

namespace fanfare::server {
namespace {

constexpr std::string_view kAllowOrigin = "access-control-allow-origin";
constexpr std::string_view kNotNow = "the application does not answer; come back later";

// What the application says about other origins goes before what the broker would say: both
// together a browser refuses.
bool is_cors(std::string_view name) {
  constexpr std::string_view kPrefix = "access-control-";
  return same_ignoring_case(name.substr(0, kPrefix.size()), kPrefix) ||
         same_ignoring_case(name, "vary");
}

bool is_ours(std::string_view name) {
  constexpr std::string_view kPrefix = "fanfare-";
  return same_ignoring_case(name.substr(0, kPrefix.size()), kPrefix);
}

std::vector<http::Field> fields_of(const UpstreamAnswer& answer) {
  std::vector<http::Field> fields;
  fields.reserve(answer.fields.size());
  for (std::size_t i = 0; i < answer.fields.size(); ++i) fields.push_back(answer.fields[i]);
  return fields;
}

std::uint64_t& total_of(UpstreamFailure failure, Counters& counters) {
  switch (failure) {
    case UpstreamFailure::down:
      return counters.upstream_down_total;
    case UpstreamFailure::cut:
      return counters.upstream_cut_total;
    case UpstreamFailure::too_large:
      return counters.upstream_too_large_total;
    case UpstreamFailure::none:
    case UpstreamFailure::nonsense:
      break;
  }
  return counters.upstream_nonsense_total;
}

// An EventSource dies of any other answer, and would not ask again.
bool wants_stream(const http::RequestHead& head) {
  return http::accepts_by_name(head, "text/event-stream");
}

}  // namespace

void SubscriberRoutes::given_up(ExchangeId exchange) {
  parts_.applications.forget(exchange);
  parts_.polls.forget(exchange);
}

bool SubscriberRoutes::time_is_up(const Request& request, Response& response) {
  return parts_.polls.time_is_up(request, response);
}

void SubscriberRoutes::ask(const Request& request, const Route& route,
                           std::span<const http::Field> cors, Response& response) {
  const auto grants = authenticator_.ask(request.head, need_on(&route));
  if (!grants) return refuse_token(grants.error(), cors, response);
  if (!admit_bearer(*grants, request, response)) return;
  auto asked = understand(request, &route);
  if (!asked) return answer_text(400, asked.error() + '\n', cors, response);
  if (route.rule->ask == Ask::newcomers && !asked->cursor.empty()) {
    if (auto approval = parts_.approvals.find(identity_of(request), now_)) {
      ++parts_.counters.upstream_resumed_total;
      return attach(request, route, *asked, *approval, cors, response);
    }
  }
  if (!asked->poll && !parts_.seats.free()) {
    return parts_.streams.overload(request, *asked, terms_of(&route, *asked, cors), {}, response);
  }
  using enum http::Method;
  Question question{.exchange = request.exchange,
                    .text = {},
                    .idempotent = request.head.method != post,
                    .to_head = request.head.method == head};
  append_forwarded(question.text, request,
                   request.peer == nullptr ? std::string() : request.peer->host(),
                   unguessable_name());
  parts_.applications.ask(route.rule->upstream, std::move(question));
  response.kind = Response::Kind::later;
  response.patience = parts_.settings->limits.upstream_time;
}

void SubscriberRoutes::answered(const Request& request, UpstreamAnswer& answer,
                                Response& response) {
  const std::vector<http::Field> cors = cors_fields(request);
  client_ = client_of(request, parts_.settings);
  const Route* const route = route_of(request.head);
  if (route == nullptr || !route->asks()) {  // a reload has changed it meanwhile
    return answer_text(404, "there is no event stream at this path any more\n", cors, response);
  }
  if (answer.failure != UpstreamFailure::none) {
    ++total_of(answer.failure, parts_.counters);
    log_upstream(*route, answer.why);
    if (tell_to_come_back(request, response)) return;
    return answer_text(502, fmt::format("the application {}\n", answer.why), cors, response);
  }
  const std::vector<http::Field> fields = fields_of(answer);
  const bool success = answer.status / 100 == 2;
  if (success && http::find_field(fields, sse::kChannelsField) != nullptr) {
    return attached(request, *route, fields, cors, response);
  }
  ++parts_.counters.upstream_passed_total;
  response.status = answer.status;
  for (const http::Field& field : fields) {
    if (!is_ours(field.name)) response.fields.add(field.name, field.value);
  }
  if (http::find_field(fields, kAllowOrigin) == nullptr) response.fields.add(cors);
  response.body = std::move(answer.body);
  response.of_another = request.head.method == http::Method::head;
  response.size = answer.size;
}

// The application lets the client in.
void SubscriberRoutes::attached(const Request& request, const Route& route,
                                std::span<const http::Field> fields,
                                std::span<const http::Field> cors, Response& response) {
  const auto attachment = sse::parse_attachment(fields);
  std::string problem = attachment ? topics_problem(attachment->channels) : attachment.error();
  auto asked = understand(request, &route);
  if (!asked) problem = asked.error();  // it was understood when the application was asked
  if (!problem.empty()) {
    ++parts_.counters.upstream_nonsense_total;
    log_upstream(route, fmt::format("attached a request wrongly: {}", problem));
    return answer_text(502, "the application attached this request to no valid channel\n", cors,
                       response);
  }
  std::vector<http::Field> further;
  const bool own_cors = http::find_field(fields, kAllowOrigin) != nullptr;
  for (const http::Field& field : fields) {
    if (same_ignoring_case(field.name, "set-cookie") || (own_cors && is_cors(field.name))) {
      further.push_back(field);
    }
  }
  if (!own_cors) further.insert(further.end(), cors.begin(), cors.end());
  if (attachment->replay) {
    asked->replay = attachment->replay;
    asked->earliest = false;
    asked->since.reset();
  }
  Approval approval;
  approval.channels = attachment->channels;
  approval.heartbeat = attachment->heartbeat;
  if (attachment->expires) approval.ends = now_ + *attachment->expires;
  if (attachment->finish_after &&
      (!approval.ends || now_ + *attachment->finish_after < *approval.ends)) {
    approval.ends = now_ + *attachment->finish_after;
    approval.ends_complete = true;
  }
  ++parts_.counters.upstream_attached_total;
  attach(request, route, *asked, approval, further, response);
  const bool begun = response.kind == Response::Kind::stream || asked->poll;
  if (route.rule->ask != Ask::newcomers || !begun || response.status >= 300) return;
  const LimitOptions& limits = parts_.settings->limits;
  parts_.approvals.remember(identity_of(request), approval, now_ + limits.approval_age,
                            limits.approval_bytes);
}

void SubscriberRoutes::attach(const Request& request, const Route& route,
                              sse::SubscribeRequest& asked, const Approval& approval,
                              std::span<const http::Field> further, Response& response) {
  // A token that the route needs says until when. The channels are for the application to say.
  const auto grants = authenticator_.ask(request.head, need_on(&route));
  if (!grants) return refuse_token(grants.error(), further, response);
  bearer_ = *grants == nullptr ? std::nullopt : (*grants)->bearer;
  asked.topics = approval.channels;
  Streams::Terms terms = terms_of(&route, asked, further);
  const std::string query = shown_query(request);
  terms.query = query;
  if (*grants != nullptr) {
    terms.expires = (*grants)->expires;
    terms.subject = (*grants)->subject;
  }
  if (approval.heartbeat) terms.heartbeat = approval.heartbeat;
  begin(request, asked, terms, response);
  if (response.kind != Response::Kind::stream) return;
  response.stream.ends = approval.ends;
  response.stream.ends_complete = approval.ends_complete;
}

// No usable answer. True: the client, which opens a stream, is told to come back.
bool SubscriberRoutes::tell_to_come_back(const Request& request, Response& response) {
  const Route* const route = route_of(request.head);
  const auto asked = understand(request, route);
  if (!asked || !wants_stream(request.head)) return false;
  const std::vector<http::Field> cors = cors_fields(request);
  parts_.streams.overload(request, *asked, terms_of(route, *asked, cors), kNotNow, response);
  return true;
}

// Its transport has waited for as long as it was told to; no one but an application is waited for.
bool SubscriberRoutes::too_slow(const Request& request, Response& response) {
  ++parts_.counters.upstream_slow_total;
  if (const Route* const route = route_of(request.head)) {
    log_upstream(*route, "did not answer within [limits] upstream_time");
  }
  return tell_to_come_back(request, response);
}

void SubscriberRoutes::log_upstream(const Route& route, std::string_view what) {
  if (const auto left_out = upstream_log_.admit(now_); left_out >= 0) {
    log::warn("{}: the application {} {}{}", route.rule->path, route.rule->upstream, what,
              log::left_out_note(left_out));
  }
}

}  // namespace fanfare::server
