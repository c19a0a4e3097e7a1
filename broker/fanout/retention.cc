#include "broker/fanout/retention.h"

#include <algorithm>
#include <bit>

namespace fanfare::fanout {
namespace {

// What a segment needs in addition to the frame for the first event.
constexpr std::size_t kOverhead = sizeof(Segment) + sizeof(Segment::Entry) + 3;

// At most a quarter of what the channel keeps, so that the parts that are evicted but not yet
// released, or not yet filled, stay small compared with it.
std::size_t footprint_max(const HistoryLimits& limits) {
  return std::clamp<std::uint64_t>(std::bit_floor(limits.bytes / 4), kSegmentFootprintMin,
                                   kSegmentFootprintMax);
}

// Events of a channel that keeps the latest of each key, leaving at once.
constexpr std::uint64_t kKeysAtOnce = 16'384;

// The sequence of the last of the oldest `events`.
Sequence oldest_through(const Window& window, std::uint64_t events) {
  if (window.events() <= events) return window.last();
  return window.sequence(window.back(window.end(), window.events() - events)) - 1;
}

// `share`: of the total, for each channel's last segment. A channel that already holds much may get
// larger segments; the unfilled part stays small relative to its history.
std::size_t footprint_for(const Source& source, std::size_t frame_size, std::uint64_t share) {
  const std::size_t needed = frame_size + kOverhead;
  const std::uint64_t fair = std::bit_floor(std::max(share, source.window.bytes() / 16));
  const std::size_t next =
      std::min(std::bit_floor(source.last_footprint) * 2, footprint_max(source.limits));
  const std::size_t usual = std::max(std::min<std::size_t>(next, fair), kSegmentFootprintMin);
  if (needed <= usual) return usual;
  return needed <= kSegmentFootprintMax ? std::bit_ceil(needed) : needed;
}

}  // namespace

void Retention::make_room(Source& source, std::size_t frame_size) {
  enforce(source);
  if (source.writer) log_.apply(CloseSegment{.channel = source.id, .small_next = false});
  const SegmentList& segments = log_.segments();
  // With many channels, one segment must not drive out the history of several others.
  const std::uint64_t share = limits_.total_bytes / (4 * (segments.holders() + 1));
  const std::size_t footprint = footprint_for(source, frame_size, share);
  // If total_bytes was lowered below what is held, shrink() brings it down; here nothing is added.
  const std::uint64_t most = std::max(limits_.total_bytes, log_.bytes());
  while (segments.oldest() != nullptr && log_.bytes() + footprint > most) {
    evict_oldest_segment();
  }
  log_.apply(OpenSegment{.channel = source.id, .footprint = footprint});
}

std::uint64_t Retention::evict(Source& source, const Window::Cut& cut) {
  const std::uint64_t before = source.window.events();
  log_.apply(Evict{.channel = source.id, .through = cut.through}, source, cut);
  return before - source.window.events();
}

void Retention::enforce(Source& source) {
  const Window& window = source.window;
  if (window.events() <= source.limits.events && window.bytes() <= source.limits.bytes) return;
  Window::Cut cut = window.uncut();
  while (cut.events > source.limits.events) {
    window.cut_oldest(cut);
    ++counters_.by_events;
  }
  while (cut.bytes > source.limits.bytes) {
    window.cut_oldest(cut);
    ++counters_.by_bytes;
  }
  evict(source, cut);
}

void Retention::expire(Source& source, LogTime now) {
  enforce(source);
  const Window& window = source.window;
  const Duration age = source.limits.age;
  if (age.count() > 0 && !window.empty()) {
    // Entries have whole seconds: one more makes sure that no event leaves early.
    const std::int64_t second = (now - age).whole_seconds();
    if (second > window.oldest_committed_s()) {
      Sequence through = window.last_committed_before(static_cast<std::uint32_t>(second));
      // Each of these may have to be copied.
      if (source.keys) through = std::min(through, oldest_through(window, kKeysAtOnce));
      counters_.by_age += evict(source, window.cut_after(through));
    }
  }
  if (!window.empty() || (!source.writer && source.last_footprint == 0)) return;
  log_.apply(CloseSegment{.channel = source.id, .small_next = true});
}

void Retention::erase(Source& source, LogTime now) {
  counters_.by_erase += source.window.events();
  log_.apply(Erase{.channel = source.id, .time = now});
}

bool Retention::shrink(std::size_t segments) {
  // The newest segment stays: one event may be larger than everything.
  const SegmentList& all = log_.segments();
  const auto over = [&] {
    return all.oldest() != all.newest() && log_.bytes() > limits_.total_bytes;
  };
  for (; segments > 0 && over(); --segments) evict_oldest_segment();
  return over();
}

void Retention::evict_oldest_segment() {
  const Segment* const oldest = log_.segments().oldest();
  Source& source = *log_.sources().all()[SegmentList::channel(*oldest)];
  const Window& window = source.window;
  if (window.newest_segment() != nullptr) {
    counters_.by_total_bytes += evict(source, window.cut_after(window.last_of_oldest_segment()));
  }
  if (source.writer.segment().get() == oldest) {
    log_.apply(CloseSegment{.channel = source.id, .small_next = false});
  }
}

}  // namespace fanfare::fanout
