// HeadScanner: the grammar of a request head (RFC 9112 §3, §5), as an automaton that finds its
// elements and refuses the first byte that cannot belong. It knows nothing of what a field means;
// RequestParser does.
//
// A head that is too long in one of its parts is read to its end, within Limits::head_bytes, and
// refused there, so that the answer can depend on its fields (Origin). overrun() says that it will
// be refused.
//
// It keeps offsets, not text: the caller hands it the head from its first byte at every call, as
// far as it has arrived, and may have moved it in between.
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/wire/http/limits.h"
#include "broker/wire/http/status.h"

namespace fanfare::h1 {

class HeadScanner {
 public:
  enum class Found : std::uint8_t {
    more,          // the text ends before the next element does
    request_line,  // method(), target(), minor_version()
    field,         // name(), value(): of this line
    end,           // the empty line; at() is the size of the head
    refused,       // refusal(); at() is the offset of the byte that was refused
  };
  // A part of the head.
  struct Piece {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
    std::string_view of(std::string_view text) const { return text.substr(begin, size); }
  };

  // `limits` outlives the scanner.
  explicit HeadScanner(const http::Limits& limits) : limits_(&limits) {}

  // `text` begins with all that earlier calls were given. Not called again after `end`.
  Found next(std::string_view text);

  std::uint32_t at() const { return at_; }
  Piece method() const { return method_; }
  Piece target() const { return target_; }
  std::uint8_t minor_version() const { return minor_version_; }
  Piece name() const { return name_; }
  Piece value() const { return value_; }
  const http::Refusal& refusal() const { return refusal_; }
  // The method, the target or the number of fields has passed its limit: refusal() says which.
  bool overrun() const { return overrun_; }

  void reset() { *this = HeadScanner(*limits_); }

 private:
  enum class State : std::uint8_t {
    start,  // before the request line; one empty line may precede it (RFC 9112 §2.2)
    blank_line_feed,
    method,
    target,
    version,
    request_line_feed,
    field,  // at the first byte of a line: a name, or the CR of the empty line
    name,
    value_space,
    value,
    value_line_feed,
    last_line_feed,
    refused,
  };

  // Each goes on at at_, towards the end of the element it is part of.
  Found start(char c);
  Found method(std::string_view text);
  Found target(std::string_view text);
  Found refuse_target_byte(char c, std::string_view text);
  Found version(std::string_view text);
  Found version_byte(char c, std::uint32_t index);
  Found version_end(std::string_view text);
  Found field(std::string_view text);
  Found name(std::string_view text);
  Found value_space(std::string_view text);
  Found value(std::string_view text);
  Found line_feed(std::string_view text);

  Found refuse(int status, std::string_view reason);
  void overrun(int status, std::string_view reason, http::Limit limit);
  Found refuse_control(char c, std::string_view reason);
  Piece here() const { return {mark_, at_ - mark_}; }

  const http::Limits* limits_;
  State state_ = State::start;
  bool blank_line_seen_ = false;
  bool overrun_ = false;
  std::uint8_t minor_version_ = 1;
  std::uint32_t at_ = 0;
  std::uint32_t mark_ = 0;  // where the element being scanned began
  std::uint32_t fields_ = 0;
  Piece method_, target_, name_, value_;
  http::Refusal refusal_;
};

}  // namespace fanfare::h1
