// ChunkedDecoder: the chunked transfer coding (RFC 9112 §7.1) of requests and responses. Extensions
// and trailers are checked, counted and dropped, never merged into the head.
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/wire/h1/step.h"
#include "broker/wire/http/limits.h"
#include "broker/wire/http/status.h"

namespace fanfare::h1 {

class ChunkedDecoder {
 public:
  // A server is strict. A client meets servers that pad chunk sizes with blanks and end lines with
  // LF alone, and may safely read them: a mistake affects only its own connection.
  enum class Tolerance : std::uint8_t { strict, lenient };

  // `limits` outlives the decoder. A lenient decoder bounds extensions per chunk, because a stream
  // of events has no end.
  explicit ChunkedDecoder(const http::Limits& limits, Tolerance tolerance = Tolerance::strict)
      : limits_(&limits), tolerance_(tolerance) {}

  // Gives `more`, `body`, `end` or `refused`. Never called again after `end` without a reset().
  Step step(std::string_view input);
  const http::Refusal& refusal() const { return refusal_; }
  void reset();

 private:
  enum class State : std::uint8_t {
    size_start,
    size,
    extension_due,  // blanks behind the size or a value: `;` must follow
    extension_name_start,
    extension_name,
    extension_name_space,
    extension_value_start,
    extension_value,
    extension_quoted,
    extension_quoted_pair,
    extension_end,  // behind a quoted value
    size_line_feed,
    data,
    data_carriage_return,
    data_line_feed,
    trailer,
    trailer_name,
    trailer_value,
    trailer_line_feed,
    last_line_feed,
    complete,
    refused,
  };

  // Each takes one byte; false: refused.
  bool take(char c);
  bool take_size(char c);
  bool take_extension(char c);
  bool take_extension_token(char c);
  bool take_quoted(char c);
  bool end_size_line(char c);
  bool take_line_end(char c);
  bool take_trailer(char c);
  bool begin_data();
  bool refuse(int status, std::string_view reason);
  bool lenient() const { return tolerance_ == Tolerance::lenient; }

  const http::Limits* limits_;
  Tolerance tolerance_;
  State state_ = State::size_start;
  std::uint8_t digits_ = 0;  // of the chunk size
  std::uint32_t extension_bytes_ = 0;
  std::uint32_t trailer_bytes_ = 0;
  std::uint64_t chunk_left_ = 0;
  std::uint64_t body_bytes_ = 0;  // of all chunks begun so far
  http::Refusal refusal_;
};

}  // namespace fanfare::h1
