#include "broker/wire/h1/head_scanner.h"

#include <bit>
#include <cstring>

#include "broker/wire/http/characters.h"
#include "broker/wire/http/target.h"

namespace fanfare::h1 {

namespace {

using http::is;

constexpr std::string_view kVersion = "HTTP/1.1";
constexpr std::uint32_t kMajor = 5;  // where its digits are
constexpr std::uint32_t kMinor = 7;
// The method of the HTTP/2 connection preface, `PRI * HTTP/2.0`, and of nothing else (RFC 9113
// §3.4, §11.6).
constexpr std::string_view kPreface = "PRI";

// The first offset at or after `at` whose byte is in none of the classes `bits`, or the end.
std::uint32_t skip(std::string_view text, std::uint32_t at, std::uint8_t bits) {
  while (at < text.size() && is(text[at], bits)) ++at;
  return at;
}

// The same for kFieldText, eight bytes at a time: field values are most of a head. In `stops`, the
// lowest high bit set is that of the first byte below 0x20 or equal to 0x7f (borrows reach only
// bytes above a true one); HTAB is below 0x20 and goes on.
std::uint32_t skip_field_text(std::string_view text, std::uint32_t at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = 0x8080808080808080U;
  static_assert(std::endian::native == std::endian::little, "the first byte is the lowest");
  while (text.size() - at >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    const std::uint64_t deletes = word ^ (kOnes * 0x7f);
    const std::uint64_t stops =
        (((word - kOnes * 0x20) & ~word) | ((deletes - kOnes) & ~deletes)) & kHighs;
    if (stops == 0) {
      at += 8;
      continue;
    }
    at += static_cast<std::uint32_t>(std::countr_zero(stops)) / 8;
    if (text[at] != '\t') return at;
    ++at;
  }
  return skip(text, at, http::kFieldText);
}

}  // namespace

// One dispatch per element: as long as the text does not end, each part continues directly with the
// next.
HeadScanner::Found HeadScanner::next(std::string_view text) {
  while (at_ < text.size()) {
    Found found = Found::more;
    switch (state_) {
      case State::start:
        found = start(text[at_]);
        break;
      case State::method:
        found = method(text);
        break;
      case State::target:
        found = target(text);
        break;
      case State::version:
        found = version(text);
        break;
      case State::field:
        found = field(text);
        break;
      case State::name:
        found = name(text);
        break;
      case State::value_space:
        found = value_space(text);
        break;
      case State::value:
        found = value(text);
        break;
      case State::blank_line_feed:
      case State::request_line_feed:
      case State::value_line_feed:
      case State::last_line_feed:
        found = line_feed(text);
        break;
      case State::refused:
        return Found::refused;
    }
    if (found != Found::more) return found;
  }
  return state_ == State::refused ? Found::refused : Found::more;
}

HeadScanner::Found HeadScanner::start(char c) {
  if (is(c, http::kToken)) {
    mark_ = at_;
    state_ = State::method;
    return Found::more;
  }
  if (c == '\r' && !blank_line_seen_) {
    blank_line_seen_ = true;
    state_ = State::blank_line_feed;
    ++at_;
    return Found::more;
  }
  if (c == '\x16') {
    return refuse(400, "this looks like a TLS handshake; this port speaks plain HTTP/1.1");
  }
  return refuse_control(c, "a request must begin with a method");
}

HeadScanner::Found HeadScanner::method(std::string_view text) {
  const std::uint32_t end = mark_ + limits_->method_bytes;
  at_ = skip(text.substr(0, end), at_, http::kToken);
  if (at_ == text.size()) return Found::more;
  if (at_ >= end && is(text[at_], http::kToken)) {
    overrun(501, "the method is too long", http::Limit::none);  // RFC 9112 §3
    at_ = skip(text, at_, http::kToken);
    if (at_ == text.size()) return Found::more;
  }
  const char c = text[at_];
  if (c != ' ') return refuse_control(c, "a method must be followed by one space and the target");
  method_ = here();
  if (method_.of(text) == "CONNECT") {
    return refuse(501, "CONNECT is for proxies; this is an origin server");
  }
  mark_ = ++at_;
  state_ = State::target;
  return Found::more;
}

HeadScanner::Found HeadScanner::target(std::string_view text) {
  if (at_ == mark_ && text[at_] != '/' && text[at_] != '*' && !is(text[at_], http::kToken)) {
    return refuse_target_byte(text[at_], text);
  }
  const std::uint32_t end = mark_ + limits_->target_bytes;
  at_ = skip(text.substr(0, end), at_, http::kTargetText);
  if (at_ == text.size()) return Found::more;
  if (at_ >= end && is(text[at_], http::kTargetText)) {
    overrun(414, "the request target is too long", http::Limit::target_bytes);
    at_ = skip(text, at_, http::kTargetText);
    if (at_ == text.size()) return Found::more;
  }
  const char c = text[at_];
  if (c != ' ') return refuse_target_byte(c, text);
  target_ = here();
  const std::string_view target = target_.of(text);
  if (target.front() != '/') {
    if (!http::parse_target(target))
      return refuse(400, "the target is neither a path nor an http URL");
    const std::string_view method = method_.of(text);
    if (target == "*" && method != "OPTIONS" && method != kPreface) {
      return refuse(400, "the target * is for OPTIONS only");  // RFC 9112 §3.2.4
    }
  }
  mark_ = ++at_;
  state_ = State::version;
  return Found::more;
}

HeadScanner::Found HeadScanner::refuse_target_byte(char c, std::string_view text) {
  if (c == ' ') return refuse(400, "there must be exactly one space before and after the target");
  if (c == '\r' && at_ > mark_ && method_.of(text) == "GET") {
    return refuse(400, "HTTP/0.9 is not supported; end the line with the version: HTTP/1.1");
  }
  if (c == '#') return refuse(400, "a request target must not contain a fragment (#)");
  if (at_ == mark_) return refuse_control(c, "the target must begin with / or be an http URL");
  return refuse_control(c, "a character in the target must be percent-encoded");
}

HeadScanner::Found HeadScanner::version(std::string_view text) {
  for (; at_ < text.size() && at_ - mark_ < kVersion.size(); ++at_) {
    if (version_byte(text[at_], at_ - mark_) == Found::refused) return Found::refused;
  }
  if (at_ == text.size()) return Found::more;
  return version_end(text);
}

// Checks that it is a version at all: `HTTP/` digit `.` digit (RFC 9112 §2.3). If not, the line is
// malformed; if so, the version may still be unsupported.
HeadScanner::Found HeadScanner::version_end(std::string_view text) {
  if (text[at_] != '\r')
    return refuse_control(text[at_], "the request line must end with the version");
  const std::string_view version = text.substr(mark_, kVersion.size());
  if (method_.of(text) == kPreface) {
    if (!version.ends_with("2.0")) {
      return refuse(400, "the target * is for OPTIONS only");  // RFC 9112 §3.2.4
    }
    return refuse(505,
                  "HTTP/2 is not supported on this port; use HTTP/1.1, or put a proxy that speaks "
                  "HTTP/2 in front");
  }
  if (version[kMajor] != '1') return refuse(505, "only HTTP/1.1 and HTTP/1.0 are supported");
  // RFC 9110 §2.5: a higher minor version is read as the highest that one knows.
  minor_version_ = version[kMinor] == '0' ? 0 : 1;
  ++at_;
  state_ = State::request_line_feed;
  return Found::more;
}

HeadScanner::Found HeadScanner::version_byte(char c, std::uint32_t index) {
  if (c == ' ') return refuse(400, "there must be exactly one space before and after the target");
  if ((index == kMajor || index == kMinor) && is(c, http::kDigit)) return Found::more;
  if (c == kVersion[index]) return Found::more;
  if (c == '\r' && index > kMajor) {
    return refuse(400, "the version must be HTTP/1.1 or HTTP/1.0");
  }
  return refuse_control(c, "the target must be followed by the version: HTTP/1.1 or HTTP/1.0");
}

HeadScanner::Found HeadScanner::field(std::string_view text) {
  const char c = text[at_];
  if (is(c, http::kToken)) {
    if (fields_ >= limits_->fields) {
      overrun(431, "too many header fields", http::Limit::fields);
    }
    ++fields_;
    mark_ = at_;
    state_ = State::name;
    return name(text);
  }
  if (c == '\r') {
    ++at_;
    state_ = State::last_line_feed;
    return line_feed(text);
  }
  if (is(c, http::kWhitespace)) {  // RFC 9112 §5.2, §2.2
    return refuse(400, "a line begins with whitespace: folded fields are not accepted");
  }
  return refuse_control(c, "a field must begin with a name");
}

HeadScanner::Found HeadScanner::name(std::string_view text) {
  at_ = skip(text, at_, http::kToken);
  if (at_ == text.size()) return Found::more;
  const char c = text[at_];
  if (c != ':') {
    if (is(c, http::kWhitespace)) {
      return refuse(400, "whitespace between a field name and its colon");
    }
    return refuse_control(c, "a field must be `name: value`");
  }
  name_ = here();
  ++at_;
  state_ = State::value_space;
  return value_space(text);
}

HeadScanner::Found HeadScanner::value_space(std::string_view text) {
  at_ = mark_ = skip(text, at_, http::kWhitespace);
  if (at_ == text.size()) return Found::more;
  state_ = State::value;
  return value(text);
}

HeadScanner::Found HeadScanner::value(std::string_view text) {
  at_ = skip_field_text(text, at_);
  if (at_ == text.size()) return Found::more;
  if (text[at_] != '\r') return refuse_control(text[at_], "a control character in a field value");
  value_ = here();
  while (value_.size > 0 && is(text[value_.begin + value_.size - 1], http::kWhitespace)) {
    --value_.size;
  }
  ++at_;
  state_ = State::value_line_feed;
  return line_feed(text);
}

HeadScanner::Found HeadScanner::line_feed(std::string_view text) {
  if (at_ == text.size()) return Found::more;
  if (text[at_] != '\n') return refuse(400, "a CR is not followed by LF");
  ++at_;
  switch (state_) {
    case State::blank_line_feed:
      state_ = State::start;
      return Found::more;
    case State::request_line_feed:
      state_ = State::field;
      return Found::request_line;
    case State::value_line_feed:
      state_ = State::field;
      return Found::field;
    default:
      return Found::end;
  }
}

void HeadScanner::overrun(int status, std::string_view reason, http::Limit limit) {
  if (overrun_) return;
  overrun_ = true;
  refusal_ = {.status = status, .reason = reason, .limit = limit};
}

HeadScanner::Found HeadScanner::refuse(int status, std::string_view reason) {
  if (!overrun_) refusal_ = {.status = status, .reason = reason};
  state_ = State::refused;
  return Found::refused;
}

HeadScanner::Found HeadScanner::refuse_control(char c, std::string_view reason) {
  if (c == '\n') return refuse(400, "a line ends with LF alone; HTTP/1.1 lines end with CR LF");
  if (c == '\r') return refuse(400, "a line ends too early");
  if (c == '\0') return refuse(400, "a NUL byte");
  return refuse(400, reason);
}

}  // namespace fanfare::h1
