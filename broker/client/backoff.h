// Backoff: how long to wait before the next attempt. Never less than the server asked for
// (`retry:`), doubled with each failure in a row up to a bound, with up to half as much again of
// jitter, so that the clients of a restarted broker do not come back as one.
#pragma once

#include <algorithm>

#include "common/random.h"
#include "common/time.h"

namespace fanfare::client {

class Backoff {
 public:
  Backoff(Duration retry, Duration longest, std::uint64_t seed)
      : retry_(retry), longest_(longest), random_(seed) {}

  // The server's `retry:`.
  void ask(Duration retry) { retry_ = retry; }
  Duration asked() const { return retry_; }
  // A stream was opened: the next loss is the first one.
  void succeeded() { failures_ = 0; }

  Duration next() {
    constexpr unsigned kDoublingsMax = 16;  // 2^16 x 1 ms is past any sensible bound
    const Duration doubled = retry_ * (std::int64_t{1} << std::min(failures_, kDoublingsMax));
    const Duration bounded = std::max(retry_, std::min(doubled, longest_));
    ++failures_;
    const auto jitter = static_cast<std::uint64_t>(std::max<std::int64_t>(1, bounded.count() / 2));
    return bounded + Duration(static_cast<std::int64_t>(random_.below(jitter)));
  }

 private:
  Duration retry_;
  Duration longest_;
  Random random_;
  unsigned failures_ = 0;
};

}  // namespace fanfare::client
