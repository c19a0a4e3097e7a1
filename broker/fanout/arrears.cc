#include "broker/fanout/arrears.h"

#include <algorithm>

#include "common/check.h"

namespace fanfare::fanout {

void Arrears::open(Sequence head_before, TimePoint committed) {
  drop_settled();
  batches_.push_back({.head_before = head_before,
                      .bytes_before = bytes_applied_,
                      .committed = committed,
                      .feeds = 0});
}

void Arrears::settle(Sequence first) {
  Owed& owed = batch(first);
  CHECK(owed.feeds > 0, "settled once for each time it was owed");
  --owed.feeds;
}

std::uint64_t Arrears::bytes() const {
  for (std::size_t i = begin_; i < batches_.size(); ++i) {
    if (batches_[i].feeds > 0) return bytes_applied_ - batches_[i].bytes_before;
  }
  return 0;
}

Arrears::Owed& Arrears::batch(Sequence first) {
  const auto after =
      std::partition_point(batches_.begin() + static_cast<std::ptrdiff_t>(begin_), batches_.end(),
                           [=](const Owed& owed) { return owed.head_before < first; });
  CHECK(after != batches_.begin() + static_cast<std::ptrdiff_t>(begin_),
        "what is owed lies in a batch that is kept");
  return *(after - 1);
}

void Arrears::drop_settled() {
  while (begin_ < batches_.size() && batches_[begin_].feeds == 0) ++begin_;
  // Moving the rest down costs less than the batches that were dropped to get here.
  if (begin_ * 2 >= batches_.size()) {
    batches_.erase(batches_.begin(), batches_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
}

}  // namespace fanfare::fanout
