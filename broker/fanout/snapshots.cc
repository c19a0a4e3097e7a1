#include "broker/fanout/snapshots.h"

#include <algorithm>
#include <utility>

namespace fanfare::fanout {

Snapshots::Snapshot* Snapshots::find(std::uint64_t crowd) {
  const auto found = std::ranges::find(snapshots_, crowd, &Snapshot::crowd);
  if (found == snapshots_.end()) return nullptr;
  found->used = now_;
  return &*found;
}

Snapshots::Snapshot& Snapshots::begin(std::uint64_t crowd, Sequence start, Sequence through) {
  if (const auto same = std::ranges::find(snapshots_, crowd, &Snapshot::crowd);
      same != snapshots_.end()) {
    drop(static_cast<std::size_t>(same - snapshots_.begin()));
  } else if (snapshots_.size() == kCount) {
    const auto oldest = std::ranges::min_element(snapshots_, {}, &Snapshot::used);
    drop(static_cast<std::size_t>(oldest - snapshots_.begin()));
  }
  snapshots_.push_back({.crowd = crowd, .start = start, .through = through, .used = now_});
  return snapshots_.back();
}

const Span* Snapshots::piece(const Snapshot& snapshot, Sequence from) {
  const auto found = std::ranges::lower_bound(snapshot.pieces, from, {}, &Snapshot::Piece::from);
  if (found == snapshot.pieces.end() || found->from != from) return nullptr;
  return &found->span;
}

void Snapshots::add(Snapshot& snapshot, Sequence from, const Span& span) {
  if (!snapshot.pieces.empty() && snapshot.pieces.back().from >= from) return;
  if (bytes_ + span.size > kBytesMax) return;
  snapshot.pieces.push_back({.from = from, .span = span});
  snapshot.bytes += span.size;
  bytes_ += span.size;
}

void Snapshots::advance(TimePoint now) {
  now_ = now;
  for (std::size_t i = snapshots_.size(); i-- > 0;) {
    if (now - snapshots_[i].used > kIdle) drop(i);
  }
}

void Snapshots::drop(std::size_t index) {
  bytes_ -= snapshots_[index].bytes;
  if (index + 1 < snapshots_.size()) snapshots_[index] = std::move(snapshots_.back());
  snapshots_.pop_back();
}

}  // namespace fanfare::fanout
