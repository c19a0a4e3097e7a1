#include "broker/fanout/retention.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace fanfare::fanout {
namespace {

// What a segment needs beside the frame for the first event.
constexpr std::size_t kOverhead = sizeof(Segment) + sizeof(Segment::Entry) + 3;

// A quarter of what the channel keeps at most: then what is evicted but not yet released, and what
// is not yet filled, stay small beside it.
std::size_t footprint_max(const HistoryLimits& limits) {
  return std::clamp<std::uint64_t>(std::bit_floor(limits.bytes / 4), kSegmentFootprintMin,
                                   kSegmentFootprintMax);
}

// `share`: of the total, for each channel's last segment. Who holds more than others may have
// larger ones: what is unfilled of a segment is then still little beside what it holds.
std::size_t footprint_for(const Source& source, std::size_t frame_size, std::uint64_t share) {
  const std::size_t needed = frame_size + kOverhead;
  const std::uint64_t fair = std::bit_floor(std::max(share, source.window.bytes() / 16));
  const std::size_t usual =
      std::max(std::min<std::size_t>(source.next_footprint, fair), kSegmentFootprintMin);
  if (needed <= usual) return usual;
  return needed <= kSegmentFootprintMax ? std::bit_ceil(needed) : needed;
}

}  // namespace

void Retention::make_room(Source& source, std::size_t frame_size, Sequence sequence) {
  if (source.writer.fits(frame_size, sequence)) return;
  enforce(source);
  close(source);
  // With many channels, one segment must not drive out the history of several others.
  const std::uint64_t share = limits_.total_bytes / (4 * (holders_ + 1));
  const std::size_t footprint = footprint_for(source, frame_size, share);
  // Above total_bytes since that was lowered: shrink() sees to it, and here no more is added.
  const std::uint64_t most = std::max(limits_.total_bytes, segment_bytes_);
  while (oldest_ != nullptr && segment_bytes_ + footprint > most) evict_oldest_segment();
  source.writer = SegmentWriter(Segment::make(footprint - sizeof(Segment), arena_));
  source.next_footprint = std::min(std::bit_floor(footprint) * 2, footprint_max(source.limits));
  list(*source.writer.segment(), source);
}

void Retention::enforce(Source& source) {
  Window& window = source.window;
  while (window.events() > source.limits.events) {
    window.evict_oldest();
    ++counters_.by_events;
  }
  while (window.bytes() > source.limits.bytes) {
    window.evict_oldest();
    ++counters_.by_bytes;
  }
  collect(source);
}

void Retention::expire(Source& source, TimePoint now) {
  enforce(source);
  Window& window = source.window;
  const Duration age = source.limits.age;
  if (age.count() > 0 && !window.empty()) {
    // Entries have whole seconds: one more makes sure that no event leaves early.
    const std::int64_t second = whole_seconds(now - age);
    if (second > window.oldest_committed_s()) {
      draft_.touch(source);
      counters_.by_age +=
          window.evict(window.last_committed_before(static_cast<std::uint32_t>(second)));
    }
  }
  collect(source);
  if (!window.empty()) return;
  close(source);
  source.next_footprint = 0;
}

void Retention::clear(Source& source) {
  draft_.touch(source);
  counters_.by_erase += source.window.evict(source.window.last());
  close(source);
  source.next_footprint = 0;
}

bool Retention::shrink(std::size_t segments) {
  // The newest segment stays: one event may be larger than everything.
  const auto over = [this] { return oldest_ != newest_ && segment_bytes_ > limits_.total_bytes; };
  for (; segments > 0 && over(); --segments) evict_oldest_segment();
  return over();
}

void Retention::evict_oldest_segment() {
  Source& source = sources_.at(oldest_->queued_.channel);
  draft_.touch(source);
  if (source.window.newest_segment() != nullptr) {
    counters_.by_total_bytes += source.window.evict(source.window.last_of_oldest_segment());
  }
  if (source.writer.segment().get() == oldest_) {
    close(source);
  } else {
    collect(source);
  }
}

void Retention::close(Source& source) {
  if (!source.writer) return;
  draft_.tell_block(source);
  const Ref<Segment> closed = std::exchange(source.writer, {}).segment();
  source.told_count = 0;
  source.told_end = 0;
  source.told_segment = false;
  collect(source);
  if (closed->queued_.listed && source.window.newest_segment() != closed.get()) {
    retire(*closed);
  }
}

void Retention::collect(Source& source) {
  while (const Ref<Segment> dead = source.window.take_dead()) {
    if (dead != source.writer.segment()) retire(*dead);
  }
}

void Retention::list(Segment& segment, Source& source) {
  segment.queued_ = {.older = newest_, .newer = nullptr, .channel = source.id, .listed = true};
  if (source.segments++ == 0) ++holders_;
  (newest_ == nullptr ? oldest_ : newest_->queued_.newer) = &segment;
  newest_ = &segment;
  segment_bytes_ += segment.footprint();
}

void Retention::retire(Segment& segment) {
  const Segment::Queued queued = std::exchange(segment.queued_, {});
  (queued.older == nullptr ? oldest_ : queued.older->queued_.newer) = queued.newer;
  (queued.newer == nullptr ? newest_ : queued.newer->queued_.older) = queued.older;
  segment_bytes_ -= segment.footprint();
  if (--sources_.at(queued.channel).segments == 0) --holders_;
}

}  // namespace fanfare::fanout
