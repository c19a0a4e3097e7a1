// fetch: one request without a body, one whole answer. For `fanfare top` and tests; never for
// streams.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "broker/client/error.h"
#include "broker/client/stop.h"

#include "common/time.h"

namespace fanfare::client {

struct Answer {
  int status = 0;
  std::string content_type;
  std::string body;
};

// `address` as in Endpoint, without a path; `target` begins with '/'. A body above 16 MiB is a
// protocol error.
struct FetchOptions {
  std::string_view method = "GET";
  std::string_view bearer = {};  // a token to show; empty: none
};
std::expected<Answer, Error> fetch(std::string_view address, std::string_view target,
                                   TimePoint deadline, const Stop* stop = nullptr,
                                   const FetchOptions& options = {});

}  // namespace fanfare::client
