// Segment: an append-only page of one channel's encoded events, shared by all shards.
//
//   bytes                             end ->                <- entries        capacity
//   | frame | frame | frame | frame |      free      | e3 | e2 | e1 | e0 |
//
// A frame is one event as an HTTP/1.1 chunk: `size CRLF SSE-text CRLF`. Frames lie one after
// another, so that any run of events is one contiguous send. Entries grow from the back, one an
// event: its sequence (less the segment's first), where its frame starts, and when it was
// committed. Nothing that has been written is ever moved or changed, hence any shard may read below
// the end it has been told (through a mailbox, which orders the memory) while the lead shard
// appends above it. How far it is filled is not recorded here: the lead's SegmentWriter knows, and
// all other readers are told with each Block.
//
// The lead shard writes; every shard that has it in a window holds one reference, and so does each
// partly sent span. A shard also uses segments as plain buffers for spans that it builds itself
// (other framings, merged channels): then it writes to blank() and makes no entries.
//
// One piece of memory: this header, then `capacity` bytes. The log's come from an arena
// (broker/fanout/arena.h), unless of an unusual size, all others from the heap. There it is aligned
// like any other, not to a cache line: the C library (glibc before 2.38) never uses the hole that
// an over-aligned block leaves for another of the same size.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "broker/fanout/arena.h"
#include "broker/fanout/event_id.h"

#include "common/intrusive.h"

namespace fanfare::fanout {

inline constexpr std::size_t kCacheLine = 64;

class alignas(16) Segment {
 public:
  struct Entry {
    std::uint32_t sequence_offset;  // sequence - first_sequence()
    std::uint32_t frame_offset;     // from the first byte
    std::uint32_t committed_s;      // whole seconds of the log's clock
  };
  static_assert(sizeof(Entry) == 12);

  // Room for `capacity` bytes of frames and entries together; rounded up to a multiple of 4. Taken
  // from the arena, if there is one and it serves this footprint.
  static Ref<Segment> make(std::size_t capacity, const Ref<SegmentArena>& arena = {});
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  // Bytes this segment occupies, its header included: what total_bytes counts.
  std::size_t footprint() const { return sizeof(Segment) + capacity_; }
  std::size_t capacity() const { return capacity_; }
  // There is an event in it.
  Sequence first_sequence() const { return first_sequence_; }
  // `index` below a count that this thread has been told.
  const Entry& entry(std::uint32_t index) const {
    return *(entries_end() - (std::size_t{index} + 1));
  }
  Sequence sequence(std::uint32_t index) const {
    return first_sequence_ + entry(index).sequence_offset;
  }
  // The first of the entries [begin, count) whose sequence is newer than `sequence`; else `count`.
  // Looks near `begin` first: what is asked for is usually there.
  std::uint32_t index_after(Sequence sequence, std::uint32_t begin, std::uint32_t count) const;
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }

  // As a buffer: all the room there is, of a segment without entries.
  std::span<char> blank() { return {data(), capacity_}; }

  // There is no other reference: the only holder may reuse it.
  bool unshared() const { return references_.load(std::memory_order_acquire) == 1; }

  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(this);
  }

 private:
  friend class SegmentWriter;
  friend class SegmentList;

  // The lead shard's list of all segments, oldest first (segment_list.h).
  struct Queued {
    Segment* older = nullptr;
    Segment* newer = nullptr;
    std::uint32_t channel = 0;
    bool listed = false;
  };

  Segment(std::uint32_t capacity, Ref<SegmentArena> arena)
      : capacity_(capacity), arena_(std::move(arena)) {}
  ~Segment() = default;
  static void destroy(Segment* segment);

  char* data() { return reinterpret_cast<char*>(this + 1); }
  Entry* entries_end() { return reinterpret_cast<Entry*>(data() + capacity_); }
  const Entry* entries_end() const { return reinterpret_cast<const Entry*>(bytes() + capacity_); }

  // What others read comes first: 16 bytes never straddle two cache lines.
  std::uint32_t capacity_;
  std::atomic<std::uint32_t> references_{1};
  Sequence first_sequence_ = 0;
  Queued queued_;
  Ref<SegmentArena> arena_;  // null: of the heap
};

// Entries [first, count) of a segment, and their frames: its bytes [begin, end). It has at least
// one.
struct Block {
  std::uint32_t first;
  std::uint32_t count;
  std::uint32_t begin;
  std::uint32_t end;
  Sequence last;  // of its newest event

  std::uint32_t events() const { return count - first; }
  std::uint32_t bytes() const { return end - begin; }
};

}  // namespace fanfare::fanout
