#include "broker/wire/h1/request_parser.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "broker/wire/http/characters.h"
#include "broker/wire/http/negotiation.h"
#include "broker/wire/http/target.h"

#include "common/check.h"

namespace fanfare::h1 {

using http::same_ignoring_case;

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

void RequestParser::refuse_at_end(int status, std::string_view reason, http::Limit limit) {
  if (refused_at_end_ || scanner_.overrun()) return;
  refused_at_end_ = true;
  refusal_ = {.status = status, .reason = reason, .limit = limit};
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
    case 4:
      if (same_ignoring_case(name, "host")) admit_host(value);
      break;
    case 6:
      if (same_ignoring_case(name, "expect")) admit_expect(value);
      break;
    case 10:
      if (!same_ignoring_case(name, "connection")) break;
      close_asked_ |= http::list_has(value, "close");
      keep_alive_asked_ |= http::list_has(value, "keep-alive");
      break;
    case 14:
      if (same_ignoring_case(name, "content-length")) admit_content_length(value);
      break;
    case 17:
      if (same_ignoring_case(name, "transfer-encoding")) admit_transfer_encoding(value);
      break;
    default:
      break;
  }
}

// RFC 9112 §3.2: one, valid, whatever the target says.
void RequestParser::admit_host(std::string_view value) {
  if (host_seen_) return refuse_at_end(400, "more than one Host field");
  if (!http::is_authority(value))
    return refuse_at_end(400, "the Host field is not a host and a port");
  host_seen_ = true;
}

// RFC 9112 §6.3: digits only; a second one, even of the same value, is not taken.
void RequestParser::admit_content_length(std::string_view value) {
  if (length_seen_) return refuse_at_end(400, "more than one Content-Length field");
  if (chunked_body_) return refuse_at_end(400, "both Transfer-Encoding and Content-Length");
  if (value.empty() || !http::all(value, http::kDigit)) {
    return refuse_at_end(400, "a Content-Length is a number in decimal digits");
  }
  length_seen_ = true;
  const auto [end, error] = std::from_chars(value.begin(), value.end(), body_size_);
  if (error != std::errc() || body_size_ > limits_->body_bytes) {
    return refuse_at_end(413, "the body is larger than this server takes", http::Limit::body_bytes);
  }
}

// RFC 9112 §6.1, §6.3. What ends in `chunked` but has another coding before it is well-formed and
// not implemented; everything else has no end that two parties would agree on.
void RequestParser::admit_transfer_encoding(std::string_view value) {
  if (scanner_.minor_version() == 0) return refuse_at_end(400, "HTTP/1.0 has no Transfer-Encoding");
  if (chunked_body_) return refuse_at_end(400, "more than one Transfer-Encoding field");
  if (length_seen_) return refuse_at_end(400, "both Content-Length and Transfer-Encoding");
  if (!same_ignoring_case(value, "chunked")) {
    const std::size_t comma = value.rfind(',');
    const bool other_coding_first =
        comma != std::string_view::npos &&
        same_ignoring_case(http::trimmed(value.substr(comma + 1)), "chunked") &&
        !http::trimmed(value.substr(0, comma)).empty() &&
        !http::list_has(value.substr(0, comma), "chunked");
    if (other_coding_first)
      return refuse_at_end(501, "the only transfer coding taken is `chunked`");
    return refuse_at_end(400, "the only valid Transfer-Encoding is `chunked`");
  }
  chunked_body_ = true;
}

// RFC 9110 §10.1.1; on HTTP/1.0 it must be ignored.
void RequestParser::admit_expect(std::string_view value) {
  if (scanner_.minor_version() == 0) return;
  if (!same_ignoring_case(value, "100-continue")) {
    return refuse_at_end(417, "the only expectation met is `100-continue`");
  }
  expects_continue_ = true;
}

void RequestParser::complete_head() {
  if (scanner_.minor_version() > 0 && !host_seen_) {
    refuse_at_end(400, "an HTTP/1.1 request has a Host field");
  }
  if (refused_at_end_ || scanner_.overrun()) return refuse(scanner_.refusal());
  body_left_ = body_size_;
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
  return body_size_;
}

Connection RequestParser::connection() const {
  if (close_asked_ || phase_ == Phase::refused) return Connection::close;
  if (scanner_.minor_version() > 0) return Connection::persistent;
  return keep_alive_asked_ ? Connection::persistent_stated : Connection::close;
}

void RequestParser::reset() {
  phase_ = Phase::head;
  host_seen_ = length_seen_ = chunked_body_ = false;
  close_asked_ = keep_alive_asked_ = expects_continue_ = refused_at_end_ = false;
  body_size_ = body_left_ = 0;
  scanner_.reset();
  chunked_.reset();
  pieces_.clear();
  buffer_.clear();
  head_text_ = {};
  std::vector<http::Field> fields = std::move(head_.fields);
  fields.clear();
  head_ = {};
  head_.fields = std::move(fields);
  refusal_ = {};
}

void RequestParser::clear() {
  reset();
  // Assignment from an empty object may keep the memory (libstdc++'s string does).
  std::vector<FieldPieces>().swap(pieces_);
  std::string().swap(buffer_);
  std::vector<http::Field>().swap(head_.fields);
}

std::size_t RequestParser::heap_bytes() const {
  const std::size_t buffer = buffer_.capacity() > std::string().capacity() ? buffer_.capacity() : 0;
  return buffer + pieces_.capacity() * sizeof(FieldPieces) +
         head_.fields.capacity() * sizeof(http::Field);
}

}  // namespace fanfare::h1
