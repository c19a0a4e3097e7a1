#include "broker/fanout/keys.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "common/check.h"

namespace fanfare::fanout {
namespace {

constexpr std::size_t kFootprintMin = SegmentArena::kBlockBytes;
constexpr std::size_t kFootprintMax = SegmentArena::kPieceMax;

// The header, and what rounding may add.
constexpr std::size_t kPageOverhead = sizeof(Segment) + 3;

std::size_t footprint_for(std::size_t wanted, std::size_t needed) {
  const std::size_t usual = std::clamp(std::bit_floor(wanted), kFootprintMin, kFootprintMax);
  if (needed <= usual) return usual;
  return needed <= kFootprintMax ? std::bit_ceil(needed) : needed;
}

}  // namespace

Keys::Keys(NameHash hash, Ref<SegmentArena> arena, KeysTotals& totals, std::size_t removals_max,
           Duration removals_age, Sequence forgotten)
    : hash_(hash),
      arena_(std::move(arena)),
      totals_(totals),
      removals_max_(removals_max),
      removals_age_s_(removals_age / 1s),
      forgotten_through_(forgotten) {}

Keys::~Keys() {
  totals_.keys -= count_;
  totals_.value_bytes -= value_bytes_;
  account(-static_cast<std::int64_t>(page_bytes_));
}

std::uint32_t Keys::hash_of(std::string_view key) const {
  const std::uint64_t hash = hash_(key);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

Keys::Number Keys::find(std::string_view key, std::uint32_t hash) const {
  return index_.find(hash, [&](Number number) {
    const Key& known = at(number);
    return known.hash == hash && known.name() == key;
  });
}

std::size_t Keys::value_size(std::string_view key) const {
  const Number number = find(key, hash_of(key));
  return number == KeyIndex::kNone || at(number).removed != 0 ? 0 : at(number).size;
}

Keys::Number Keys::make(std::uint32_t hash) {
  Number number = 0;
  if (!free_.empty()) {
    number = free_.back();
    free_.pop_back();
  } else {
    if (chunks_.empty() || chunks_.back().size() == kChunk) chunks_.emplace_back();
    chunks_.back().emplace_back();
    number = static_cast<Number>((chunks_.size() - 1) * kChunk + chunks_.back().size() - 1);
  }
  at(number).hash = hash;
  index_.insert(number, [this](Number its) { return at(its).hash; });
  return number;
}

void Keys::release(Number number) {
  index_.erase(number, [this](Number its) { return at(its).hash; });
  at(number) = {};
  free_.push_back(number);
}

void Keys::append(Sequence sequence, std::string_view frame, std::string_view key, bool removes,
                  std::uint32_t committed_s) {
  newest_s_ = committed_s;
  const std::uint32_t hash = hash_of(key);
  Number number = find(key, hash);
  if (number == KeyIndex::kNone) number = make(hash);
  Key& its = at(number);
  const Key before = its;
  its.latest = sequence;
  its.text = frame.data() + frame.size() - (removes ? 1 : 0) - key.size();
  its.size = static_cast<std::uint32_t>(frame.size());
  its.removed = removes ? 1 : 0;
  its.text_size = static_cast<std::uint32_t>(key.size());
  if (before.latest > 0 && before.removed == 0) uncount(before.size);
  if (!removes) count(frame.size());
  in_window_.push_back(number);
  news_.changes.push_back({.sequence = sequence, .previous = before.latest, .removes = removes});
  if (before.latest == 0 || before.latest > left_through_) return;
  if (before.removed != 0) --removals_count_;
  die(before.latest, before.size);
}

void Keys::count(std::size_t size) {
  ++count_;
  ++totals_.keys;
  value_bytes_ += size;
  totals_.value_bytes += size;
}

void Keys::uncount(std::size_t size) {
  --count_;
  --totals_.keys;
  value_bytes_ -= size;
  totals_.value_bytes -= size;
}

void Keys::leave(const Window::Run& run) {
  for (std::uint32_t i = 0; i < run.events; ++i) {
    const Segment::Entry& entry = run.segment->entry(run.first + i);
    const Sequence sequence = run.segment->first_sequence() + entry.sequence_offset;
    const Number number = in_window_.front();
    in_window_.pop_front();
    left_through_ = sequence;
    Key& key = at(number);
    if (key.latest != sequence) continue;
    keep(number, {run.segment->bytes() + entry.frame_offset, key.size}, entry.committed_s);
    if (key.removed == 0) continue;
    removals_.push_back({.number = number, .committed_s = entry.committed_s, .sequence = sequence});
    ++removals_count_;
    // More of them may have become old enough meanwhile.
    for (int most = 4; most > 0 && removals_count_ > removals_max_; --most) {
      if (!forget_oldest_removal()) break;
    }
  }
}

// False: it is too young.
bool Keys::forget_oldest_removal() {
  // Those of keys that were set again are out of date.
  while (at(removals_.front().number).latest != removals_.front().sequence) removals_.pop_front();
  const Removal oldest = removals_.front();
  if (std::int64_t{newest_s_} - oldest.committed_s < removals_age_s_) return false;
  removals_.pop_front();
  const std::size_t size = at(oldest.number).size;
  forgotten_through_ = oldest.sequence;
  news_.changes.push_back({.sequence = 0, .previous = oldest.sequence, .removes = true});
  release(oldest.number);
  --removals_count_;
  die(oldest.sequence, size);
  return true;
}

void Keys::erase(Sequence head) {
  index_.clear();
  chunks_.clear();
  free_.clear();
  in_window_.clear();
  removals_.clear();
  removals_count_ = 0;
  totals_.keys -= std::exchange(count_, 0);
  totals_.value_bytes -= std::exchange(value_bytes_, 0);
  account(-static_cast<std::int64_t>(page_bytes_));
  pages_.clear();
  open_ = {};
  left_through_ = head;
  told_open_ = 0;
  news_ = {.erased = true};
}

void Keys::account(std::int64_t footprint) {
  page_bytes_ += static_cast<std::uint64_t>(footprint);
  totals_.kept_bytes += static_cast<std::uint64_t>(footprint);
}

// ---- the pages

void Keys::keep(Number number, std::string_view frame, std::uint32_t committed_s) {
  if (!open_ || !open_.fits(frame.size(), at(number).latest)) {
    tell_open_page();
    open_page(frame.size(), page_bytes_ / 8);
  }
  write(pages_.back(), number, frame, committed_s);
}

// A page for a frame of that size and about `room` bytes in all.
void Keys::open_page(std::size_t frame_size, std::size_t room) {
  const std::size_t needed = kPageOverhead + frame_size + sizeof(Segment::Entry);
  const std::size_t footprint = footprint_for(room, needed);
  open_ = SegmentWriter(Segment::make(footprint - sizeof(Segment), arena_));
  told_open_ = 0;
  pages_.push_back({.segment = open_.segment(), .numbers = {}});
  account(static_cast<std::int64_t>(open_.segment()->footprint()));
}

void Keys::write(Page& page, Number number, std::string_view frame, std::uint32_t committed_s) {
  Key& key = at(number);
  const std::span<char> to = open_.append(frame.size(), key.latest, committed_s);
  std::ranges::copy(frame, to.begin());
  key.text = to.data() + (key.text - frame.data());
  if (page.count == 0) page.first = key.latest;
  page.last = key.latest;
  page.count = open_.count();
  page.end = open_.end();
  page.live_bytes += static_cast<std::uint32_t>(frame.size());
  page.numbers.push_back(number);
}

void Keys::die(Sequence sequence, std::size_t size) {
  const auto newer = std::ranges::partition_point(
      pages_, [=](const Page& page) { return page.first <= sequence; });
  CHECK(newer != pages_.begin(), "what has left the window is kept");
  const auto index = static_cast<std::size_t>(newer - pages_.begin()) - 1;
  Page& page = pages_[index];
  page.live_bytes -= static_cast<std::uint32_t>(size);
  if (page.live_bytes == 0) {
    drop(index);
    return;
  }
  if (page.live_bytes >= page.end / 2) return;
  const auto fits = [&](std::size_t neighbour) {
    return neighbour < pages_.size() &&
           pages_[neighbour].live_bytes + page.live_bytes <= kFootprintMax / 2;
  };
  if (index > 0 && fits(index - 1)) {
    rewrite(index - 1, index);
  } else if (fits(index + 1)) {
    rewrite(index, index + 1);
  } else {
    rewrite(index, index);
  }
}

void Keys::drop(std::size_t page) {
  const Sequence first = pages_[page].first;
  account(-static_cast<std::int64_t>(pages_[page].segment->footprint()));
  if (page + 1 == pages_.size()) open_ = {}, told_open_ = 0;
  pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(page));
  news_.pages.push_back({.from = first, .to = first, .segment = {}, .block = {}});
}

// What lives in pages [first, last] is put into one new page in their place. It stays open if the
// last of all pages is among them.
void Keys::rewrite(std::size_t first, std::size_t last) {
  const auto begin = pages_.begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = pages_.begin() + static_cast<std::ptrdiff_t>(last) + 1;
  const bool stays_open = last + 1 == pages_.size() && open_;
  const std::vector<Page> old(std::make_move_iterator(begin), std::make_move_iterator(end));
  std::vector<Page> after(std::make_move_iterator(end), std::make_move_iterator(pages_.end()));
  pages_.erase(begin, pages_.end());
  SegmentWriter open = std::exchange(open_, {});
  const std::uint32_t told_open = told_open_;
  std::size_t live = kPageOverhead;
  for (const Page& page : old) {
    live += page.live_bytes + page.numbers.size() * sizeof(Segment::Entry);
    account(-static_cast<std::int64_t>(page.segment->footprint()));
  }
  open_page(live - kPageOverhead, 0);
  for (const Page& page : old) {
    for (std::uint32_t i = 0; i < page.count; ++i) {
      const Number number = page.numbers[i];
      const Segment::Entry& entry = page.segment->entry(i);
      const Key& key = at(number);
      if (key.latest != page.segment->first_sequence() + entry.sequence_offset) continue;
      write(pages_.back(), number, {page.segment->bytes() + entry.frame_offset, key.size},
            entry.committed_s);
    }
  }
  const Page& made = pages_.back();
  news_.pages.push_back(
      {.from = old.front().first,
       .to = old.back().first,
       .segment = made.segment,
       .block = {.first = 0, .count = made.count, .begin = 0, .end = made.end, .last = made.last}});
  if (stays_open) {
    told_open_ = made.count;
    return;
  }
  open_ = std::move(open);
  told_open_ = told_open;
  pages_.insert(pages_.end(), std::make_move_iterator(after.begin()),
                std::make_move_iterator(after.end()));
}

void Keys::tell_open_page() {
  if (!open_ || open_.count() == told_open_) return;
  const Page& page = pages_.back();
  told_open_ = page.count;
  news_.pages.push_back(
      {.from = page.first,
       .to = page.first,
       .segment = page.segment,
       .block = {.first = 0, .count = page.count, .begin = 0, .end = page.end, .last = page.last}});
}

std::shared_ptr<const KeyNews> Keys::tell() {
  tell_open_page();
  if (!news_.erased && news_.changes.empty() && news_.pages.empty()) return nullptr;
  news_.forgotten_through = forgotten_through_;
  return std::make_shared<const KeyNews>(std::exchange(news_, {}));
}

}  // namespace fanfare::fanout
