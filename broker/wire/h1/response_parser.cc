#include "broker/wire/h1/response_parser.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "broker/wire/http/characters.h"
#include "broker/wire/http/negotiation.h"

#include "common/check.h"
#include "common/letters.h"

namespace fanfare::h1 {

namespace {

constexpr std::string_view kVersionPrefix = "HTTP/1.";
constexpr std::string_view kNotHttp = "this is not an HTTP/1 response";
// "HTTP/1.x 200"
constexpr std::size_t kStatusLineSizeMin = 12;
// A server that only ever says "in a moment" is not answering.
constexpr std::uint8_t kInterimMax = 16;

}  // namespace

ResponseParser::ResponseParser(const http::Limits& limits)
    : limits_(limits), chunked_(limits_, ChunkedDecoder::Tolerance::lenient) {
  limits_.body_bytes = std::numeric_limits<std::uint64_t>::max();
}

Step ResponseParser::step(std::string_view input) {
  CHECK(phase_ != Phase::complete, "a response ends once; reset() begins the next");
  switch (phase_) {
    case Phase::head:
      return step_head(input);
    case Phase::chunked_body: {
      const Step step = chunked_.step(input);
      if (step.kind == Step::Kind::end) phase_ = Phase::complete;
      if (step.kind == Step::Kind::refused) refuse(chunked_.refusal().reason);
      return step;
    }
    case Phase::sized_body:
      if (body_left_ == 0) {
        phase_ = Phase::complete;
        return {.kind = Step::Kind::end};
      }
      [[fallthrough]];
    case Phase::body_until_close: {
      if (input.empty()) return {};
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, input.size()));
      if (phase_ == Phase::sized_body) body_left_ -= size;
      return {.kind = Step::Kind::body, .consumed = size, .body = input.substr(0, size)};
    }
    default:
      return {.kind = Step::Kind::refused};
  }
}

Step ResponseParser::step_head(std::string_view input) {
  std::size_t consumed = 0;
  while (phase_ == Phase::head && consumed < input.size()) {
    const std::string_view rest = input.substr(consumed);
    const std::string_view line = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
    const std::string_view piece = line.substr(0, limits_.head_bytes - buffer_.size());
    buffer_.append(piece);
    consumed += piece.size();
    if (buffer_.back() == '\n') take_line();
    if (phase_ != Phase::head) break;
    const std::string_view begun = std::string_view(buffer_).substr(line_begin_);
    const std::string_view prefix = kVersionPrefix.substr(0, begun.size());
    if (!begun_ && begun != "\r" && !begun.starts_with(prefix)) {
      refuse(kNotHttp);
    } else if (buffer_.size() == limits_.head_bytes) {
      refuse("the response head is too long");
    }
  }
  if (phase_ == Phase::head) return {.kind = Step::Kind::more, .consumed = consumed};
  const bool refused = phase_ == Phase::refused;
  return {.kind = refused ? Step::Kind::refused : Step::Kind::head, .consumed = consumed};
}

void ResponseParser::refuse(std::string_view reason) {
  refusal_ = {.status = 502, .reason = reason};
  phase_ = Phase::refused;
}

void ResponseParser::take_line() {
  std::string_view line = std::string_view(buffer_).substr(line_begin_);
  line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!begun_) {
    if (!line.empty()) take_status_line(line);
  } else if (line.empty()) {
    complete_head();
  } else if (pieces_.size() == limits_.fields) {
    refuse("too many header fields");
  } else {
    take_field_line(line);
  }
  line_begin_ = buffer_.size();
}

void ResponseParser::take_status_line(std::string_view line) {
  if (!line.starts_with(kVersionPrefix)) return refuse(kNotHttp);
  const bool shaped = line.size() >= kStatusLineSizeMin && http::is(line[7], http::kDigit) &&
                      line[8] == ' ' && http::all(line.substr(9, 3), http::kDigit) &&
                      (line.size() == kStatusLineSizeMin || line[12] == ' ') &&
                      http::all(line, http::kFieldText);
  if (!shaped) return refuse("the status line must be like `HTTP/1.1 200 OK`");
  std::from_chars(line.data() + 9, line.data() + 12, head_.status);
  if (head_.status < 100 || head_.status > 599) return refuse("the status must be 100 to 599");
  head_.minor_version = line[7] == '0' ? 0 : 1;
  const std::size_t reason = std::min(line.size(), kStatusLineSizeMin + 1);
  reason_ = {line_begin_ + reason, line.size() - reason};
  begun_ = true;
}

void ResponseParser::take_field_line(std::string_view line) {
  if (!http::all(line, http::kFieldText)) return refuse("a control character in a field");
  if (http::is(line.front(), http::kWhitespace)) {  // RFC 9112 §5.2: a fold reads as a blank
    if (pieces_.empty()) return refuse("the first field is folded");
    Piece& value = pieces_.back().value;
    const std::size_t end = value.begin + value.size;
    std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(end),
              buffer_.begin() + static_cast<std::ptrdiff_t>(line_begin_), ' ');
    value.size = line_begin_ + line.size() - value.begin;
    return;
  }
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || name.empty() || !http::all(name, http::kToken)) {
    return refuse("a field must be `name: value`");
  }
  pieces_.push_back(
      {.name = {line_begin_, colon}, .value = {line_begin_ + colon + 1, line.size() - colon - 1}});
}

void ResponseParser::complete_head() {
  const std::string_view text = buffer_;
  head_.reason = text.substr(reason_.begin, reason_.size);
  head_.fields.clear();
  for (const auto& [name, value] : pieces_) {
    head_.fields.push_back(
        {text.substr(name.begin, name.size), http::trimmed(text.substr(value.begin, value.size))});
  }
  const bool interim = head_.status < 200 && head_.status != 101;
  if (!interim) return choose_framing();
  if (++interim_ > kInterimMax) return refuse("too many interim responses");
  begun_ = false;
  head_ = {};
  buffer_.clear();
  pieces_.clear();
}

// RFC 9112 §6.3, in its order; §9.3 for the connection.
void ResponseParser::choose_framing() {
  bool close = false;
  bool stated = false;
  bool encoded = false;
  std::optional<std::uint64_t> length;
  for (const http::Field& field : head_.fields) {
    if (same_ignoring_case(field.name, "connection")) {
      close |= http::list_has(field.value, "close");
      stated |= http::list_has(field.value, "keep-alive");
    } else if (same_ignoring_case(field.name, "transfer-encoding")) {
      if (encoded || !same_ignoring_case(field.value, "chunked")) {
        return refuse("a transfer coding other than `chunked`");
      }
      encoded = true;
    } else if (same_ignoring_case(field.name, "content-length")) {
      if (!admit_length(field.value, length)) return;
    }
  }
  keep_alive_ = !close && (head_.minor_version > 0 || stated);
  if (to_head_ || head_.status == 101 || head_.status == 204 || head_.status == 304) {
    phase_ = Phase::sized_body;
  } else if (encoded) {
    keep_alive_ &= !length;  // §6.1: both together may be an attack; the length is ignored
    phase_ = Phase::chunked_body;
  } else if (length) {
    body_left_ = *length;
    phase_ = Phase::sized_body;
  } else {
    keep_alive_ = false;
    body_left_ = std::numeric_limits<std::uint64_t>::max();
    phase_ = Phase::body_until_close;
  }
}

// "5", or "5, 5" as a proxy may have joined them.
bool ResponseParser::admit_length(std::string_view list, std::optional<std::uint64_t>& length) {
  do {
    const std::string_view member = http::take_member(list);
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(member.begin(), member.end(), number);
    if (member.empty() || error != std::errc() || stop != member.end()) {
      refuse("Content-Length must be a number");
    } else if (length.value_or(number) != number) {
      refuse("two Content-Length fields disagree");
    }
    length = number;
  } while (!list.empty() && phase_ != Phase::refused);
  return phase_ != Phase::refused;
}

Ending ResponseParser::ending() const {
  switch (phase_) {
    case Phase::head:
      return begun_ || !buffer_.empty() || interim_ > 0 ? Ending::cut : Ending::clean;
    case Phase::sized_body:
      return body_left_ == 0 ? Ending::clean : Ending::cut;
    case Phase::body_until_close:
      return Ending::undelimited;
    case Phase::complete:
      return Ending::clean;
    default:
      return Ending::cut;
  }
}

void ResponseParser::reset(bool to_head) {
  phase_ = Phase::head;
  to_head_ = to_head;
  keep_alive_ = begun_ = false;
  interim_ = 0;
  body_left_ = 0;
  line_begin_ = 0;
  buffer_.clear();
  pieces_.clear();
  chunked_.reset();
  head_ = {};
  refusal_ = {};
}

}  // namespace fanfare::h1
