#include "broker/policy/event_rules.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "common/pattern.h"
#include "common/utf8.h"

namespace fanfare::policy {
namespace {

Violation invalid(std::string sentence) {
  return {.kind = Violation::Kind::invalid, .sentence = std::move(sentence)};
}
Violation too_large(std::string sentence) {
  return {.kind = Violation::Kind::too_large, .sentence = std::move(sentence)};
}

bool utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

unsigned byte_at(std::string_view text, std::size_t offset) {
  return static_cast<unsigned char>(text[offset]);
}

// U+0080..U+009F (U+0085 is a line break to Python) and the separators U+2028 and U+2029: the other
// characters that some client treats as the end of a line.
bool breaks_lines_somewhere(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.size() >= 2 && rest[0] == '\xc2') return byte_at(rest, 1) < 0xa0;
  return rest.starts_with("\xe2\x80\xa8") || rest.starts_with("\xe2\x80\xa9");
}

std::size_t first_control(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const unsigned byte = byte_at(text, at);
    if (byte < 0x20 || byte == 0x7f || breaks_lines_somewhere(text, at)) return at;
  }
  return std::string_view::npos;
}

bool printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// UTF-8 without control characters; `what` as in "event name".
std::optional<Violation> text_problem(std::string_view what, std::string_view text) {
  if (printable_ascii(text)) return std::nullopt;  // nearly all of them
  if (!utf8(text)) {
    const std::size_t at = utf8_prefix_size(text);
    return invalid(
        fmt::format("the {} is not UTF-8: byte {} is 0x{:02x}", what, at, byte_at(text, at)));
  }
  const std::size_t at = first_control(text);
  if (at == std::string_view::npos) return std::nullopt;
  return invalid(
      fmt::format("the {} contains a control character or line break (0x{:02x}) at byte {}: it "
                  "must fit on one line of the event stream",
                  what, byte_at(text, at), at));
}

// Some clients take blanks off a field's value.
std::string_view without_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::optional<Violation> own_type_problem(std::string_view type, const EventLimits& limits) {
  const std::string_view name = without_blanks(type);
  if (name.empty()) return std::nullopt;
  if (name[0] == '~') {
    return invalid(
        "event names that begin with '~' are reserved for the broker: choose another first "
        "character");
  }
  const auto is_own = [&](std::string_view key) {
    return invalid(
        fmt::format("the event name \"{0}\" is reserved for the broker ([delivery] {1}), so that "
                    "clients can trust it: choose another name, or change {1}",
                    name, key));
  };
  if (name == limits.gap_event) return is_own("gap_event");
  if (name == limits.end_event) return is_own("end_event");
  return std::nullopt;
}

}  // namespace

std::optional<Violation> channel_problem(std::string_view channel) {
  if (is_hidden(channel)) {
    return invalid(
        "channels that begin with '~' are reserved for the broker: choose another first character");
  }
  std::string sentence = channel_name_problem(channel);
  if (sentence.empty()) return std::nullopt;
  return invalid(std::move(sentence));
}

std::optional<Violation> type_problem(std::string_view type, const EventLimits& limits) {
  if (type.size() > limits.type_bytes) {
    return too_large(
        fmt::format("the event name is {} bytes long; the limit is {} ([limits] event_name_bytes)",
                    type.size(), limits.type_bytes));
  }
  if (auto problem = text_problem("event name", type)) return problem;
  return own_type_problem(type, limits);
}

std::optional<Violation> data_problem(std::string_view data, const EventLimits& limits) {
  if (data.size() > limits.data_bytes) {
    return too_large(
        fmt::format("the data is {} bytes long; the limit is {} ([limits] event_bytes): Go's "
                    "bufio.Scanner and many clients built like it fail on lines over 64 KiB, so "
                    "publish a link to it, or split it",
                    data.size(), limits.data_bytes));
  }
  if (utf8(data)) return std::nullopt;
  if (has_utf16_mark(data)) {
    return invalid("the data is UTF-16, as its byte order mark says: publish it as UTF-8");
  }
  const std::size_t at = utf8_prefix_size(data);
  return invalid(
      fmt::format("the data is not UTF-8: byte {} is 0x{:02x}; an event stream is text, so publish "
                  "binary as base64",
                  at, byte_at(data, at)));
}

std::optional<Violation> retry_problem(std::uint32_t retry_ms) {
  if (retry_ms >= kRetryMsMin && retry_ms <= kRetryMsMax) return std::nullopt;
  return invalid(
      fmt::format("retry is {} ms; it must be {} to {}: with less, clients reconnect in a hot "
                  "loop; with more, they look dead",
                  retry_ms, kRetryMsMin, kRetryMsMax));
}

std::optional<Violation> key_problem(std::string_view key) {
  if (key.size() > kKeyBytesMax) {
    return too_large(
        fmt::format("the key is {} bytes long; the limit is {}", key.size(), kKeyBytesMax));
  }
  return text_problem("key", key);
}

std::optional<Violation> idempotency_key_problem(std::string_view key) {
  if (key.size() > kIdempotencyKeyBytesMax) {
    return too_large(fmt::format("the idempotency key is {} bytes long; the limit is {}",
                                 key.size(), kIdempotencyKeyBytesMax));
  }
  return text_problem("idempotency key", key);
}

std::optional<Violation> event_problem(const Proposal& proposal, const EventLimits& limits) {
  if (auto problem = channel_problem(proposal.channel)) return problem;
  return content_problem(proposal, limits);
}

std::optional<Violation> content_problem(const Proposal& proposal, const EventLimits& limits) {
  if (!proposal.type.empty()) {
    if (auto problem = type_problem(proposal.type, limits)) return problem;
  }
  if (auto problem = data_problem(proposal.data, limits)) return problem;
  if (proposal.retry_ms) {
    if (auto problem = retry_problem(*proposal.retry_ms)) return problem;
  }
  if (!proposal.key.empty()) {
    if (auto problem = key_problem(proposal.key)) return problem;
  }
  if (proposal.idempotency_key.empty()) return std::nullopt;
  return idempotency_key_problem(proposal.idempotency_key);
}

}  // namespace fanfare::policy
