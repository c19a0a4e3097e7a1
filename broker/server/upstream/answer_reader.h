// AnswerReader: an application's answer, from the bytes of its connection to a value that can be
// judged and passed on. Sans-io: bytes in, or the end of them; it says when the answer is whole or
// will never be. Bounded: a head by [limits] head_bytes and head_fields, a body by what begin() is
// told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/wire/h1/response_parser.h"
#include "broker/wire/http/field_list.h"
#include "broker/wire/http/limits.h"

#include "common/time.h"

namespace fanfare::server {

// Why there is no answer that could be used.
enum class UpstreamFailure : std::uint8_t {
  none,
  down,       // no connection, or it ended before the answer began
  cut,        // the connection ended within the answer
  nonsense,   // not HTTP/1.1, or a head beyond every bound
  too_large,  // its body
};

struct UpstreamAnswer {
  UpstreamFailure failure = UpstreamFailure::none;
  std::string why = {};  // of a failure: the end of a sentence, "the application …"
  int status = 0;
  http::FieldList fields = {};             // end-to-end ones (RFC 9110 §7.6.1), in their order
  std::optional<std::uint64_t> size = {};  // Content-Length, of an answer to HEAD
  std::string body = {};

  std::string_view value(std::string_view name) const;
};

class AnswerReader {
 public:
  enum class State : std::uint8_t { reading, complete, failed };

  explicit AnswerReader(const http::Limits& limits) : parser_(limits) {}

  // Before the first byte of each answer. `to_head`: to a HEAD request.
  void begin(bool to_head, std::size_t body_max);
  // `complete` and `failed` are said once; then take().
  State receive(std::string_view bytes);
  // The connection has ended: in order, or by an error.
  State ended(bool in_order);
  // What was read: an answer, or why there is none.
  UpstreamAnswer take();

  // A byte of the answer has come.
  bool begun() const { return begun_; }
  // After `complete`: another request may be sent on the connection, for so long at least.
  bool reusable() const { return reusable_; }
  std::optional<Duration> keeps_for() const { return keeps_for_; }

 private:
  State fail(UpstreamFailure failure, std::string why);
  State take_head();

  h1::ResponseParser parser_;
  UpstreamAnswer answer_;
  std::size_t body_max_ = 0;
  bool begun_ = false;
  bool reusable_ = false;
  std::optional<Duration> keeps_for_;
};

}  // namespace fanfare::server
