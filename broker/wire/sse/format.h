// Format: the form in which a stream's events are written.
#pragma once

#include <cstdint>

namespace fanfare::sse {

enum class Format : std::uint8_t {
  event_stream,
  raw,   // the data alone
  json,  // a line of JSON an event
};

}  // namespace fanfare::sse
