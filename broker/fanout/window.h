// Window: a channel's recent events in memory, as one thread knows them: a run of segments, told up
// to a count each. The lead shard has one per channel, and so has every shard. It costs no memory
// per event, and to append to the newest segment touches nothing but this.
//
//   pages:  | evicted, pinned | evicted | live live | live live | live  free |
//           base              first ────────────────────────────────── end
//
// What evict() takes out is gone for readers at once; its pages stay for as long as a position that
// was pinned lies in them (a round that has not sent them yet), and are then handed back by
// take_dead().
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/fanout/event_id.h"
#include "broker/fanout/segment.h"

#include "common/intrusive.h"

namespace fanfare::fanout {

class Window {
 public:
  // The position of an event, or of the next one. Page numbers only ever grow.
  struct Position {
    std::uint64_t page = 0;
    std::uint32_t index = 0;
    friend auto operator<=>(const Position&, const Position&) = default;
  };
  // Events that lie in one segment one after another, as frames.
  struct Run {
    Segment* segment = nullptr;
    const char* data = nullptr;
    std::size_t size = 0;
    std::uint32_t events = 0;
    std::uint32_t first = 0;  // the entry of its first event
    Sequence last = 0;
    Position next;  // after the run
  };

  // An event in its segment, of which so many entries, and bytes, are known.
  struct Place {
    Segment* segment = nullptr;
    std::uint32_t index = 0;
    std::uint32_t count = 0;
    std::uint32_t end = 0;

    // Where the segment's event of that number is, if this one is not newer; no segment: not here.
    Place further(Sequence sequence) const;
    // Behind its frame.
    std::size_t frame_end() const {
      return index + 1 == count ? end : segment->entry(index + 1).frame_offset;
    }
  };

  // `block` follows all that the window has. Its segment is that of the last append (then it may be
  // null, if the window is not empty), or one without events known to this window. Returns the
  // position of its first event.
  Position append(const Ref<Segment>& segment, const Block& block);
  // What is left when the oldest events leave: planned first, and carried out by evict().
  struct Cut {
    Position first;
    Sequence through = 0;
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
  };
  Cut uncut() const {
    return {.first = first_, .through = evicted_through_, .events = events_, .bytes = bytes_};
  }
  // Everything up to and including `through` leaves.
  Cut cut_after(Sequence through) const;
  // One more leaves; cut.events > 0.
  void cut_oldest(Cut& cut) const;
  // The cut was planned on this window as it is now.
  void evict(const Cut& cut);
  // Everything up to and including `through` leaves. Returns how many events that were.
  std::uint64_t evict(Sequence through);
  // The same, where another window with the same events has done it and counted what is left.
  // Touches no segment.
  void evict(Sequence through, std::uint64_t events_left, std::uint64_t bytes_left);
  // What was evicted before this window was made (from a tombstone).
  void inherit(Sequence evicted_through) { evicted_through_ = evicted_through; }
  // The oldest event is about to leave: prefetches the place of its entry, then the entry.
  void expect_eviction() const {
    if (!empty()) __builtin_prefetch(&at(first_.page));
  }
  void expect_eviction_soon() const {
    if (!empty()) __builtin_prefetch(&entry(first_));
  }
  // A page without live events and pins is handed back, or null.
  Ref<Segment> take_dead();

  void pin(std::uint64_t page) { ++at(page).pins; }
  void unpin(std::uint64_t page) { --at(page).pins; }

  // Null: it holds none.
  const Segment* newest_segment() const { return newest_.segment.get(); }
  // The newest event in the oldest segment it holds; it holds one.
  Sequence last_of_oldest_segment() const {
    const Page& page = at(oldest_);
    return page.segment->sequence(page.count - 1);
  }
  bool empty() const { return events_ == 0; }
  std::uint64_t events() const { return events_; }
  std::uint64_t bytes() const { return bytes_; }  // of frames
  Sequence first() const { return empty() ? 0 : sequence(first_); }
  Sequence last() const { return empty() ? 0 : last_; }
  Sequence newest_ever() const { return last_; }
  Sequence evicted_through() const { return evicted_through_; }
  // Seconds of the log's clock; not empty().
  std::uint32_t oldest_committed_s() const { return entry(first_).committed_s; }
  // The newest event committed before `second`, or evicted_through() if there is none.
  Sequence last_committed_before(std::uint32_t second) const;

  // Calls `visit(segment, first, count, begin, end)` for each segment with live events, the oldest
  // first: its entries [first, count), the bytes [begin, end) of their frames.
  template <class Visit>
  void for_each_segment(const Visit& visit) const {
    if (empty()) return;
    for (std::uint64_t number = first_.page; number <= newest_page(); ++number) {
      const Page& page = at(number);
      const std::uint32_t first = number == first_.page ? first_.index : 0;
      if (first == page.count) continue;
      visit(*page.segment, first, page.count, page.segment->entry(first).frame_offset, page.end);
    }
  }

  Position begin() const { return first_; }
  Position end() const;
  // The first live event newer than `sequence`, or end().
  Position after(Sequence sequence) const;
  // How many events there are from `position` on; position >= begin().
  std::uint64_t count_from(Position position) const;
  // The event `count` events before `position`, not further back than begin().
  Position back(Position position, std::uint64_t count) const;
  // position < end(), and it is live or pinned.
  Sequence sequence(Position position) const;
  const Segment::Entry& entry(Position position) const;
  // It is in the window.
  Place place(Sequence sequence) const;
  // The longest run from `from` of events up to `through` that lies in one segment and has at most
  // `bytes_max`, but at least one event; from < end() and its event is not newer than `through`.
  Run run(Position from, Sequence through, std::size_t bytes_max) const;

 private:
  struct Page {
    Ref<Segment> segment;
    std::uint32_t count = 0;  // entries this thread has been told of
    std::uint32_t end = 0;    // bytes
    std::uint32_t pins = 0;
    Sequence first = 0;  // the segment's, which is far away
  };
  static_assert(sizeof(Page) == 32, "two to a cache line");

  const Page& at(std::uint64_t page) const {
    return page == newest_page() ? newest_ : older_[page - base_];
  }
  Page& at(std::uint64_t page) { return page == newest_page() ? newest_ : older_[page - base_]; }
  std::uint64_t newest_page() const { return base_ + older_.size(); }
  std::uint32_t frame_offset(const Page& page, std::uint32_t index) const {
    return index < page.count ? page.segment->entry(index).frame_offset : page.end;
  }
  // A position past the last event of a page that has a next one is the next one's first.
  Position settled(Position position) const;
  void open_page(const Ref<Segment>& segment, const Block& block);
  std::uint64_t page_of(Sequence sequence) const;
  void advance(Cut& cut, Position to) const;

  Page newest_;               // without a segment: there are no pages
  Position first_;            // oldest live event, or end()
  std::uint64_t oldest_ = 0;  // number of the oldest page
  std::uint64_t base_ = 0;    // of older_'s first: those from it to the oldest were handed back
  std::uint64_t events_ = 0;
  std::uint64_t bytes_ = 0;
  Sequence last_ = 0;
  Sequence evicted_through_ = 0;
  std::vector<Page> older_;
};

}  // namespace fanfare::fanout
