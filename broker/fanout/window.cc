#include "broker/fanout/window.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace fanfare::fanout {

Window::Position Window::append(const Ref<Segment>& segment, const Block& block) {
  if (segment && newest_.segment != segment) open_page(segment, block);
  CHECK(newest_.segment, "without a segment named, a block goes on in the newest");
  CHECK(block.first == newest_.count, "a block begins where the one before it ended");
  events_ += block.events();
  bytes_ += block.bytes();
  newest_.count = block.count;
  newest_.end = block.end;
  last_ = block.last;
  return {.page = newest_page(), .index = block.first};
}

// A segment may come back after all it had was evicted and its page handed back: then the block
// does not begin with its first entry.
void Window::open_page(const Ref<Segment>& segment, const Block& block) {
  const bool all_evicted = first_ == end();
  if (newest_.segment) older_.push_back(std::move(newest_));
  newest_ = Page{.segment = segment,
                 .count = block.first,
                 .end = block.begin,
                 .pins = 0,
                 .first = segment->first_sequence()};
  if (all_evicted) first_ = {.page = newest_page(), .index = block.first};
}

Window::Cut Window::cut_after(Sequence through) const {
  Cut cut = uncut();
  if (through <= evicted_through_) return cut;
  advance(cut, after(through));
  cut.through = through;
  return cut;
}

void Window::cut_oldest(Cut& cut) const {
  CHECK(cut.events > 0, "there is an oldest event");
  const Page& page = at(cut.first.page);
  const std::uint32_t index = cut.first.index;
  const Segment::Entry& oldest = page.segment->entry(index);
  cut.through = page.first + oldest.sequence_offset;
  if (index + 1 == page.count) {
    advance(cut, settled({.page = cut.first.page, .index = index + 1}));
    return;
  }
  --cut.events;
  cut.bytes -= page.segment->entry(index + 1).frame_offset - oldest.frame_offset;
  ++cut.first.index;
}

void Window::evict(const Cut& cut) {
  first_ = cut.first;
  evicted_through_ = cut.through;
  events_ = cut.events;
  bytes_ = cut.bytes;
}

std::uint64_t Window::evict(Sequence through) {
  const std::uint64_t before = events_;
  evict(cut_after(through));
  return before - events_;
}

void Window::evict(Sequence through, std::uint64_t events_left, std::uint64_t bytes_left) {
  CHECK(events_left <= events_, "both windows had the same events");
  std::uint64_t leave = events_ - events_left;
  for (; first_.page < newest_page(); first_ = {.page = first_.page + 1, .index = 0}) {
    const std::uint32_t here = at(first_.page).count - first_.index;
    if (leave < here) break;
    leave -= here;
  }
  first_.index += static_cast<std::uint32_t>(leave);
  events_ = events_left;
  bytes_ = bytes_left;
  evicted_through_ = through;
}

void Window::advance(Cut& cut, Position to) const {
  while (cut.first < to) {
    const Page& page = at(cut.first.page);
    const std::uint32_t stop = cut.first.page == to.page ? to.index : page.count;
    cut.events -= stop - cut.first.index;
    cut.bytes -= frame_offset(page, stop) - frame_offset(page, cut.first.index);
    if (cut.first.page == to.page) break;
    cut.first = {.page = cut.first.page + 1, .index = 0};
  }
  cut.first = to;
}

Ref<Segment> Window::take_dead() {
  if (!newest_.segment || at(oldest_).pins != 0) return {};
  if (first_.page == oldest_ && !empty()) return {};
  Ref<Segment> dead;
  if (oldest_ == newest_page()) {
    dead = std::move(newest_.segment);
    newest_ = {};
    base_ = ++oldest_;
    older_.clear();
    older_.shrink_to_fit();  // an empty channel keeps no memory of its busiest time
  } else {
    dead = std::move(at(oldest_).segment);
    // Half of them at once: each page is moved once at most, on average.
    const std::size_t gone = ++oldest_ - base_;
    if (gone * 2 > older_.size()) {
      older_.erase(older_.begin(), older_.begin() + static_cast<std::ptrdiff_t>(gone));
      base_ = oldest_;
    }
  }
  if (first_.page < oldest_) first_ = end();
  return dead;
}

Window::Position Window::end() const {
  return {.page = newest_page(), .index = newest_.count};
}

Window::Position Window::settled(Position position) const {
  if (position.page < newest_page() && position.index == at(position.page).count) {
    return {.page = position.page + 1, .index = 0};
  }
  return position;
}

Window::Position Window::after(Sequence sequence) const {
  if (empty() || sequence >= last_) return end();
  const std::uint64_t number = page_of(sequence);
  const Page& page = at(number);
  const std::uint32_t begin = number == first_.page ? first_.index : 0;
  return settled({.page = number, .index = page.segment->index_after(sequence, begin, page.count)});
}

// The newest page that begins at or before `sequence`, or the first that has live events.
std::uint64_t Window::page_of(Sequence sequence) const {
  if (newest_.first <= sequence) return newest_page();
  const auto first = older_.begin() + static_cast<std::ptrdiff_t>(first_.page - base_);
  if (first == older_.end()) return first_.page;
  const auto newer = std::partition_point(first, older_.end(),
                                          [=](const Page& page) { return page.first <= sequence; });
  return first_.page + static_cast<std::uint64_t>(std::max<std::ptrdiff_t>(newer - first, 1)) - 1;
}

Window::Position Window::back(Position position, std::uint64_t count) const {
  while (position > first_) {
    const std::uint32_t start = position.page == first_.page ? first_.index : 0;
    if (count <= position.index - start) {
      return {.page = position.page, .index = position.index - static_cast<std::uint32_t>(count)};
    }
    if (position.page == first_.page) break;
    count -= position.index;
    position = {.page = position.page - 1, .index = at(position.page - 1).count};
  }
  return first_;
}

// Some nanoseconds a page, from whichever end is nearer.
std::uint64_t Window::count_from(Position position) const {
  const bool near_end = newest_page() - position.page <= position.page - first_.page;
  std::uint64_t count = near_end ? 0 : events_;
  if (near_end) {
    for (std::uint64_t page = position.page; page <= newest_page(); ++page) count += at(page).count;
    return count - position.index;
  }
  for (std::uint64_t page = first_.page; page < position.page; ++page) count -= at(page).count;
  return count + first_.index - position.index;
}

Sequence Window::last_committed_before(std::uint32_t second) const {
  Sequence newest = evicted_through_;
  for (std::uint64_t number = first_.page; !empty() && number <= newest_page(); ++number) {
    const Page& page = at(number);
    std::uint32_t low = number == first_.page ? first_.index : 0;
    std::uint32_t high = page.count;
    const std::uint32_t start = low;
    while (low < high) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (page.segment->entry(middle).committed_s < second) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low > start) newest = page.segment->sequence(low - 1);
    if (low < page.count) break;
  }
  return newest;
}

Sequence Window::sequence(Position position) const {
  const Page& page = at(position.page);
  return page.first + page.segment->entry(position.index).sequence_offset;
}

const Segment::Entry& Window::entry(Position position) const {
  return at(position.page).segment->entry(position.index);
}

Window::Place Window::place(Sequence sequence) const {
  const Position position = after(sequence - 1);
  const Page& page = at(position.page);
  return {
      .segment = page.segment.get(), .index = position.index, .count = page.count, .end = page.end};
}

Window::Place Window::Place::further(Sequence sequence) const {
  if (segment == nullptr || segment->sequence(index) > sequence ||
      segment->sequence(count - 1) < sequence) {
    return {};
  }
  return {.segment = segment,
          .index = segment->index_after(sequence - 1, index, count),
          .count = count,
          .end = end};
}

Window::Run Window::run(Position from, Sequence through, std::size_t bytes_max) const {
  const Page& page = at(from.page);
  const Segment& segment = *page.segment;
  const std::uint32_t begin = segment.entry(from.index).frame_offset;
  std::uint32_t stop = page.count;
  if (segment.sequence(stop - 1) > through) stop = segment.index_after(through, from.index, stop);
  if (frame_offset(page, stop) - begin > bytes_max) {
    // The last entry whose frame ends within the bound.
    std::uint32_t low = from.index + 1;
    std::uint32_t high = stop;
    while (low < high) {
      const std::uint32_t middle = low + (high - low + 1) / 2;
      if (frame_offset(page, middle) - begin <= bytes_max) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    stop = low;
  }
  CHECK(stop > from.index, "the event at `from` is not newer than `through`");
  return {.segment = page.segment.get(),
          .data = segment.bytes() + begin,
          .size = frame_offset(page, stop) - begin,
          .events = stop - from.index,
          .first = from.index,
          .last = segment.sequence(stop - 1),
          .next = settled({.page = from.page, .index = stop})};
}

}  // namespace fanfare::fanout
