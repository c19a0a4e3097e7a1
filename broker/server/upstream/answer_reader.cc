#include "broker/server/upstream/answer_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "broker/server/upstream/forward.h"
#include "broker/wire/http/negotiation.h"

#include "common/letters.h"
#include "common/units.h"

namespace fanfare::server {
namespace {

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "timeout=5, max=1000": how long the server waits for a next request.
std::optional<Duration> keep_alive_of(std::string_view value) {
  constexpr std::string_view kTimeout = "timeout=";
  while (!value.empty()) {
    const std::string_view member = http::take_member(value);
    if (!same_ignoring_case(member.substr(0, kTimeout.size()), kTimeout)) continue;
    const auto seconds = number_of(member.substr(kTimeout.size()));
    if (seconds && *seconds < 86'400) return std::chrono::seconds(*seconds);
  }
  return std::nullopt;
}

}  // namespace

std::string_view UpstreamAnswer::value(std::string_view name) const {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (same_ignoring_case(fields[i].name, name)) return fields[i].value;
  }
  return {};
}

void AnswerReader::begin(bool to_head, std::size_t body_max) {
  parser_.reset(to_head);
  answer_ = {};
  body_max_ = body_max;
  begun_ = reusable_ = false;
  keeps_for_.reset();
}

AnswerReader::State AnswerReader::fail(UpstreamFailure failure, std::string why) {
  reusable_ = false;
  answer_ = {.failure = failure, .why = std::move(why)};
  return State::failed;
}

UpstreamAnswer AnswerReader::take() {
  return std::exchange(answer_, {});
}

AnswerReader::State AnswerReader::take_head() {
  const http::ResponseHead& head = parser_.head();
  if (head.status < 200) {
    return fail(UpstreamFailure::nonsense,
                fmt::format("answered {}, which was not asked for", head.status));
  }
  answer_.status = head.status;
  std::string connection;
  for (const http::Field& field : head.fields) {
    if (same_ignoring_case(field.name, "connection")) {
      connection += connection.empty() ? "" : ", ";
      connection += field.value;
    }
  }
  for (const http::Field& field : head.fields) {
    if (same_ignoring_case(field.name, "keep-alive")) keeps_for_ = keep_alive_of(field.value);
    if (same_ignoring_case(field.name, "content-length")) answer_.size = number_of(field.value);
    const bool said_anew =
        same_ignoring_case(field.name, "content-length") || same_ignoring_case(field.name, "date");
    if (said_anew || is_hop_by_hop(field.name, connection)) continue;
    answer_.fields.add(field.name, field.value);
  }
  return State::reading;
}

AnswerReader::State AnswerReader::receive(std::string_view bytes) {
  using Kind = h1::Step::Kind;
  begun_ |= !bytes.empty();
  while (true) {
    const h1::Step step = parser_.step(bytes);
    bytes.remove_prefix(step.consumed);
    switch (step.kind) {
      case Kind::more:
        return State::reading;
      case Kind::head:
        if (take_head() == State::failed) return State::failed;
        break;
      case Kind::body:
        if (answer_.body.size() + step.body.size() > body_max_) {
          return fail(UpstreamFailure::too_large,
                      fmt::format("answered with more than [limits] upstream_answer_bytes ({})",
                                  format_size(body_max_)));
        }
        answer_.body += step.body;
        break;
      case Kind::end:
        // Bytes behind the answer answer nothing: what they begin is not to be trusted.
        reusable_ = parser_.keep_alive() && bytes.empty();
        return State::complete;
      case Kind::refused:
        return fail(UpstreamFailure::nonsense,
                    fmt::format("answered nonsense: {}", parser_.refusal().reason));
    }
  }
}

AnswerReader::State AnswerReader::ended(bool in_order) {
  reusable_ = false;
  if (!begun_) return fail(UpstreamFailure::down, "closed the connection without an answer");
  // A body without a length ends with its connection, unless an error ended that (RFC 9112 §8).
  if (in_order && parser_.ending() == h1::Ending::undelimited) return State::complete;
  return fail(UpstreamFailure::cut, "broke off within its answer");
}

}  // namespace fanfare::server
