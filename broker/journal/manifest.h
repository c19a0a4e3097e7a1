// Manifest: the small file that says what the rest of the folder is: which image, and which
// segments after it, make the log. It is replaced as a whole, so that a start finds the one before
// or the one after, and files that it does not name are left over and removed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broker/fanout/event_id.h"
#include "broker/fanout/log_clock.h"
#include "broker/journal/disk.h"

namespace fanfare::journal {

enum class Level : std::uint8_t {
  interval,  // what was acked is with the kernel, and on the disk a little later
  always,    // what was acked is on the disk
};

struct Manifest {
  static constexpr const char* kName = "manifest";

  fanout::Epoch epoch;
  Level level = Level::always;  // of the broker that writes
  std::string boot = {};        // of the machine, while that broker ran
  std::uint64_t image = 0;      // 0: none, the log began empty
  std::uint64_t first = 1;      // segments,
  std::uint64_t last = 1;       // both included; this one was being written
  // The broker was stopped, and its log had come to `head` at that time.
  bool clean = false;
  fanout::Sequence head = 0;
  fanout::LogClock::Mark clock{};

  std::string text() const;
  static std::optional<Manifest> parse(std::string_view text);

  Result<> write(Disk& disk) const { return replace_file(disk, kName, text()); }
};

}  // namespace fanfare::journal
