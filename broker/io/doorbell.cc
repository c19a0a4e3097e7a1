#include "broker/io/doorbell.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace fanfare::io {

Doorbell::Doorbell() : descriptor_(::eventfd(0, EFD_CLOEXEC)) {}

Doorbell::~Doorbell() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Doorbell::ring() {
  if (state_.exchange(State::rung, std::memory_order_acq_rel) != State::asleep) return;
  const int kept = errno;
  const std::uint64_t one = 1;
  // Cannot block: the counter is read after every write, long before it reaches 2^64.
  [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
  errno = kept;
}

}  // namespace fanfare::io
