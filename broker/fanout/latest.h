// Latest: on a shard, which events of a channel are the latest of their keys, in the order of the
// log: for a reader that wants the newest value of each key since some place, and nothing else.
// What Keys (broker/fanout/keys.h) is at the writing end; it knows no keys, only places.
//
//   places:  | 3 . 9 | 12 . . 20 | 21 22 23 |      one an event, four bytes each, in pages
//   events:  | kept pages          | window |
//
// A place whose event is superseded is dead. A page more than half of which is dead is compacted,
// with a neighbour where both are small: a walk looks at two places at most for each that counts,
// and a search is by halves. An event lies in the channel's window as long as that has it, then in
// a kept page.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/fanout/batch.h"
#include "broker/fanout/event_id.h"
#include "broker/fanout/window.h"

#include "common/intrusive.h"

namespace fanfare::fanout {

class Latest {
 public:
  // Valid until the next apply().
  using Position = Window::Position;

  // `forgotten`: what an earlier channel of the same name had lost.
  explicit Latest(Sequence forgotten) : forgotten_through_(forgotten) {}

  void apply(const KeyNews& news);
  // Those up to there are known no more.
  void forget_removals(Sequence through) {
    forgotten_through_ = std::max(forgotten_through_, through);
  }

  // Removals up to here are no longer all known: a reader that stands before it, and has keys, may
  // have one that is gone.
  Sequence forgotten_through() const { return forgotten_through_; }
  // Latest events, of keys that have a value and of those that were removed.
  std::size_t count() const { return count_; }
  // How many of them are newer than `sequence`, about.
  std::size_t count_after(Sequence sequence) const;

  // The first that is newer than `sequence`, and no removal up to `removals_after`; or end().
  Position after(Sequence sequence, Sequence removals_after = 0) const;
  Position end() const { return {.page = pages_.size(), .index = 0}; }
  Sequence sequence(Position position) const {
    const Page& page = pages_[position.page];
    return page.first + (page.places[position.index] & kOffset);
  }
  // The longest run from `from`, which after() or a run before it gave, of such events up to
  // `through` that lie one after another in one segment and have at most `bytes_max`, but at least
  // one event; `window` is the channel's. `next` is the position of the first that follows.
  // `near`: where the run before this one ended, from where the event is looked for, and where this
  // one ends. Valid as long as positions are.
  void run(Position from, Sequence through, std::size_t bytes_max, Sequence removals_after,
           const Window& window, Window::Place& near, Window::Run& run) const;
  // Bytes of the frame there.
  std::size_t frame_size(Position position, const Window& window, Window::Place& near) const {
    approach(position, window, near);
    return near.frame_end() - near.segment->entry(near.index).frame_offset;
  }

 private:
  static constexpr std::uint32_t kDead = 1U << 31U;
  static constexpr std::uint32_t kRemoval = 1U << 30U;
  static constexpr std::uint32_t kOffset = kRemoval - 1;
  static constexpr std::size_t kPagePlaces = 1'024;

  struct Page {
    Sequence first = 0;
    std::uint32_t live = 0;
    std::vector<std::uint32_t> places;  // sequences, less the first, and flags
  };
  struct KeptPage {
    Ref<Segment> segment;
    std::uint32_t count = 0;
    std::uint32_t end = 0;
    Sequence first = 0;
  };

  void append(Sequence sequence, bool removes);
  void die(Sequence sequence);
  void merge(std::size_t first, std::size_t last);
  void replace(const KeptReplaced& replaced);
  // The first place from there on that counts.
  Position settled(Position position, Sequence removals_after) const;
  Window::Place place(Sequence sequence, const Window& window) const;
  // Moves `near` to the event.
  void approach(Position position, const Window& window, Window::Place& near) const;

  std::vector<Page> pages_;
  std::vector<KeptPage> kept_;  // in the order of the log
  std::size_t count_ = 0;
  Sequence forgotten_through_;
};

}  // namespace fanfare::fanout
