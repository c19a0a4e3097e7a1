// Segment: an append-only page of one channel's encoded events, shared by all shards.
//
//   bytes_begin                       end ->                <- entries        capacity
//   | frame | frame | frame | frame |      free      | e3 | e2 | e1 | e0 |
//
// A frame is one event as an HTTP/1.1 chunk: `size CRLF SSE-text CRLF`. Frames lie one after
// another, so that any run of events is one contiguous send. Entries grow from the back, one an
// event: its sequence (less the segment's first), where its frame starts, and when it was
// committed. Nothing that has been written is ever moved or changed, hence any shard may read below
// the end it has been told (through a mailbox, which orders the memory) while the lead shard
// appends above it.
//
// The lead shard writes; every shard that has it in a window holds one reference, and so does each
// partly sent span.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "broker/fanout/event_id.h"

#include "common/intrusive.h"

namespace fanfare::fanout {

class Segment {
 public:
  struct Entry {
    std::uint32_t sequence_offset;  // sequence - first_sequence()
    std::uint32_t frame_offset;     // from the first byte
    std::uint32_t committed_s;      // whole seconds of the monotonic clock
  };
  static_assert(sizeof(Entry) == 12);

  // Room for `capacity` bytes of frames and entries together.
  static Ref<Segment> make(std::size_t capacity);

  // Lead only. The free bytes a frame of `size` would need, entry included, fit?
  bool fits(std::size_t frame_size) const;
  // Lead only: room for a frame of exactly `size` bytes, to be filled at once; fits(size) holds.
  std::span<char> append(std::size_t frame_size, Sequence sequence, std::uint32_t committed_s);

  std::size_t capacity() const;  // bytes this segment occupies; what total_bytes counts
  Sequence first_sequence() const;
  // `index` below a count that this thread has been told.
  const Entry& entry(std::uint32_t index) const;
  Sequence sequence(std::uint32_t index) const;
  const char* bytes() const;

  // Lead only: how far it is filled.
  std::uint32_t count() const;
  std::uint32_t end() const;

  void retain();
  void release();

 private:
  // The implementation decides; see segment.cc.
};

}  // namespace fanfare::fanout
