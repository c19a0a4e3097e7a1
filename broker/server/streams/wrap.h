// Wrap: how a stream's control texts (wire/sse/control) are put into a body of the framing that its
// events have. Raw streams carry payload bytes only, and of control texts only their end.
#pragma once

#include "broker/fanout/span.h"
#include "broker/wire/sse/control.h"

namespace fanfare::server {

constexpr sse::Wrap wrap_of(fanout::Framing framing) {
  return is_chunked(framing) ? sse::Wrap::chunk : sse::Wrap::bare;
}

}  // namespace fanfare::server
