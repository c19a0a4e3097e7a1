// Draft: the Batch of the turn in progress. Notes which sources have changed; what is written about
// each is decided when the batch is sealed, in this order: its blocks, what it evicted, whether it
// is finished. So a thousand publishes to a channel are one block, and as many evictions one
// effect.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "broker/fanout/batch.h"
#include "broker/fanout/source.h"

namespace fanfare::fanout {

class Draft {
 public:
  void appeared(const Source& source);
  void floor_raised(Sequence floor) { effects_.emplace_back(FloorRaised{floor}); }
  // Something of it has changed.
  void touch(Source& source) {
    if (source.dirty) return;
    source.dirty = true;
    dirty_.push_back(&source);
  }
  // To be called before `source.writer` is replaced: writes down its events that are not in a batch
  // yet.
  void tell_block(Source& source);
  // All sources touched since the last seal.
  std::span<Source* const> dirty() const { return dirty_; }
  // The last effects of a source that is about to be destroyed.
  void forgotten(Source& source);

  // Everything since the last seal, or null.
  BatchPtr seal(Sequence head, TimePoint now);

 private:
  // Batches handed out recently: one that every shard has finished with is reused, with its memory.
  // Until then it holds the segments that it names.
  static constexpr std::size_t kBatchesKept = 4;
  static constexpr std::size_t kEffectsKept = 16'384;  // of a batch; a longer one is not kept

  void write(Source& source);
  // An empty batch without another reference.
  Ref<Batch> blank();

  std::vector<Effect> effects_;
  std::vector<Source*> dirty_;
  std::array<Ref<Batch>, kBatchesKept> kept_;
};

}  // namespace fanfare::fanout
