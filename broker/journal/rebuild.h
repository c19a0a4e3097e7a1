// Rebuild: the log that an image and the segments after it make. At a start, and while the broker
// runs: what has left the history is in the old segments still, and the log that they make is
// written down as a new image, in their place.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/fanout/log.h"
#include "broker/fanout/past.h"
#include "broker/journal/disk.h"
#include "broker/journal/manifest.h"

namespace fanfare::journal {

// "image-00000012"
std::string image_name(std::uint64_t number);

struct Rebuilt {
  std::unique_ptr<fanout::Log> log;
  fanout::Past past;               // by the log's own time
  fanout::LogClock::Mark clock{};  // when the last record was written
  // How far the broker that wrote it may have come.
  fanout::Sequence reserved = 0;
  std::uint64_t image_bytes = 0;
  std::uint64_t segment_bytes = 0;
  std::uint64_t torn_bytes = 0;  // at the end of the last segment: they were cut off
};

// Why a journal cannot be read.
struct Problem {
  std::string sentence;
  bool damage = false;  // else it may work later
};

// How far it has come; false: it is to stop, and the problem is of no interest.
using Progress = std::function<bool(std::uint64_t done_bytes, std::uint64_t all_bytes)>;

// Up to segment `through` of the manifest. If that is its last, a write at its end may have been
// cut off, and what is left of that is removed. What channels had that are not kept is lost.
// `epoch`: the log's; another one than the manifest's gives its events new ids.
std::expected<Rebuilt, Problem> rebuild(Disk& disk, const Manifest& manifest, std::uint64_t through,
                                        const fanout::Epoch& epoch, const Progress& progress);

// The log, everything of which is sealed, as this image; its size.
Result<std::uint64_t> write_image(Disk& disk, std::uint64_t number, const Rebuilt& rebuilt);

}  // namespace fanfare::journal
