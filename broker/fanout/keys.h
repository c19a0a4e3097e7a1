// Keys: at the writing end, what a channel that keeps the latest event of each key knows of its
// keys. The latest event of a key lies in the channel's window; when it leaves the window it is
// copied into a *kept page*, a segment beside the window. Events leave in the order of the log, so
// that kept pages are in that order by construction. One that is superseded there is dead; a page
// more than half of which is dead is written anew, together with a neighbour where both are small.
// Each event makes one dead at most, so that all of this costs a publish a fixed amount on average,
// and a page's worth at once, however many keys there are.
//
// A removed key stays as its removal, for those that may hold it, for as long as that is in the
// window, and then until `removals_max` newer ones have left it, but for `removals_age` at least:
// longer than any pace of a feed.
//
// Nothing here is decided: the same commands give the same pages. What shards are to know is
// collected for tell().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/fanout/arena.h"
#include "broker/fanout/batch.h"
#include "broker/fanout/event_id.h"
#include "broker/fanout/key_index.h"
#include "broker/fanout/name_hash.h"
#include "broker/fanout/segment_writer.h"
#include "broker/fanout/window.h"

namespace fanfare::fanout {

inline constexpr std::size_t kRemovalsKept = 4'096;

// All channels together.
struct KeysTotals {
  std::uint64_t keys = 0;         // that have a value
  std::uint64_t value_bytes = 0;  // of their latest events' frames
  std::uint64_t kept_bytes = 0;   // that kept pages occupy
};

class Keys {
 public:
  // `totals` outlive it; `forgotten`: what an earlier channel of the same name had lost.
  Keys(NameHash hash, Ref<SegmentArena> arena, KeysTotals& totals, std::size_t removals_max,
       Duration removals_age, Sequence forgotten);
  ~Keys();
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  // Keys that have a value, and the bytes of their latest events.
  std::size_t count() const { return count_; }
  std::uint64_t value_bytes() const { return value_bytes_; }
  // Nobody has a key of it, or removals of it to come.
  bool unknown() const { return index_.count() == 0; }
  // Those of one key's latest event; 0: it has none.
  std::size_t value_size(std::string_view key) const;
  // Newer removals than this are all remembered.
  Sequence forgotten_through() const { return forgotten_through_; }

  // An event was appended to the window: `frame`, which ends with its key (encoder.h).
  void append(Sequence sequence, std::string_view frame, std::string_view key, bool removes,
              std::uint32_t committed_s);
  // These are the oldest events of the window, and are about to leave it.
  void leave(const Window::Run& run);
  // Every event has left the window, up to `head`, and no key is kept: those who have some are told
  // by the next event, a removal of every key.
  void erase(Sequence head);

  // In an earlier life of the log, removals up to there were no longer all known.
  void resume(Sequence forgotten_through) {
    forgotten_through_ = std::max(forgotten_through_, forgotten_through);
  }
  // Calls `visit(entry, sequence, frame)` for each latest event that has left the window, in the
  // order of the log.
  template <class Visit>
  void for_each_kept(const Visit& visit) const {
    for (const Page& page : pages_) {
      for (std::uint32_t i = 0; i < page.count; ++i) {
        const Segment::Entry& entry = page.segment->entry(i);
        const Key& key = at(page.numbers[i]);
        const Sequence sequence = page.segment->first_sequence() + entry.sequence_offset;
        if (key.latest != sequence) continue;
        visit(entry, sequence,
              std::string_view(page.segment->bytes() + entry.frame_offset, key.size));
      }
    }
  }

  // What happened since the last time, for the shards; null: nothing did.
  std::shared_ptr<const KeyNews> tell();

 private:
  using Number = KeyIndex::Number;

  struct Key {
    Sequence latest = 0;
    const char* text = nullptr;  // in the frame of that event
    std::uint32_t hash = 0;
    std::uint32_t size : 23 = 0;  // of the frame; 0: the number is free
    std::uint32_t removed : 1 = 0;
    std::uint32_t text_size : 8 = 0;

    std::string_view name() const { return {text, text_size}; }
  };
  static_assert(sizeof(Key) == 24);

  struct Page {
    Ref<Segment> segment;
    std::uint32_t count = 0;
    std::uint32_t end = 0;
    std::uint32_t live_bytes = 0;
    Sequence first = 0;
    Sequence last = 0;
    std::vector<Number> numbers;  // by entry
  };

  Key& at(Number number) { return chunks_[number / kChunk][number % kChunk]; }
  const Key& at(Number number) const { return chunks_[number / kChunk][number % kChunk]; }
  std::uint32_t hash_of(std::string_view key) const;
  Number find(std::string_view key, std::uint32_t hash) const;
  Number make(std::uint32_t hash);
  void release(Number number);
  // One key more, or fewer, has a value, of `size` bytes.
  void count(std::size_t size);
  void uncount(std::size_t size);

  void keep(Number number, std::string_view frame, std::uint32_t committed_s);
  void open_page(std::size_t frame_size, std::size_t room);
  void write(Page& page, Number number, std::string_view frame, std::uint32_t committed_s);
  // The event, which has left the window, is no longer the latest of its key.
  void die(Sequence sequence, std::size_t size);
  void rewrite(std::size_t first, std::size_t last);
  void drop(std::size_t page);
  void account(std::int64_t footprint);
  bool forget_oldest_removal();
  void tell_open_page();

  static constexpr std::size_t kChunk = 1'024;

  NameHash hash_;
  Ref<SegmentArena> arena_;
  KeysTotals& totals_;
  const std::size_t removals_max_;
  const std::int64_t removals_age_s_;
  KeyIndex index_;
  std::vector<std::vector<Key>> chunks_;  // by number; all but the last are full
  std::vector<Number> free_;
  std::size_t count_ = 0;
  std::uint64_t value_bytes_ = 0;
  std::deque<Number> in_window_;  // whose the window's events are, the oldest first
  Sequence left_through_ = 0;     // what has left the window
  std::uint32_t newest_s_ = 0;    // when the last event was committed

  struct Removal {
    Number number;
    std::uint32_t committed_s;
    Sequence sequence;
  };
  std::deque<Removal> removals_;    // that have left the window; some may be out of date
  std::size_t removals_count_ = 0;  // those that are not
  Sequence forgotten_through_ = 0;

  std::vector<Page> pages_;
  SegmentWriter open_;  // the last page, while it has room
  std::uint64_t page_bytes_ = 0;

  KeyNews news_;                 // not told yet
  std::uint32_t told_open_ = 0;  // entries of the open page
};

}  // namespace fanfare::fanout
