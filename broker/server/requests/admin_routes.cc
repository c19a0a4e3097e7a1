#include "broker/server/requests/admin_routes.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "broker/policy/hosts.h"
#include "broker/server/base/rules.h"
#include "broker/server/requests/bearer.h"
#include "broker/server/requests/listing_query.h"
#include "broker/server/requests/operator_gate.h"
#include "broker/wire/http/negotiation.h"
#include "broker/wire/http/query.h"

#include "common/json_text.h"
#include "common/pattern.h"
#include "common/quotable.h"

namespace fanfare::server {
namespace {

constexpr std::string_view kApi = "/api/";
constexpr std::string_view kApiWatch = "/api/watch";
constexpr std::string_view kConnections = "connections/";
constexpr std::string_view kClose = "/close";
constexpr std::string_view kJson = "application/json";

void answer_text(int status, std::string text, Response& response) {
  response.status = status;
  response.fields.add("Content-Type", "text/plain; charset=utf-8");
  response.fields.add("Allow", "GET, HEAD");
  response.body = std::move(text);
}

void answer_problem(int status, std::string_view problem, Response& response) {
  response.status = status;
  response.fields.add("Content-Type", kJson);
  response.body = "{\"error\":";
  append_json_string(response.body, problem);
  response.body += "}\n";
}

// "http://127.0.0.1:9180" for "127.0.0.1:9180".
bool is_of_this_site(std::string_view origin, std::string_view authority) {
  const std::size_t scheme = origin.find("://");
  return scheme != std::string_view::npos && origin.substr(scheme + 3) == authority;
}

std::expected<WalkOrder, std::string> one_connection(std::string_view text) {
  WalkOrder order;
  order.only = ConnectionName::parse(text);
  if (order.only) return order;
  return std::unexpected(
      fmt::format("\"{}\" is no id of a connection or a stream, which look like c0.17.3 and s1234",
                  quotable(text)));
}

}  // namespace

void AdminRoutes::refuse_body(const Request& /*request*/, BodyRefusal /*refusal*/,
                              Response& response) {
  answer_text(413, "requests to the admin listener have no body\n", response);
}

void AdminRoutes::refuse(const Request& /*request*/, const Refused& why, Response& response) {
  answer_text(why.status, std::string(why.sentence) + '\n', response);
}

// Pages of other sites cannot be kept out by CORS once their name resolves to this machine.
bool AdminRoutes::called_rightly(const Request& request) const {
  const ListenOptions& listen = settings_->listen;
  if (listen.admin_hosts.empty() && !policy::is_loopback(listen.admin)) return true;
  return policy::host_allowed(request.head.authority, listen.admin_hosts);
}

void AdminRoutes::answer(const Request& request, Response& response) {
  using enum http::Method;
  if (!called_rightly(request)) {
    return answer_text(
        421, policy::refused_host_sentence(request.head.authority, "admin_hosts") + '\n', response);
  }
  if (const auto refusal = refused_operator(request.head, settings_)) {
    ++counters_.admin_refused_total;
    answer_text(refusal->status, std::string(refusal->sentence) + '\n', response);
    if (refusal->status != 401) return;
    response.fields.add("WWW-Authenticate", bearer_challenge({}));
    response.fields.add("WWW-Authenticate", R"(Basic realm="fanfare admin", charset="UTF-8")");
    return;
  }
  const std::string_view path = request.head.path;
  if (path.starts_with(kApi) && request.head.method == post) {
    return change(request, path.substr(kApi.size()), response);
  }
  if (request.head.method != get && request.head.method != head) {
    return answer_text(
        405, "the admin listener answers GET and HEAD, and POST where /api changes something\n",
        response);
  }
  if (path == kApiWatch) return watch(request, response);
  if (path.starts_with(kApi)) return answer_api(request, path.substr(kApi.size()), response);
  if (path == "/events") {
    return answer_stream(request, {std::string(kAdminChannel)}, response);
  }
  answer_page(request, response);
}

// No topics: those that the request names.
void AdminRoutes::answer_stream(const Request& request, std::vector<std::string> topics,
                                Response& response) {
  auto asked = sse::parse_subscribe_request(request.head, {});
  if (!asked) return answer_problem(400, asked.error(), response);
  if (!topics.empty()) asked->topics = std::move(topics);
  if (asked->topics.empty()) return answer_problem(400, "which channel?", response);
  for (const std::string& topic : asked->topics) {
    const std::string problem = is_own_channel(topic) ? "" : channel_pattern_problem(topic);
    if (!problem.empty()) return answer_problem(400, problem, response);
  }
  streams_.open(request, *asked,
                {.options = settings_.options(),
                 .fields = {},
                 .announce = settings_->delivery.announce_position,
                 .heartbeat = {},
                 .subscriber = false},
                response);
}

// ---- what publishers and subscribers may do elsewhere, with rights of their own

// All users of this machine may look on, but events are not for everybody's eyes, and the ingest
// socket is not everybody's.
bool AdminRoutes::has_token(Response& response) const {
  if (settings_->admin_token) return true;
  answer_problem(403,
                 "events are read and published here with a token only: set [listen] "
                 "admin_token_file",
                 response);
  return false;
}

void AdminRoutes::watch(const Request& request, Response& response) {
  if (has_token(response)) answer_stream(request, {}, response);
}

// One event for a try; what is more belongs to the listeners for publishers.
void AdminRoutes::publish(const Request& request, Response& response) {
  if (!has_token(response)) return;
  ingest::Publish event;
  const http::Query query(request.head.query);
  for (const auto& [key, value] : query) {
    if (key == "channel") {
      event.channel = value;
    } else if (key == "event") {
      event.type = value;
    } else if (key == "data") {
      event.data = value;
    } else {
      return answer_problem(400,
                            fmt::format("unknown parameter \"{}\": the parameters are channel, "
                                        "event, data",
                                        quotable(key)),
                            response);
    }
  }
  const auto published = sink_.publish(event);
  if (!published) return answer_problem(400, published.error().message, response);
  response.fields.add("Content-Type", kJson);
  response.body =
      fmt::format("{{\"id\":\"{}\",\"receivers\":{}}}\n", published->id, published->receivers);
}

// ---- what the shards are asked

template <class Order>
void AdminRoutes::ask(const Request& request, std::expected<Order, std::string> order,
                      Response& response) {
  if (!order) return answer_problem(400, order.error(), response);
  listings_.ask(request.exchange, *std::move(order));
  response.kind = Response::Kind::later;
  response.patience = settings_->limits.presence_time;
}

void AdminRoutes::answer_api(const Request& request, std::string_view resource,
                             Response& response) {
  const std::string_view query = request.head.query;
  if (resource == "connections") return ask(request, parse_connection_query(query), response);
  if (resource == "channels") return ask(request, parse_channel_query(query), response);
  const bool closes = resource.starts_with(kConnections) && resource.ends_with(kClose);
  if (closes || resource == "close" || resource == "publish") {
    answer_problem(405, "what changes something is a POST", response);
    response.fields.add("Allow", "POST");
    return;
  }
  if (!resource.starts_with(kConnections)) {
    return answer_problem(404,
                          "there are /api/connections, /api/channels, /api/watch, and "
                          "/api/close and /api/publish to be posted to",
                          response);
  }
  ask(request, one_connection(resource.substr(kConnections.size())), response);
}

// A browser says where a POST comes from, and no page can make it say otherwise; programs say
// nothing.
void AdminRoutes::change(const Request& request, std::string_view resource, Response& response) {
  const http::Field* const origin = request.head.find("origin");
  if (origin != nullptr && !is_of_this_site(origin->value, request.head.authority)) {
    return answer_problem(403, "a page of another site may not change anything here", response);
  }
  if (resource == "publish") return publish(request, response);
  if (resource == "close") return ask(request, parse_close_query(request.head.query), response);
  if (!resource.starts_with(kConnections) || !resource.ends_with(kClose)) {
    return answer_problem(404,
                          "there are /api/close, /api/connections/ID/close and /api/publish to be "
                          "posted to",
                          response);
  }
  resource.remove_prefix(kConnections.size());
  resource.remove_suffix(kClose.size());
  auto order = one_connection(resource);
  if (order) {
    auto dismissal = parse_dismissal(request.head.query);
    if (!dismissal) return answer_problem(400, dismissal.error(), response);
    order->dismissal = *std::move(dismissal);
  }
  ask(request, std::move(order), response);
}

void AdminRoutes::answer(const Request& request, const ConnectionListing& listing,
                         Response& response) {
  if (listing.order.only && listing.total == 0) {
    return answer_problem(404, "there is no such connection or stream; it may have ended",
                          response);
  }
  if (listing.order.dismissal) {
    response.fields.add("Content-Type", kJson);
    response.body = fmt::format("{{\"closed\":{}}}\n", listing.total);
    return;
  }
  hand_over(request, surface_.list_connections(listing), response);
}

void AdminRoutes::answer(const Request& request, const ChannelListing& listing,
                         Response& response) {
  hand_over(request, surface_.list_channels(listing), response);
}

// ---- pages

void AdminRoutes::answer_page(const Request& request, Response& response) {
  hand_over(request, surface_.answer(request.head.path, snapshot_()), response);
}

void AdminRoutes::hand_over(const Request& request, AdminAnswer answer, Response& response) {
  response.status = answer.status;
  response.fields.add("Content-Type", answer.content_type);
  response.fields.add("X-Content-Type-Options", "nosniff");
  response.body = std::move(answer.body);
  response.fixed = answer.fixed;
  if (!answer.fixed_gzip.empty()) {
    response.fields.add("Vary", "Accept-Encoding");
    if (http::prefers_coding(request.head, "gzip")) {
      response.fields.add("Content-Encoding", "gzip");
      response.fixed = answer.fixed_gzip;
    }
  }
  for (const AdminField& field : answer.fields) response.fields.add(field.name, field.value);
}

}  // namespace fanfare::server
