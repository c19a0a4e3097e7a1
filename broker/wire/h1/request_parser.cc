#include "broker/wire/h1/request_parser.h"

#include <algorithm>
#include <utility>

#include "broker/wire/http/characters.h"
#include "broker/wire/http/negotiation.h"
#include "broker/wire/http/target.h"

#include "common/check.h"
#include "common/letters.h"

namespace fanfare::h1 {
namespace {

// What a parser keeps for its next request: more than the head of a browser needs.
constexpr std::size_t kKeptBytes = 4U << 10U;
constexpr std::size_t kKeptFields = 64;

template <class Container>
void empty(Container& container, std::size_t kept) {
  container.clear();
  if (container.capacity() > kept) container.shrink_to_fit();
}

}  // namespace

Step RequestParser::step(std::string_view input) {
  CHECK(phase_ != Phase::complete, "a request ends once; reset() begins the next");
  switch (phase_) {
    case Phase::head:
      return step_head(input);
    case Phase::sized_body:
      return step_sized_body(input);
    case Phase::chunked_body:
      return step_chunked_body(input);
    default:
      return {.kind = Step::Kind::refused};
  }
}

Step RequestParser::step_head(std::string_view input) {
  const std::size_t before = buffer_.size();
  const std::size_t bound = limits_->head_bytes;
  std::string_view text = input.substr(0, bound > before ? bound - before : 0);
  const bool in_place = before == 0;
  if (!in_place) text = buffer_.append(text);
  scan(text);
  if (phase_ == Phase::head && text.size() < bound) {
    if (in_place) buffer_.assign(text);
    return {.kind = Step::Kind::more, .consumed = input.size()};
  }
  if (phase_ == Phase::head) {
    refuse({.status = 431,
            .reason = "the request head is too long",
            .limit = http::Limit::head_bytes});
  }
  const std::size_t consumed = scanner_.at() - before;
  if (phase_ == Phase::refused) {
    point_refused_head_into(text);
    return {.kind = Step::Kind::refused, .consumed = consumed};
  }
  point_head_into(text.substr(0, scanner_.at()));
  return {.kind = Step::Kind::head, .consumed = consumed};
}

Step RequestParser::step_sized_body(std::string_view input) {
  if (body_left_ == 0) {
    phase_ = Phase::complete;
    return {.kind = Step::Kind::end};
  }
  if (input.empty()) return {};
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, input.size()));
  body_left_ -= size;
  return {.kind = Step::Kind::body, .consumed = size, .body = input.substr(0, size)};
}

Step RequestParser::step_chunked_body(std::string_view input) {
  const Step step = chunked_.step(input);
  if (step.kind == Step::Kind::end) phase_ = Phase::complete;
  if (step.kind == Step::Kind::refused) {
    refuse(chunked_.refusal());
  }
  return step;
}

void RequestParser::refuse(const http::Refusal& refusal) {
  if (!refused_at_end_) refusal_ = scanner_.overrun() ? scanner_.refusal() : refusal;
  phase_ = Phase::refused;
}

void RequestParser::refuse_at_end(const http::Refusal& refusal) {
  if (refused_at_end_ || scanner_.overrun()) return;
  refused_at_end_ = true;
  refusal_ = refusal;
}

void RequestParser::scan(std::string_view text) {
  while (phase_ == Phase::head) {
    switch (scanner_.next(text)) {
      case HeadScanner::Found::more:
        return;
      case HeadScanner::Found::request_line:
        break;
      case HeadScanner::Found::field:
        take_field(text);
        break;
      case HeadScanner::Found::end:
        complete_head();
        break;
      case HeadScanner::Found::refused:
        refuse(scanner_.refusal());
        break;
    }
  }
}

// If a head has more fields than it may, only the field that its refusal needs is kept.
void RequestParser::take_field(std::string_view text) {
  const std::string_view name = scanner_.name().of(text);
  if (pieces_.size() >= limits_->fields && !same_ignoring_case(name, "origin")) return;
  pieces_.push_back({scanner_.name(), scanner_.value()});
  admit_field(name, scanner_.value().of(text));
}

void RequestParser::admit_field(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 6:  // RFC 9110 §10.1.1: Expect must be ignored on HTTP/1.0
      if (scanner_.minor_version() == 0) return;
      break;
    case 10:
      if (!same_ignoring_case(name, "connection")) break;
      close_asked_ |= http::list_has(value, "close");
      keep_alive_asked_ |= http::list_has(value, "keep-alive");
      return;
    case 14:
      if (!chunked_body_ || !same_ignoring_case(name, "content-length")) break;
      return refuse_at_end({.reason = "both Transfer-Encoding and Content-Length"});
    case 17:
      if (same_ignoring_case(name, "transfer-encoding")) return admit_transfer_encoding(value);
      break;
    default:
      break;
  }
  if (const auto refusal = rules_.admit(name, value)) refuse_at_end(*refusal);
}

// RFC 9112 §6.1, §6.3. What ends in `chunked` but has another coding before it is well-formed and
// not implemented; everything else has no end that two parties would agree on.
void RequestParser::admit_transfer_encoding(std::string_view value) {
  if (scanner_.minor_version() == 0) {
    return refuse_at_end({.reason = "HTTP/1.0 has no Transfer-Encoding"});
  }
  if (chunked_body_) return refuse_at_end({.reason = "more than one Transfer-Encoding field"});
  if (rules_.content_length()) {
    return refuse_at_end({.reason = "both Content-Length and Transfer-Encoding"});
  }
  if (!same_ignoring_case(value, "chunked")) {
    const std::size_t comma = value.rfind(',');
    const bool other_coding_first =
        comma != std::string_view::npos &&
        same_ignoring_case(http::trimmed(value.substr(comma + 1)), "chunked") &&
        !http::trimmed(value.substr(0, comma)).empty() &&
        !http::list_has(value.substr(0, comma), "chunked");
    if (other_coding_first) {
      return refuse_at_end(
          {.status = 501, .reason = "the only supported transfer coding is `chunked`"});
    }
    return refuse_at_end({.reason = "the only valid Transfer-Encoding is `chunked`"});
  }
  chunked_body_ = true;
}

void RequestParser::complete_head() {
  if (scanner_.minor_version() > 0 && !rules_.host_seen()) {
    refuse_at_end({.reason = "an HTTP/1.1 request must have a Host field"});
  }
  if (refused_at_end_ || scanner_.overrun()) return refuse(scanner_.refusal());
  body_left_ = rules_.content_length().value_or(0);
  phase_ = chunked_body_ ? Phase::chunked_body : Phase::sized_body;
}

void RequestParser::point_head_into(std::string_view text) {
  head_text_ = text;
  head_.method_text = scanner_.method().of(text);
  head_.method = http::method_of(head_.method_text);
  head_.target = scanner_.target().of(text);
  head_.minor_version = scanner_.minor_version();
  point_fields_into(text);
  const http::Target target = http::parse_target(head_.target).value();
  head_.path = target.path;
  head_.query = target.query;
  // RFC 9112 §3.2.2: the target's own authority, where it has one, is the one that counts.
  head_.authority =
      target.form == http::TargetForm::absolute ? target.authority : head_.value("host");
}

// What a refused head had said so far; a target that is too long is left out.
void RequestParser::point_refused_head_into(std::string_view text) {
  head_.method_text = scanner_.method().of(text);
  head_.method = http::method_of(head_.method_text);
  head_.minor_version = scanner_.minor_version();
  point_fields_into(text);
  head_.authority = head_.value("host");
  if (refusal_.limit == http::Limit::target_bytes) return;
  head_.target = scanner_.target().of(text);
  if (const auto target = http::parse_target(head_.target)) {
    head_.path = target->path;
    head_.query = target->query;
  }
}

void RequestParser::point_fields_into(std::string_view text) {
  head_.fields.clear();
  for (const FieldPieces& piece : pieces_) {
    head_.fields.push_back({piece.name.of(text), piece.value.of(text)});
  }
}

void RequestParser::abandon() {
  if (phase_ == Phase::head) point_refused_head_into(buffer_);
  phase_ = Phase::refused;
}

void RequestParser::keep() {
  if (head_text_.empty() || !buffer_.empty()) return;
  buffer_.assign(head_text_);
  point_head_into(buffer_);
}

std::optional<std::uint64_t> RequestParser::body_size() const {
  if (chunked_body_) return std::nullopt;
  return rules_.content_length().value_or(0);
}

Persistence RequestParser::persistence() const {
  if (close_asked_ || phase_ == Phase::refused) return Persistence::close;
  if (scanner_.minor_version() > 0) return Persistence::persistent;
  return keep_alive_asked_ ? Persistence::persistent_stated : Persistence::close;
}

void RequestParser::reset() {
  phase_ = Phase::head;
  chunked_body_ = close_asked_ = keep_alive_asked_ = refused_at_end_ = false;
  body_left_ = 0;
  rules_.reset();
  scanner_.reset();
  chunked_.reset();
  empty(pieces_, kKeptFields);
  empty(buffer_, kKeptBytes);
  head_text_ = {};
  std::vector<http::Field> fields = std::move(head_.fields);
  empty(fields, kKeptFields);
  head_ = {};
  head_.fields = std::move(fields);
  refusal_ = {};
}

}  // namespace fanfare::h1
