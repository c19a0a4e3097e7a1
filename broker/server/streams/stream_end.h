// StreamEnd: how a stream ends. Its client learns one of two words, the same on every transport;
// why it was said is for counters, logs and publishers that watch.
#pragma once

#include <cstdint>

#include "broker/fanout/members.h"
#include "broker/server/base/counters.h"

namespace fanfare::server {

enum class Ending : std::uint8_t {
  complete,   // nothing will ever follow: the body has an end (the last chunk)
  come_back,  // there may be more, later: the body breaks off
};

struct StreamEnd {
  fanout::Member subscriber = 0;
  CloseReason reason{};
  // Everything that was to be sent before the end was taken by its outlet, and may still be read.
  // Otherwise nothing more can reach the client, or its time is up.
  bool said = false;

  Ending ending() const {
    return reason == CloseReason::stream_complete ? Ending::complete : Ending::come_back;
  }
};

}  // namespace fanfare::server
