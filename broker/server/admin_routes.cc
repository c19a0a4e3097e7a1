#include "broker/server/admin_routes.h"

#include <vector>

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

Routes::Verdict AdminRoutes::answer(const Request& request, std::string& out) {
  using enum http::Method;
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
  if (!answer.content_encoding.empty()) {
    fields.push_back({"Content-Encoding", answer.content_encoding});
  }
  for (const AdminField& field : answer.fields) fields.push_back({field.name, field.value});
  h1::append_response_head(out, answer.status, fields, h1::Framing::sized(answer.body.size()),
                           request.connection, request.date);
  if (request.head.method != head) out += answer.body;
  return Verdict::answered;
}

}  // namespace fanfare::server
