// RequestParser: HTTP/1.1 requests, strict by construction. What RFC 9112 lets a server tolerate,
// and what made smuggling possible elsewhere, is not tolerated: line ends are CRLF, one space
// stands on either side of the target, there are no folds, no space before a colon, one Host, one
// Content-Length of digits or one `Transfer-Encoding: chunked`, never both. The offending byte is
// refused when it arrives, not when the head is complete. A well-formed head that asks for
// something unsupported is refused at its end, so that the answer can depend on its fields
// (Origin). Any split of the input gives the same result.
//
// A head that arrives whole is parsed where it lies: the views of head() then point into the input
// of that step() and die with it, unless keep() is called. A head that arrives in pieces is
// gathered in the parser's own buffer, at most Limits::head_bytes. Body bytes are never copied.
//
// One object serves one connection at a time and is pooled: reset() between two requests keeps the
// memory of an ordinary head, and gives back that of a large one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/h1/chunked_decoder.h"
#include "broker/wire/h1/head_scanner.h"
#include "broker/wire/h1/response_writer.h"
#include "broker/wire/h1/step.h"
#include "broker/wire/http/head.h"
#include "broker/wire/http/limits.h"
#include "broker/wire/http/message_rules.h"
#include "broker/wire/http/status.h"

namespace fanfare::h1 {

class RequestParser {
 public:
  // `limits` outlives the parser; it may change between two steps.
  explicit RequestParser(const http::Limits& limits)
      : limits_(&limits), rules_(limits), scanner_(limits), chunked_(limits) {}
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Not called again after `end` without a reset(); after `refused` it says so again.
  Step step(std::string_view input);

  // After `head`, until reset(); see above for how long its views live. After `refused` in the
  // head: as much of it as had been read, until the input of that step() goes.
  const http::RequestHead& head() const { return head_; }
  // Copies a head that was parsed in place, so that head() lives until reset(). To be called before
  // the input goes.
  void keep();
  // Stops waiting for the rest of this request: it counts as refused, but not by the parser.
  void abandon();
  // After `refused`. Every refusal closes the connection.
  const http::Refusal& refusal() const { return refusal_; }

  // Some byte of a request has arrived: what a time-out for the head counts from.
  bool begun() const { return scanner_.at() > 0; }

  // After `head`:
  // `Expect: 100-continue` with a body: the client waits for kContinue before it sends it.
  bool expects_continue() const { return rules_.expects_continue() && has_body(); }
  bool has_body() const { return chunked_body_ || rules_.content_length().value_or(0) > 0; }
  // The body's size as announced (0: none); nothing if it is chunked.
  std::optional<std::uint64_t> body_size() const;
  // What happens to the connection after the answer (RFC 9112 §9.3); `close` after `refused`.
  Persistence persistence() const;

  void reset();

 private:
  enum class Phase : std::uint8_t { head, sized_body, chunked_body, complete, refused };
  struct FieldPieces {
    HeadScanner::Piece name, value;
  };

  Step step_head(std::string_view input);
  Step step_sized_body(std::string_view input);
  Step step_chunked_body(std::string_view input);
  void refuse(const http::Refusal& refusal);
  // The head is read to its end first. If this is called more than once, the first refusal counts.
  void refuse_at_end(const http::Refusal& refusal);
  void take_field(std::string_view text);

  // Goes through the elements of a head that has arrived as far as `text`.
  void scan(std::string_view text);
  // What a field line means for the message; may refuse.
  void admit_field(std::string_view name, std::string_view value);
  void admit_transfer_encoding(std::string_view value);
  void complete_head();
  void point_head_into(std::string_view text);
  void point_refused_head_into(std::string_view text);
  void point_fields_into(std::string_view text);

  const http::Limits* limits_;
  Phase phase_ = Phase::head;
  bool chunked_body_ = false;
  bool close_asked_ = false;
  bool keep_alive_asked_ = false;
  bool refused_at_end_ = false;
  std::uint64_t body_left_ = 0;
  http::MessageRules rules_;
  HeadScanner scanner_;
  ChunkedDecoder chunked_;
  std::vector<FieldPieces> pieces_;
  std::string buffer_;          // a head that came in pieces, or was kept
  std::string_view head_text_;  // of a complete head, wherever it lies
  http::RequestHead head_;
  http::Refusal refusal_;
};

}  // namespace fanfare::h1
