#include "broker/server/sockets/h1_writer.h"

namespace fanfare::server {
namespace {

// RFC 9110 §6.4.1: what has no body has no length either.
h1::BodyLength body_length_of(const Response& response, BodyEnd body_end) {
  if (response.kind == Response::Kind::whole) {
    const bool bodiless =
        response.status == 204 || response.status == 304 || (response.of_another && !response.size);
    if (!bodiless && response.of_another) return h1::BodyLength::sized(*response.size);
    return bodiless ? h1::BodyLength::none() : h1::BodyLength::sized(response.text().size());
  }
  return body_end == BodyEnd::last_chunk ? h1::BodyLength::chunked()
                                         : h1::BodyLength::until_close();
}

}  // namespace

h1::Persistence H1Writer::write(std::string& out, const Response& response, http::Method method,
                                BodyEnd body_end, h1::Persistence persistence) {
  const h1::BodyLength length = body_length_of(response, body_end);
  if (length.kind == h1::BodyLength::Kind::until_close) persistence = h1::Persistence::close;
  fields_.clear();
  for (std::size_t i = 0; i < response.fields.size(); ++i) fields_.push_back(response.fields[i]);
  h1::append_response_head(out, response.status, fields_, length, persistence, date_.text());
  if (method != http::Method::head) out += response.text();
  return persistence;
}

}  // namespace fanfare::server
