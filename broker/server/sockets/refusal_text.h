// The sentences in which a request is refused by the transport that reads it, whatever the version
// of HTTP. Without a full stop; each names the key that sets the limit.
#pragma once

#include <string>

#include "broker/wire/http/limits.h"
#include "broker/wire/http/status.h"

#include "common/time.h"

namespace fanfare::server {

std::string sentence_of(const http::Refusal& refusal, const http::Limits& limits);
// 408
std::string late_request_sentence(bool in_body, Duration head_time);
// 504
std::string no_answer_sentence(Duration patience);

}  // namespace fanfare::server
