#include "broker/server/requests/admin_routes.h"

#include <string>
#include <utility>

#include "broker/policy/hosts.h"
#include "broker/wire/http/negotiation.h"

namespace fanfare::server {
namespace {

void answer_text(int status, std::string text, Response& response) {
  response.status = status;
  response.fields.add("Content-Type", "text/plain; charset=utf-8");
  response.fields.add("Allow", "GET, HEAD");
  response.body = std::move(text);
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
  if (request.head.method != get && request.head.method != head) {
    return answer_text(405, "the admin listener answers GET and HEAD\n", response);
  }
  if (request.head.path != "/events") return answer_page(request, response);
  auto asked = sse::parse_subscribe_request(request.head, {});
  if (!asked) return answer_text(400, asked.error() + "\n", response);
  asked->topics = {std::string(kAdminChannel)};
  streams_.open(request, *asked,
                {.options = settings_.options(),
                 .fields = {},
                 .announce = settings_->delivery.announce_position,
                 .heartbeat = {},
                 .subscriber = false},
                response);
}

void AdminRoutes::answer_page(const Request& request, Response& response) {
  AdminAnswer answer = surface_.answer(request.head.path, snapshot_());
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
