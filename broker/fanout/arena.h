// SegmentArena: memory for small segments, 1 to 8 KiB in powers of two, apart from the heap.
// With many channels nearly all segments are small; they live for minutes, names and windows for
// hours, and where both lie in one heap neither leaves a hole that the other can use. Cut from
// chunks of 2 MiB (broker/fanout/buddy.h), lowest chunk first; one in which nothing is left goes
// back to the system. Larger segments are the heap's: at multiples of their size, as they would be
// here, a thousand of them that fill at the same pace drive each other out of the cache's few
// places for such addresses (PUBLISH to 1,000 channels in turn: 17 % fewer events per CPU-second).
//
// Segments are given back by whoever lets go of them last, on any thread; it lives as long as one
// of them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "broker/fanout/buddy.h"

#include "common/intrusive.h"

namespace fanfare::fanout {

class SegmentArena {
 public:
  static constexpr std::size_t kBlockBytes = 1U << 10U;
  static constexpr std::size_t kTakenMax = 8U << 10U;
  static constexpr std::size_t kChunkBytes = Buddy::kBlocks * kBlockBytes;

  static Ref<SegmentArena> make() { return Ref<SegmentArena>::adopt(new SegmentArena); }
  SegmentArena(const SegmentArena&) = delete;
  SegmentArena& operator=(const SegmentArena&) = delete;

  // Whether `size` is a power of two from kBlockBytes to kTakenMax.
  static bool serves(std::size_t size);
  // serves(size). Aligned to `size`, or to kChunkBytes at most. Throws std::bad_alloc.
  void* take(std::size_t size);
  void give_back(void* memory, std::size_t size);

  // What the chunks occupy, free blocks included.
  std::size_t footprint() const;

  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void release();

 private:
  // At the front of its own memory.
  struct Chunk {
    Buddy buddy;
    std::uint32_t index = 0;   // in chunks_
    std::uint32_t blocks = 0;  // taken, without those it lies in itself
  };
  static constexpr std::size_t kOrders = 4;  // of what is taken: kBlockBytes << order

  SegmentArena() = default;
  ~SegmentArena();

  Chunk& chunk_with(unsigned order);
  Chunk& add_chunk();
  void drop(Chunk& chunk);
  void note(const Chunk& chunk);

  mutable std::mutex mutex_;
  std::vector<Chunk*> chunks_;         // null: free to be used again
  std::vector<std::uint8_t> longest_;  // their buddies', close together
  // No chunk before it has a run of that order.
  std::array<std::size_t, kOrders> first_{};
  std::size_t in_use_ = 0;
  Chunk* empty_ = nullptr;  // kept, lest one comes and goes with every segment
  std::atomic<std::uint32_t> references_{1};
};

}  // namespace fanfare::fanout
