// Status codes in words, and Refusal: why a parser or a rule rejects a request.
#pragma once

#include <string_view>

#include "broker/wire/http/limits.h"

namespace fanfare::http {

// "OK", "Not Found"; "Unknown" for a code this broker never sends.
std::string_view reason_phrase(int status);

// Why a message is not accepted.
struct Refusal {
  int status = 400;
  // One sentence for a person, without a full stop: what is wrong and, where it is not obvious,
  // what would be right. A literal: it outlives everything.
  std::string_view reason;
  // The connection must be closed after the answer, because the next message can no longer be
  // trusted to begin where it seems to (RFC 9112 §9.6).
  bool close = true;
  Limit limit = Limit::none;
};

}  // namespace fanfare::http
