#include "broker/wire/http/message_rules.h"

#include <charconv>

#include "broker/wire/http/characters.h"
#include "broker/wire/http/target.h"

#include "common/letters.h"

namespace fanfare::http {

std::optional<Refusal> MessageRules::admit(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 4:
      if (same_ignoring_case(name, "host")) return admit_host(value);
      break;
    case 6:
      if (same_ignoring_case(name, "expect")) return admit_expect(value);
      break;
    case 14:
      if (same_ignoring_case(name, "content-length")) return admit_content_length(value);
      break;
    default:
      break;
  }
  return std::nullopt;
}

// RFC 9110 §7.2, RFC 9112 §3.2: one, valid, whatever the target says.
std::optional<Refusal> MessageRules::admit_host(std::string_view value) {
  if (host_seen_) return Refusal{.status = 400, .reason = "more than one Host field"};
  if (!is_authority(value)) {
    return Refusal{.status = 400, .reason = "the Host field is not a valid host and port"};
  }
  host_seen_ = true;
  return std::nullopt;
}

// RFC 9110 §8.6: digits only; a second one, even of the same value, is not taken.
std::optional<Refusal> MessageRules::admit_content_length(std::string_view value) {
  if (content_length_) {
    return Refusal{.status = 400, .reason = "more than one Content-Length field"};
  }
  if (value.empty() || !all(value, kDigit)) {
    return Refusal{.status = 400, .reason = "Content-Length must be a decimal number"};
  }
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(value.begin(), value.end(), size);
  content_length_ = size;
  if (error != std::errc() || size > limits_->body_bytes) {
    return Refusal{.status = 413,
                   .reason = "the body is larger than this server accepts",
                   .limit = Limit::body_bytes};
  }
  return std::nullopt;
}

// RFC 9110 §10.1.1
std::optional<Refusal> MessageRules::admit_expect(std::string_view value) {
  if (!same_ignoring_case(value, "100-continue")) {
    return Refusal{.status = 417, .reason = "the only supported expectation is `100-continue`"};
  }
  expects_continue_ = true;
  return std::nullopt;
}

}  // namespace fanfare::http
