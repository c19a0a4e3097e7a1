// SegmentWriter: the lead shard's place in the segment that takes a channel's next event. All it
// needs for that is here, so that a publish touches only what it writes in the segment: the frame
// and its entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "broker/fanout/event_id.h"
#include "broker/fanout/segment.h"

#include "common/check.h"
#include "common/intrusive.h"

namespace fanfare::fanout {

class SegmentWriter {
 public:
  SegmentWriter() = default;
  // Writes `segment` from its beginning, whatever was in it.
  explicit SegmentWriter(Ref<Segment> segment) : segment_(std::move(segment)) {
    CHECK(segment_ && segment_->unshared(), "what others may read is never written again");
    capacity_ = segment_->capacity_;
  }

  explicit operator bool() const { return static_cast<bool>(segment_); }
  const Ref<Segment>& segment() const { return segment_; }
  std::uint32_t count() const { return count_; }
  std::uint32_t end() const { return end_; }

  // Is there room for a frame of `frame_size` with its entry, and is `sequence` near enough to the
  // first one (2^32) to be noted? Never without a segment.
  bool fits(std::size_t frame_size, Sequence sequence) const {
    const std::size_t used = end_ + (count_ + std::size_t{1}) * sizeof(Segment::Entry);
    return used + frame_size <= capacity_ && (count_ == 0 || sequence - first_ <= UINT32_MAX);
  }
  // Room for a frame of exactly `frame_size` bytes, to be filled at once; fits(frame_size,
  // sequence) holds, and `sequence` is newer than all before.
  std::span<char> append(std::size_t frame_size, Sequence sequence, std::uint32_t committed_s) {
    if (count_ == 0) segment_->first_sequence_ = first_ = sequence;
    ++count_;
    char* const begin = segment_->data();
    *(reinterpret_cast<Segment::Entry*>(begin + capacity_) - count_) =
        Segment::Entry{.sequence_offset = static_cast<std::uint32_t>(sequence - first_),
                       .frame_offset = end_,
                       .committed_s = committed_s};
    const std::span<char> frame(begin + end_, frame_size);
    end_ += static_cast<std::uint32_t>(frame_size);
    return frame;
  }
  // The event that was appended last, as a block of its own.
  Block newest(std::size_t frame_size, Sequence sequence) const {
    return {.first = count_ - 1,
            .count = count_,
            .begin = end_ - static_cast<std::uint32_t>(frame_size),
            .end = end_,
            .last = sequence};
  }
  // A frame of about `size` bytes is about to be appended: prefetches the memory it is written to.
  void expect(std::size_t size) const {
    if (!segment_) return;
    const char* const frame = segment_->bytes() + end_;
    for (std::size_t at = 0; at < size; at += kCacheLine) __builtin_prefetch(frame + at, 1);
    __builtin_prefetch(segment_->bytes() + capacity_ - (count_ + 1) * sizeof(Segment::Entry), 1);
  }

 private:
  Ref<Segment> segment_;
  std::uint32_t count_ = 0;
  std::uint32_t end_ = 0;
  std::uint32_t capacity_ = 0;
  Sequence first_ = 0;
};

}  // namespace fanfare::fanout
