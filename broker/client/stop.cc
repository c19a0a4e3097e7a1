#include "broker/client/stop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "common/check.h"

namespace fanfare::client {

Stop::Stop() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(descriptor_ >= 0, "a process that cannot have one more descriptor cannot be a client");
}

Stop::~Stop() {
  close(descriptor_);
}

void Stop::raise() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(descriptor_, &one, sizeof one);
}

bool Stop::raised() const noexcept {
  return wait_until(TimePoint{});
}

bool Stop::wait_until(TimePoint deadline) const noexcept {
  constexpr std::int64_t kPollSliceMs = 3'600'000;  // poll() counts in int milliseconds
  while (true) {
    pollfd bell{.fd = descriptor_, .events = POLLIN, .revents = 0};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - monotonic_now()).count();
    const auto timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, kPollSliceMs));
    const int ready = poll(&bell, 1, timeout);
    if (ready == 1) return true;
    if (ready == 0 && left <= kPollSliceMs) return false;
  }
}

}  // namespace fanfare::client
