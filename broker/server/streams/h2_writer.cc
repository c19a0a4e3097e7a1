#include "broker/server/streams/h2_writer.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "broker/wire/http/characters.h"

#include "common/letters.h"

namespace fanfare::server {
namespace {

// RFC 9113 §8.2.2
constexpr std::array<std::string_view, 6> kOfConnections = {
    "connection",     "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
    "content-length",  // said by add_length()
};

// RFC 9110 §6.4.1
bool bodiless(const Response& response) {
  return response.status == 204 || response.status == 304;
}

h2::Body body_of(Response& response, http::Method method) {
  using Kind = h2::Body::Kind;
  if (method == http::Method::head) return {};
  if (response.kind == Response::Kind::stream) return {.kind = Kind::events};
  const bool broken = response.kind == Response::Kind::come_back;
  if (!broken && (bodiless(response) || response.text().empty())) return {};
  return {.kind = broken ? Kind::broken : Kind::whole,
          .text = std::exchange(response.body, {}),
          .fixed = response.fixed};
}

}  // namespace

void H2Writer::add(std::string_view name, std::string_view value) {
  std::string lower_name = lower(name);
  if (std::ranges::find(kOfConnections, lower_name) != kOfConnections.end()) return;
  std::string text(value);
  std::ranges::replace_if(text, [](char c) { return !http::is(c, http::kFieldText); }, ' ');
  texts_.add(lower_name, http::trimmed(text));
}

void H2Writer::add_length(const Response& response) {
  if (response.kind != Response::Kind::whole || bodiless(response)) return;
  if (response.of_another && !response.size) return;
  const std::uint64_t size = response.of_another ? *response.size : response.text().size();
  texts_.add("content-length", std::to_string(size));
}

std::size_t H2Writer::write(h2::Session& session, h2::StreamId stream, Response& response,
                            http::Method method) {
  texts_.clear();
  if (!date_.text().empty()) texts_.add("date", date_.text());
  for (std::size_t i = 0; i < response.fields.size(); ++i) {
    add(response.fields[i].name, response.fields[i].value);
  }
  add_length(response);
  fields_.clear();
  fields_.reserve(texts_.size());
  for (std::size_t i = 0; i < texts_.size(); ++i) fields_.push_back(texts_[i]);
  h2::Body body = body_of(response, method);
  const bool text = body.kind == h2::Body::Kind::whole || body.kind == h2::Body::Kind::broken;
  const std::size_t size = !text ? 0 : body.fixed.empty() ? body.text.size() : body.fixed.size();
  session.answer(stream, response.status, fields_, std::move(body));
  return size;
}

}  // namespace fanfare::server
