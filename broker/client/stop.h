// Stop: a flag that ends every blocking call of the clients that share it, now and later. Another
// thread or a signal handler may raise it, and it stays raised.
#pragma once

#include "common/time.h"

namespace fanfare::client {

class Stop {
 public:
  Stop();
  ~Stop();
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  // Async-signal-safe.
  void raise() const noexcept;
  bool raised() const noexcept;
  // Blocks; true as soon as it is raised, false when the deadline has passed.
  bool wait_until(TimePoint deadline) const noexcept;
  // Readable once raised: for poll().
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace fanfare::client
