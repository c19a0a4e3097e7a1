// Arrears: how far the slowest feed is behind the head, in bytes. A short history of the batches
// applied, each with the number of feeds whose first event that is not handed out yet lies in it.
// The oldest batches leave once no feed owes anything of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/fanout/event_id.h"

#include "common/time.h"

namespace fanfare::fanout {

class Arrears {
 public:
  // A batch with events begins: those newer than `head_before`.
  void open(Sequence head_before, TimePoint committed);
  // Bytes of frames in the batch that is open.
  void grow(std::uint64_t bytes) { bytes_applied_ += bytes; }
  // A feed owes its members everything from `first` on; in the open batch, or one still owed.
  void owe(Sequence first) { ++batch(first).feeds; }
  // It no longer does.
  void settle(Sequence first);

  // From the beginning of the oldest batch that a feed owes; 0 if none does.
  std::uint64_t bytes() const;
  // When the batch with `first` was committed, which a feed must still owe.
  TimePoint committed(Sequence first) { return batch(first).committed; }

 private:
  struct Owed {
    Sequence head_before = 0;
    std::uint64_t bytes_before = 0;
    TimePoint committed;
    std::uint32_t feeds = 0;
  };

  Owed& batch(Sequence first);
  void drop_settled();

  std::vector<Owed> batches_;
  std::size_t begin_ = 0;  // those before it are settled
  std::uint64_t bytes_applied_ = 0;
};

}  // namespace fanfare::fanout
