// Log: the writing end of the log, on the lead shard only: what applies Commands. It decides
// nothing: the Sequencer decides numbers, keys and what leaves, or did so when the Commands were
// recorded. apply() is its one door, for live publishing and for replay alike; what
// it did since the last seal() is a Batch for every shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "broker/fanout/batch.h"
#include "broker/fanout/command.h"
#include "broker/fanout/draft.h"
#include "broker/fanout/encoder.h"
#include "broker/fanout/keys.h"
#include "broker/fanout/receipts.h"
#include "broker/fanout/segment_list.h"
#include "broker/fanout/sources.h"
#include "broker/fanout/tombstones.h"
#include "broker/fanout/window.h"

namespace fanfare::fanout {

struct LogOptions {
  Epoch epoch;
  std::uint32_t tombstones_max = 65'536;
  std::uint32_t removals_max = kRemovalsKept;  // of keys of one channel, that have left its window;
  Duration removals_age = 10s;                 // of younger ones, all
  std::function<void(const Command&)> recorder = {};  // sees every Command before it is applied
};

class Log {
 public:
  explicit Log(LogOptions options);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // From now on `recorder` sees every Command before it is applied.
  void record_to(std::function<void(const Command&)> recorder) {
    options_.recorder = std::move(recorder);
  }

  // ---- the door
  void apply(const Command& command);
  Source& apply(const Appear& appear);
  void apply(const Append& append);
  void apply(const Evict& evict);
  void apply(const Finish& finish);
  void apply(const Erase& erase);
  void apply(const Forget& forget);
  void apply(const OpenSegment& open);
  void apply(const CloseSegment& close);
  void apply(const AddReceipt& add);
  void apply(const DropReceipts& drop);
  void apply(const Refill& refill);
  void apply(const Resume& resume);
  void apply(const Continue& continued);
  // The same for a caller that has looked up the channel and measured the event, or the cut.
  void apply(const Append& append, Source& source, const Encoder::Shape& shape);
  void apply(const Evict& evict, Source& source, const Window::Cut& cut);

  // What happened since the last seal, or null if nothing did.
  BatchPtr seal(TimePoint now) { return draft_.seal(head_, now); }
  // Channels to which something happened since the last seal, or that were noted.
  std::span<Source* const> changed() const { return draft_.dirty(); }
  void note(Source& source) { draft_.touch(source); }

  // ---- what it holds
  Sequence head() const { return head_; }
  const Epoch& epoch() const { return options_.epoch; }
  Encoder::Shape measure(const Event& event, Sequence sequence) const {
    return encoder_.measure(event, sequence);
  }
  const Sources& sources() const { return sources_; }
  const SegmentList& segments() const { return segments_; }
  const Receipts& receipts() const { return receipts_; }
  const Tombstones& tombstones() const { return tombstones_; }
  const KeysTotals& keys() const { return keys_; }  // of all channels
  // What segments and kept pages occupy.
  std::uint64_t bytes() const { return segments_.bytes() + keys_.kept_bytes; }

 private:
  template <class What>
  void record(const What& what) const {
    if (options_.recorder) options_.recorder(Command(what));
  }
  Source& source(ChannelId channel) const;
  // The segment that is being written gets no more events.
  void close(Source& source);
  // Releases the segments that have no live event and are not being written.
  void collect(Source& source);

  // Events are about to leave the window of a channel that keeps the latest of each key.
  static void keep_latest(Source& source, const Window::Cut& cut);

  LogOptions options_;
  Encoder encoder_;
  KeysTotals keys_;
  Sources sources_;
  Draft draft_;
  SegmentList segments_;
  Receipts receipts_;
  Tombstones tombstones_;
  Ref<SegmentArena> arena_ = SegmentArena::make();
  Sequence head_ = 0;
};

}  // namespace fanfare::fanout
