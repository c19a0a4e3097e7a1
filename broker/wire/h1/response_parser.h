// ResponseParser: HTTP/1.1 responses, for the broker's own clients (fanfare tail, publish, the load
// tool). Tolerant where RFC 9112 asks a client to be, because the server is not ours to mend: lines
// may end with LF alone, a fold becomes a blank, the reason may be missing, equal lengths may be
// repeated. What would leave the end of the body in doubt is refused.
//
// How a body ended is half of what it says (a stream that ends cleanly is complete, one that is cut
// wants to be resumed), so the parser must also be told when the connection ends.
//
// The head is gathered in the parser's own buffer: head() lives until reset(). Interim responses
// (100, 103) are passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/h1/chunked_decoder.h"
#include "broker/wire/h1/step.h"
#include "broker/wire/http/head.h"
#include "broker/wire/http/limits.h"
#include "broker/wire/http/status.h"

namespace fanfare::h1 {

// What the end of the connection means for the response it was carrying.
enum class Ending : std::uint8_t {
  clean,        // the response was complete, or none had begun
  undelimited,  // the end of the connection is the end of this body: complete or cut, unknown
  cut,          // the head, the announced length or the last chunk is missing
};

class ResponseParser {
 public:
  // Only the limits of the head are used; a body is handed out piece by piece and is not bounded
  // here.
  explicit ResponseParser(const http::Limits& limits);
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  // Not called again after `end` without a reset(); after `refused` it says so again.
  Step step(std::string_view input);
  // The connection has ended, after every byte was given to step().
  Ending ending() const;

  const http::ResponseHead& head() const { return head_; }
  // After `refused`: the reason; its status means nothing here.
  const http::Refusal& refusal() const { return refusal_; }
  // After `end`: another request may be sent on this connection.
  bool keep_alive() const { return keep_alive_; }

  // Before each further response. `to_head`: it answers a HEAD request and has no body.
  void reset(bool to_head = false);

 private:
  enum class Phase : std::uint8_t {
    head,
    sized_body,
    chunked_body,
    body_until_close,
    complete,
    refused,
  };
  struct Piece {
    std::size_t begin = 0, size = 0;
  };
  struct FieldPieces {
    Piece name, value;
  };

  Step step_head(std::string_view input);
  void refuse(std::string_view reason);
  // The line of buffer_ that begins at line_begin_ and ends with the LF that is its last byte.
  void take_line();
  void take_status_line(std::string_view line);
  void take_field_line(std::string_view line);
  void complete_head();
  void choose_framing();
  bool admit_length(std::string_view list, std::optional<std::uint64_t>& length);

  http::Limits limits_;
  Phase phase_ = Phase::head;
  bool to_head_ = false;
  bool keep_alive_ = false;
  bool begun_ = false;  // the status line has been read
  std::uint8_t interim_ = 0;
  std::uint64_t body_left_ = 0;
  std::size_t line_begin_ = 0;
  std::string buffer_;
  std::vector<FieldPieces> pieces_;
  ChunkedDecoder chunked_;
  http::ResponseHead head_;
  Piece reason_;
  http::Refusal refusal_;
};

}  // namespace fanfare::h1
