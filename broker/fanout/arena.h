// SegmentArena: memory for segments, apart from the heap. Segments live for minutes and names for
// hours; in one heap, neither would leave a hole that the other can use. A piece has
// 1, 2, 4 ... 128 KiB, cut from chunks of 2 MiB (broker/fanout/buddy.h), lowest chunk
// first. Empty chunks go back to the system, except for a fifth of all chunks: channels that are
// published to in turn change their segments at the same time.
//
// A segment is given back when its last reference goes, on any thread. The arena lives as long as
// one of its segments.
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
  static constexpr std::size_t kPieceMax = 128U << 10U;
  static constexpr std::size_t kChunkBytes = Buddy::kBlocks * kBlockBytes;

  static Ref<SegmentArena> make() { return Ref<SegmentArena>::adopt(new SegmentArena); }
  SegmentArena(const SegmentArena&) = delete;
  SegmentArena& operator=(const SegmentArena&) = delete;

  // Whether `size` is that of a piece.
  static bool serves(std::size_t size);
  // serves(size). Aligned to its size. Throws std::bad_alloc.
  void* take(std::size_t size);
  void give_back(void* memory, std::size_t size);

  // What the chunks occupy, free blocks included.
  std::size_t footprint() const;

  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void release();

 private:
  // Lies at the start of its own memory.
  struct Chunk {
    Buddy buddy;
    std::uint32_t index = 0;   // in chunks_
    std::uint32_t blocks = 0;  // taken, without those it lies in itself
  };
  static constexpr std::size_t kOrders = 8;  // of pieces: kBlockBytes << order

  SegmentArena() = default;
  ~SegmentArena();

  Chunk& chunk_with(unsigned order);
  Chunk& add_chunk();
  void drop(Chunk& chunk);
  Chunk& uppermost_empty();
  void note(const Chunk& chunk);

  mutable std::mutex mutex_;
  std::vector<Chunk*> chunks_;         // null: free to be used again
  std::vector<std::uint8_t> longest_;  // their buddies', close together
  // No chunk before it has a run of that order.
  std::array<std::size_t, kOrders> first_{};
  std::size_t mapped_ = 0;  // chunks
  std::size_t empty_ = 0;   // of them
  std::atomic<std::uint32_t> references_{1};
};

}  // namespace fanfare::fanout
