// Past: how far the log had come, by the time: "what is at most ten minutes old begins after event
// 1041". It is noted while the log goes by and costs a few bytes a second, however many channels
// there are, and the same table serves them all, since their order is one.
//
// Exact to the second for the last kMarks busy seconds; what is older is known to within a
// sixteenth of its age at most. In doubt the answer is the older place: rather more events than
// were asked for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "broker/fanout/event_id.h"

#include "common/packing.h"
#include "common/time.h"

namespace fanfare::fanout {

class Past {
 public:
  // For a log that begins then, empty.
  explicit Past(TimePoint began) : began_(began) {}

  // The log was sealed at `committed`, and has come to `head`. Neither falls.
  void note(TimePoint committed, Sequence head);
  // A place that everything committed at `time` or later lies behind. Nothing: there was no log
  // yet.
  std::optional<Sequence> before(TimePoint time) const;
  // About when this event was committed, and not later: to 10 ms if it is one of the last ten busy
  // seconds, else as exactly as before() knows it.
  TimePoint committed(Sequence sequence) const;

  // The same by a clock that shows so much more.
  Past moved(Duration by) const;

  // For another process, whose clock is the same.
  void pack(Packer& to) const;
  static Past unpack(Unpacker& from);

 private:
  // Seconds of a level's marks: 1, 16, 256, 4096. 1,024 of each, of 16 bytes: 64 KiB at most.
  static constexpr std::size_t kLevels = 4;
  static constexpr std::size_t kMarks = 1'024;
  static constexpr std::uint32_t kCoarser = 16;

  // What was committed in this second of the log's life, or earlier, ends with `through`.
  struct Mark {
    std::uint32_t second = 0;
    Sequence through = 0;
  };

  // What was committed at `begins` or within 10 ms after it ends with `through`.
  struct FineMark {
    TimePoint begins;
    Sequence through = 0;
  };

  void add(std::size_t level, Mark mark);
  std::int64_t second_of(TimePoint time) const;

  TimePoint began_;
  TimePoint second_ends_{};                       // of the newest mark of the first level
  std::array<std::deque<Mark>, kLevels> levels_;  // the newest first level, each oldest mark first
  std::deque<FineMark> fine_;                     // the newest kMarks; 16 KiB
  TimePoint fine_ends_{};                         // the newest of them
  Sequence fine_after_ = 0;                       // they begin behind it
};

}  // namespace fanfare::fanout
