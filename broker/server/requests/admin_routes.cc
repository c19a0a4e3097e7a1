#include "broker/server/requests/admin_routes.h"

#include <vector>

#include "broker/policy/hosts.h"
#include "broker/wire/http/negotiation.h"

namespace fanfare::server {
namespace {

void answer_text(const Request& request, int status, std::string_view text, std::string& out) {
  h1::append_response_head(out, status,
                           {{"Content-Type", "text/plain; charset=utf-8"}, {"Allow", "GET, HEAD"}},
                           h1::Framing::sized(text.size()), request.connection, request.date);
  if (request.head.method != http::Method::head) out += text;
}

}  // namespace

void AdminRoutes::refuse_body(const Request& request, BodyRefusal /*refusal*/, std::string& out) {
  answer_text(request, 413, "requests to the admin listener have no body\n", out);
}

void AdminRoutes::refuse(const Request& request, const Refused& why, std::string& out) {
  answer_text(request, why.status, std::string(why.sentence) + '\n', out);
}

// Pages of other sites cannot be kept out by CORS once their name resolves to this machine.
bool AdminRoutes::called_rightly(const Request& request) const {
  const ListenOptions& listen = settings_->listen;
  if (listen.admin_hosts.empty() && !policy::is_loopback(listen.admin)) return true;
  return policy::host_allowed(request.head.authority, listen.admin_hosts);
}

Routes::Verdict AdminRoutes::answer(const Request& request, std::string& out) {
  using enum http::Method;
  if (!called_rightly(request)) {
    answer_text(request, 421,
                policy::refused_host_sentence(request.head.authority, "admin_hosts") + '\n', out);
    return Verdict::answered;
  }
  if (request.head.method != get && request.head.method != head) {
    answer_text(request, 405, "the admin listener answers GET and HEAD\n", out);
    return Verdict::answered;
  }
  if (request.head.path == "/events") {
    auto asked = sse::parse_subscribe_request(request.head, {});
    if (!asked) {
      answer_text(request, 400, asked.error() + "\n", out);
      return Verdict::answered;
    }
    asked->topics = {std::string(kAdminChannel)};
    return streams_.open(request, *asked,
                         {.options = settings_.options(),
                          .fields = {},
                          .announce = settings_->delivery.announce_position,
                          .heartbeat = {}},
                         out);
  }
  const AdminAnswer answer = surface_.answer(request.head.path, snapshot_());
  std::vector<http::Field> fields = {{"Content-Type", answer.content_type},
                                     {"X-Content-Type-Options", "nosniff"}};
  std::string_view body = answer.fixed.empty() ? std::string_view(answer.body) : answer.fixed;
  if (!answer.fixed_gzip.empty()) {
    fields.push_back({"Vary", "Accept-Encoding"});
    if (http::prefers_coding(request.head, "gzip")) {
      fields.push_back({"Content-Encoding", "gzip"});
      body = answer.fixed_gzip;
    }
  }
  for (const AdminField& field : answer.fields) fields.push_back({field.name, field.value});
  h1::append_response_head(out, answer.status, fields, h1::Framing::sized(body.size()),
                           request.connection, request.date);
  if (request.head.method != head) out += body;
  return Verdict::answered;
}

}  // namespace fanfare::server
