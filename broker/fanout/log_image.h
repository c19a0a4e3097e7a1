// LogImage: all that a log holds, as bytes, from which another process makes the same log again:
// the same epoch, ids, frames, losses, keys and ages. Frames are copied as they lie in their
// segments, so that a gigabyte of history takes what copying it takes.
//
//   head        magic, version, epoch, head, clock, the past
//   channels    name, what it was (Resume), up to where it has lost its events, finished
//   tombstones  in the order in which they were made; the floor
//   kept        of channels that keep the latest event of each key: those that have left the window
//   segments    the oldest first: channel, footprint, whether it takes the next event, its live
//               events
//   receipts    the oldest first
//   tail        the magic again: nothing is missing
//
// For a process of the same machine: numbers are in its byte order, and times are those of its
// monotonic clock.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/fanout/log.h"
#include "broker/fanout/log_clock.h"
#include "broker/fanout/past.h"

namespace fanfare::fanout {

// The version of the image and of the frames in it: it changes when either does.
inline constexpr std::uint32_t kLogImageVersion = 1;

// Gets the image piece by piece; false ends it.
using ImageSink = std::function<bool(std::string_view)>;
// False: the sink did not want all of it. Everything in the log is sealed.
bool write_log_image(const Log& log, const LogClock::Mark& clock, const Past& past,
                     const ImageSink& sink);

class LogImage {
 public:
  // The error is a sentence. `bytes` outlive it.
  static std::expected<LogImage, std::string> open(std::string_view bytes);

  const Epoch& epoch() const { return epoch_; }
  Sequence head() const { return head_; }
  const LogClock::Mark& clock() const { return clock_; }
  const Past& past() const { return past_; }
  // The log, with everything in it still to be sealed: its first batch brings it to all shards.
  // Null: the image is damaged. Under another epoch its events have the same numbers.
  std::unique_ptr<Log> make(LogOptions options) const;

 private:
  LogImage(Epoch epoch, Past past) : epoch_(epoch), past_(std::move(past)) {}

  Epoch epoch_;
  Sequence head_ = 0;
  LogClock::Mark clock_{};
  Past past_;
  std::string_view rest_;  // from the channels on
};

}  // namespace fanfare::fanout
