// Sequencer: what decides, on the lead shard only. It gives every event the next number, knows a
// repeated key, and it alone decides what leaves the window (by count, bytes, age and the total
// over all channels), so that every shard evicts the same events at the same place in the log. Each
// decision is a Command to its Log, which carries it out; seal() hands out the effects since the
// last seal as one Batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "broker/fanout/batch.h"
#include "broker/fanout/event.h"
#include "broker/fanout/event_id.h"
#include "broker/fanout/limits.h"
#include "broker/fanout/log.h"

#include "common/time.h"

namespace fanfare::fanout {

enum class PublishError : std::uint8_t {
  channel_finished,   // it was finished; delete it to start again
  too_many_channels,  // [limits] channels
  keeps_no_keys,      // the event has a key, and its channel keeps none
  too_many_keys,      // [[channel]] keys_max
  keys_too_large,     // [[channel]] keys_bytes, or what all channels may keep
  type_of_removals,   // the event has a value, and is called as those are that remove a key
};

struct Source;

struct SequencerOptions {
  Epoch epoch;
  // Asked when a channel appears, and again when `limits` have another revision.
  std::function<HistoryLimits(std::string_view channel)> history;
  const LogLimits* limits = nullptr;  // outlives the sequencer, and may change; null: the defaults
  Duration idle_forgotten_after = 10min;  // an empty window, nothing published for this long
  std::uint32_t tombstones_max = 65'536;
  std::uint32_t removals_max = kRemovalsKept;  // of keys of one channel, that have left its window;
  Duration removals_age = 10s;                 // of younger ones, all
  LogClock clock = {};                         // by which ages are counted
  std::function<void(const Command&)> recorder = {};  // of the log

  LogOptions log() const;
};

class Sequencer {
 public:
  explicit Sequencer(const SequencerOptions& options);
  // Continues a log that Commands have rebuilt.
  Sequencer(const SequencerOptions& options, std::unique_ptr<Log> log);
  ~Sequencer();
  Sequencer(const Sequencer&) = delete;
  Sequencer& operator=(const Sequencer&) = delete;

  struct Publication {
    Sequence sequence = 0;
    bool duplicate = false;  // it was published before, under the same key
    bool evicted = false;    // and has left the history since
  };
  // `key` (may be empty) makes a repeated publish return the first one's sequence and publish
  // nothing, whatever the event says now and also when the channel was finished meanwhile. A key is
  // forgotten by age and number, and with its channel.
  std::expected<Publication, PublishError> publish(std::string_view channel, const Event& event,
                                                   std::string_view key, TimePoint now);
  // Where a channel's events go, looked up once for all that has to be known of it.
  class Place {
   public:
    bool exists() const { return source_ != nullptr; }  // the channel is there

   private:
    friend class Sequencer;
    std::string_view channel_;
    std::size_t hash_ = 0;
    Source* source_ = nullptr;
  };
  // `channel` must outlive the returned place, which is valid until expire().
  Place place(std::string_view channel) const;
  std::expected<Publication, PublishError> publish(const Place& place, const Event& event,
                                                   std::string_view key, TimePoint now);
  // The same for several events at once, in their order, until the next call. Their cache misses
  // overlap. Keep the group small: prefetched lines are soon evicted.
  struct Coming {
    std::string_view channel;
    std::size_t bytes;  // of data, about
  };
  std::span<const Place> places(std::span<const Coming> events);
  // No more events: subscribers get what is left and a clean end. Also on a channel that had no
  // event yet. Idempotent; the sequence is that of the channel's newest event (0: none).
  std::expected<Sequence, PublishError> finish(std::string_view channel, TimePoint now);
  // Drops the history, the finished mark and the keys; subscribers stay. Those who may have keys
  // are told by an event, which does not count as one of the channel's. False: no such channel.
  bool erase(std::string_view channel, TimePoint now);
  // Age, idleness, and limits that have changed; call about once a second. Bounded work; true if
  // there is more to do, in the next turn.
  bool expire(TimePoint now);

  // What happened since the last seal, or null if nothing did.
  BatchPtr seal(TimePoint now);

  struct ChannelState {
    std::uint64_t events = 0;           // in the window
    std::uint64_t bytes = 0;            // of frames in the window
    std::uint64_t published_total = 0;  // since the channel appeared
    Sequence first = 0, last = 0;       // of the window; 0 when it is empty
    Sequence evicted_through = 0;
    bool finished = false;
    // Something was published since it appeared or was last dropped, or it is finished.
    bool begun = false;
  };
  std::optional<ChannelState> find(std::string_view channel) const;
  // Calls `visit(name, state)` for every channel until it returns false.
  void for_each(const std::function<bool(std::string_view, const ChannelState&)>& visit) const;

  // The same, with what each has gained since the last call of this.
  void for_each_gain(const std::function<void(std::string_view, const ChannelState&,
                                              std::uint64_t gained)>& visit);
  // The channels by places, some of which are free, for those who look at a few at a time. What is
  // seen there is valid until the next publish() or expire().
  std::uint32_t places() const;
  struct Seen {
    std::string_view name;
    ChannelState state;
    std::uint32_t gained = 0;  // between the last two for_each_gain()
  };
  std::optional<Seen> at_place(std::uint32_t place) const;

  const Log& log() const;
  Sequence head() const;
  const Epoch& epoch() const;
  std::size_t channel_count() const;  // without the broker's own (~…)
  // Whether publish() would answer it with the first one's sequence.
  bool repeats(std::string_view channel, std::string_view key, TimePoint now) const;
  // What a channel may still keep, as it is or would appear; and as it would begin anew if it were
  // erased.
  struct KeyRoom {
    bool keeps = false;  // the latest event of each key
    std::uint64_t keys = 0, keys_max = 0;
    std::uint64_t bytes = 0, bytes_max = 0;  // of the latest events' frames
    bool held = false;                       // clients are told when the channel is erased
  };
  KeyRoom key_room(std::string_view channel) const;
  KeyRoom key_room_anew(std::string_view channel) const;
  // What the latest event of the key takes; 0: it has none.
  std::uint64_t key_size(std::string_view channel, std::string_view key) const;
  // Over all channels; below 0 after a limit was lowered.
  std::int64_t key_bytes_left() const;
  // What the event would take under that number.
  std::uint64_t frame_size(const Event& event, Sequence sequence) const;
  // Whether so many channels more may appear.
  bool room_for(std::size_t channels) const;
  std::uint64_t segment_bytes() const;  // what total_bytes bounds

  struct Counters {
    std::uint64_t events_total = 0, bytes_total = 0, duplicates_total = 0;
    std::uint64_t evicted_events_total = 0, evicted_by_total_bytes = 0, evicted_by_age = 0,
                  evicted_by_events = 0, evicted_by_bytes = 0;
    std::uint64_t channels_forgotten_total = 0;
    std::uint64_t keys_dropped_total = 0;  // before their time, for newer ones
  };
  Counters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fanfare::fanout
