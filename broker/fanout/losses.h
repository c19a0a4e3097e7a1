// Losses: what a feed has lost, in the order in which it happened: "everything up to X of one of
// its channels is gone", each time that becomes true. Answers what a subscriber that knows the
// first N losses does not know yet. Keeps only the losses that reach further than every later one,
// since they cover the others: for one channel that is a single entry.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/fanout/event_id.h"

namespace fanfare::fanout {

class Losses {
 public:
  // An event that some subscriber could still have got, and everything of its channel before it,
  // is gone.
  void add(Sequence through) {
    ++count_;
    while (!kept_.empty() && kept_.back().through <= through) kept_.pop_back();
    kept_.push_back({.through = through, .number = count_});
  }
  // The newest event lost since the first `known` losses; 0: none.
  Sequence since(std::uint64_t known) const {
    const auto first = std::partition_point(kept_.begin(), kept_.end(),
                                            [=](const Loss& loss) { return loss.number <= known; });
    return first == kept_.end() ? 0 : first->through;
  }
  std::uint64_t count() const { return count_; }
  std::size_t kept() const { return kept_.size(); }

 private:
  struct Loss {
    Sequence through;
    std::uint64_t number;
  };

  std::vector<Loss> kept_;  // `number` rises, `through` falls
  std::uint64_t count_ = 0;
};

}  // namespace fanfare::fanout
