#include "broker/server/sockets/refusal_text.h"

#include <fmt/format.h>

#include "common/units.h"

namespace fanfare::server {

std::string sentence_of(const http::Refusal& refusal, const http::Limits& limits) {
  switch (refusal.limit) {
    case http::Limit::head_bytes:
      return fmt::format("the request head is longer than [limits] head_bytes allows ({} bytes)",
                         limits.head_bytes);
    case http::Limit::target_bytes:
      return fmt::format(
          "the request target is longer than [limits] target_bytes allows ({} bytes)",
          limits.target_bytes);
    case http::Limit::fields:
      return fmt::format("the request has more header fields than [limits] head_fields allows ({})",
                         limits.fields);
    case http::Limit::body_bytes:
    case http::Limit::none:
      break;
  }
  return std::string(refusal.reason);
}

std::string late_request_sentence(bool in_body, Duration head_time) {
  return fmt::format("the {} did not arrive completely within [limits] head_time ({})",
                     in_body ? "body" : "request's head", format_duration(head_time));
}

std::string no_answer_sentence(Duration patience) {
  return fmt::format("no answer came within {}", format_duration(patience));
}

}  // namespace fanfare::server
