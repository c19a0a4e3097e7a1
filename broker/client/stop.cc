#include "broker/client/stop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

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
  pollfd bell{.fd = descriptor_, .events = POLLIN, .revents = 0};
  return poll(&bell, 1, 0) == 1;
}

}  // namespace fanfare::client
