// Snapshots: what newcomers to one crowd are sent of the latest events of keys, put together once
// for those that come at about the same time. Each is of one place in the log, and consists of the
// spans that its first reader was sent, as far as that has come; the others are sent the same
// bytes, and then what has changed since. Readers hold spans by themselves: a snapshot may be
// dropped at any time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/fanout/event_id.h"
#include "broker/fanout/span.h"

#include "common/time.h"

namespace fanfare::fanout {

class Snapshots {
 public:
  // What one crowd gets, by its serial.
  struct Snapshot {
    std::uint64_t crowd = 0;
    Sequence start = 0;    // where its readers begin
    Sequence through = 0;  // the place that it is of
    struct Piece {
      Sequence from;  // a reader that stands there
      Span span;      // is sent this, and stands at span.last
    };
    std::vector<Piece> pieces = {};
    std::size_t bytes = 0;
    TimePoint used{};
  };

  // Null: there is none.
  Snapshot* find(std::uint64_t crowd);
  // In place of the crowd's older one, or of the one that was not used for longest.
  Snapshot& begin(std::uint64_t crowd, Sequence start, Sequence through);
  // What a reader at `from` is sent of it; null: nobody has come there yet.
  static const Span* piece(const Snapshot& snapshot, Sequence from);
  // One has: this is what it was sent, if there is room for it.
  void add(Snapshot& snapshot, Sequence from, const Span& span);

  // The time: those that nobody has used for kIdle go.
  void advance(TimePoint now);

 private:
  static constexpr std::size_t kCount = 8;
  static constexpr std::size_t kBytesMax = 32U << 20U;  // of all of them
  static constexpr Duration kIdle = 2s;

  void drop(std::size_t index);

  std::vector<Snapshot> snapshots_;
  std::size_t bytes_ = 0;
  TimePoint now_{};
};

}  // namespace fanfare::fanout
