#include "broker/server/requests/publish_routes.h"

#include <array>

namespace fanfare::server {

void PublishRoutes::write_answer(const Request& request, h1::Connection connection,
                                 std::string& out) {
  std::array<http::Field, 3> fields;
  std::size_t count = 0;
  if (!answer_.content_type.empty()) fields[count++] = {"Content-Type", answer_.content_type};
  if (!answer_.allow.empty()) fields[count++] = {"Allow", answer_.allow};
  if (!answer_.accept_encoding.empty()) {
    fields[count++] = {"Accept-Encoding", answer_.accept_encoding};
  }
  const h1::Framing framing =
      answer_.status == 204 ? h1::Framing::none() : h1::Framing::sized(answer_.body.size());
  h1::append_response_head(out, answer_.status, std::span(fields.data(), count), framing,
                           connection, request.date);
  if (request.head.method != http::Method::head) out += answer_.body;
}

std::size_t PublishRoutes::body_allowed(const Request& request, std::string& out) {
  answer_ = {};
  if (ingest::refused_by_head(request.head, answer_)) {
    write_answer(request, h1::Connection::close, out);
  }
  return ingest::body_bytes_max(request.head, settings_.publishes());
}

void PublishRoutes::refuse_body(const Request& request, BodyRefusal refusal, std::string& out) {
  if (refusal == BodyRefusal::too_large) {
    ingest::answer_body_too_large(request.head, settings_.publishes(), answer_);
  } else {
    ingest::answer_too_many_bodies(answer_);
  }
  write_answer(request, h1::Connection::close, out);
}

void PublishRoutes::refuse(const Request& request, const Refused& why, std::string& out) {
  ingest::answer_not_taken(why.status, why.sentence, answer_);
  write_answer(request, h1::Connection::close, out);
}

Routes::Verdict PublishRoutes::answer(const Request& request, std::string& out) {
  answer_.status = 200;
  answer_.content_type = answer_.allow = answer_.accept_encoding = {};
  answer_.body.clear();
  ingest::answer_request(request.head, request.body, sink_, settings_.publishes(), answer_);
  write_answer(request, request.connection, out);
  return Verdict::answered;
}

}  // namespace fanfare::server
