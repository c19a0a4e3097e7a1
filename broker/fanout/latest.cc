#include "broker/fanout/latest.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/check.h"

namespace fanfare::fanout {

void Latest::apply(const KeyNews& news) {
  if (news.erased) {
    pages_.clear();
    kept_.clear();
    count_ = 0;
  }
  for (const KeyChange& change : news.changes) {
    if (change.previous > 0) die(change.previous);
    if (change.sequence > 0) append(change.sequence, change.removes);
  }
  for (const KeptReplaced& replaced : news.pages) replace(replaced);
  forgotten_through_ = news.forgotten_through;
}

void Latest::append(Sequence sequence, bool removes) {
  if (pages_.empty() || pages_.back().places.size() == kPagePlaces ||
      sequence - pages_.back().first > kOffset) {
    pages_.push_back({.first = sequence, .live = 0, .places = {}});
  }
  Page& page = pages_.back();
  page.places.push_back(static_cast<std::uint32_t>(sequence - page.first) |
                        (removes ? kRemoval : 0U));
  ++page.live;
  ++count_;
}

void Latest::die(Sequence sequence) {
  const auto newer = std::ranges::partition_point(
      pages_, [=](const Page& page) { return page.first <= sequence; });
  CHECK(newer != pages_.begin(), "what dies was the latest of its key");
  const auto index = static_cast<std::size_t>(newer - pages_.begin()) - 1;
  Page& page = pages_[index];
  const auto offset = static_cast<std::uint32_t>(sequence - page.first);
  const auto place = std::ranges::partition_point(
      page.places, [=](std::uint32_t one) { return (one & kOffset) < offset; });
  CHECK(place != page.places.end() && (*place & ~kRemoval) == offset, "it dies once");
  *place |= kDead;
  --page.live;
  --count_;
  if (std::size_t{page.live} * 2 >= page.places.size()) return;
  const auto goes_with_next = [&](std::size_t one) {
    return one + 1 < pages_.size() && pages_[one].live + pages_[one + 1].live <= kPagePlaces / 2 &&
           pages_[one + 1].first - pages_[one].first <= kOffset / 2;
  };
  if (index > 0 && goes_with_next(index - 1)) {
    merge(index - 1, index);
  } else if (goes_with_next(index)) {
    merge(index, index + 1);
  } else {
    merge(index, index);
  }
}

// What lives in pages [first, last] is put into one.
void Latest::merge(std::size_t first, std::size_t last) {
  Page merged;
  merged.places.reserve(pages_[first].live + (first == last ? 0 : pages_[last].live));
  for (std::size_t i = first; i <= last; ++i) {
    const Page& page = pages_[i];
    for (const std::uint32_t place : page.places) {
      if ((place & kDead) != 0) continue;
      const Sequence sequence = page.first + (place & kOffset);
      if (merged.live == 0) merged.first = sequence;
      merged.places.push_back(static_cast<std::uint32_t>(sequence - merged.first) |
                              (place & kRemoval));
      ++merged.live;
    }
  }
  auto begin = pages_.begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = pages_.begin() + static_cast<std::ptrdiff_t>(last) + 1;
  if (merged.live > 0) *begin++ = std::move(merged);
  pages_.erase(begin, end);
}

void Latest::replace(const KeptReplaced& replaced) {
  const auto begin = std::ranges::partition_point(
      kept_, [&](const KeptPage& page) { return page.first < replaced.from; });
  const auto end = std::partition_point(
      begin, kept_.end(), [&](const KeptPage& page) { return page.first <= replaced.to; });
  const auto at = kept_.erase(begin, end);
  if (!replaced.segment) return;
  kept_.insert(at, {.segment = replaced.segment,
                    .count = replaced.block.count,
                    .end = replaced.block.end,
                    .first = replaced.segment->first_sequence()});
}

std::size_t Latest::count_after(Sequence sequence) const {
  std::size_t count = 0;
  for (auto page = pages_.rbegin(); page != pages_.rend() && page->first > sequence; ++page) {
    count += page->live;
  }
  const Position position = after(sequence);
  if (position == end() || pages_[position.page].first > sequence) return count;
  return count + pages_[position.page].places.size() - position.index;
}

Latest::Position Latest::after(Sequence sequence, Sequence removals_after) const {
  const auto newer = std::ranges::partition_point(
      pages_, [=](const Page& page) { return page.first <= sequence; });
  if (newer == pages_.begin()) return settled({.page = 0, .index = 0}, removals_after);
  const auto number = static_cast<std::size_t>(newer - pages_.begin()) - 1;
  const Page& page = pages_[number];
  const Sequence offset = sequence - page.first;
  const auto place = std::ranges::partition_point(
      page.places, [=](std::uint32_t one) { return (one & kOffset) <= offset; });
  return settled({.page = number, .index = static_cast<std::uint32_t>(place - page.places.begin())},
                 removals_after);
}

Latest::Position Latest::settled(Position position, Sequence removals_after) const {
  for (; position.page < pages_.size(); position = {.page = position.page + 1, .index = 0}) {
    const Page& page = pages_[position.page];
    for (; position.index < page.places.size(); ++position.index) {
      const std::uint32_t place = page.places[position.index];
      if ((place & kDead) != 0) continue;
      if ((place & kRemoval) != 0 && page.first + (place & kOffset) <= removals_after) continue;
      return position;
    }
  }
  return end();
}

Window::Place Latest::place(Sequence sequence, const Window& window) const {
  if (sequence > window.evicted_through()) return window.place(sequence);
  const auto newer = std::ranges::partition_point(
      kept_, [=](const KeptPage& page) { return page.first <= sequence; });
  CHECK(newer != kept_.begin(), "what has left the window is kept");
  const KeptPage& page = *std::prev(newer);
  return {.segment = page.segment.get(),
          .index = page.segment->index_after(sequence - 1, 0, page.count),
          .count = page.count,
          .end = page.end};
}

// Pages, kept ones and then the window's, are in the order of the log: an event that lies between
// two events of a page is in that page.
void Latest::approach(Position position, const Window& window, Window::Place& near) const {
  const Sequence sequence = this->sequence(position);
  near = near.further(sequence);
  if (near.segment == nullptr) near = place(sequence, window);
  CHECK(near.index < near.count && near.segment->sequence(near.index) == sequence, "it is there");
}

void Latest::run(Position from, Sequence through, std::size_t bytes_max, Sequence removals_after,
                 const Window& window, Window::Place& near, Window::Run& run) const {
  approach(from, window, near);
  Segment& segment = *near.segment;
  const std::size_t begin = segment.entry(near.index).frame_offset;
  run.segment = &segment;
  run.data = segment.bytes() + begin;
  run.size = near.frame_end() - begin;
  run.first = near.index;
  run.last = sequence(from);
  Position next = settled({.page = from.page, .index = from.index + 1}, removals_after);
  // As long as the next one that counts lies behind this one.
  for (Window::Place further = near; ++further.index < near.count && next != end();) {
    const Sequence its = sequence(next);
    if (its > through || its != segment.sequence(further.index)) break;
    const std::size_t size = further.frame_end() - begin;
    if (size > bytes_max) break;
    run.size = size;
    run.last = its;
    near.index = further.index;
    next = settled({.page = next.page, .index = next.index + 1}, removals_after);
  }
  run.events = near.index - run.first + 1;
  run.next = next;
}

}  // namespace fanfare::fanout
