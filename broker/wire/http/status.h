// Status codes in words, and Refusal: what a parser or a rule has against a request.
#pragma once

#include <string_view>

#include "broker/wire/http/limits.h"

namespace fanfare::http {

// "OK", "Not Found"; "Unknown" for a code this broker never sends.
std::string_view reason_phrase(int status);

// Why a message is not taken.
struct Refusal {
  int status = 400;
  // One sentence for a person, without a full stop: what is wrong and, where it is not obvious,
  // what would be right. A literal: it outlives everything.
  std::string_view reason;
  // Nothing further on this connection can be trusted to begin where it seems to (RFC 9112 §9.6):
  // it has to be closed after the answer.
  bool close = true;
  Limit limit = Limit::none;
};

}  // namespace fanfare::http
