// Interrupt: while one lives, Ctrl-C and SIGTERM raise its Stop instead of ending the process, so
// that a command can end cleanly. A second Ctrl-C ends the process as usual.
#pragma once

#include "broker/client/stop.h"

namespace fanfare::cli {

// At most one at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  const client::Stop& stop() const { return stop_; }

 private:
  client::Stop stop_;
};

}  // namespace fanfare::cli
