// Receipts: the idempotency keys of recent publishes, each with the sequence it got, so that a
// publisher that did not see its ack may publish again. Bounded by age and by number, the oldest
// leaving first; after that a repeat is a new event. Both bounds may change: a longer age counts
// for all that are still here, and what is too many leaves in steps. Which of them still count when
// a channel was dropped is the Sequencer's to judge: it knows where the channel began anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "broker/fanout/event_id.h"
#include "broker/fanout/limits.h"
#include "broker/fanout/name_hash.h"

#include "common/time.h"

namespace fanfare::fanout {

class Receipts {
 public:
  // `limits` outlives it and may change.
  Receipts(const LogLimits& limits, NameHash hash) : limits_(limits), by_key_(0, hash) {}

  // A key belongs to its channel. Not yet expired.
  std::optional<Sequence> find(std::string_view channel, std::string_view key, TimePoint now);
  // find() has just not found it, or what it found counts no more. A sequence is added once.
  void add(std::string_view channel, std::string_view key, Sequence sequence, TimePoint now);
  // Drops at most `count` of those that are too old or too many; true if there are more.
  bool expire(TimePoint now, std::size_t count);
  std::size_t count() const { return by_age_.size(); }
  // Those that had to leave before their time, for newer ones.
  std::uint64_t dropped_total() const { return dropped_total_; }

 private:
  struct Receipt {
    Sequence sequence;
    TimePoint added;
  };
  struct Aged {
    const std::string* key;  // of by_key_
    Receipt receipt;         // another than the key's: it was used anew since
  };

  // Channel names cannot contain the space that joins them with the key.
  std::string_view joined(std::string_view channel, std::string_view key);
  bool expired(TimePoint added, TimePoint now) const { return now - added > limits_.keys_age; }
  bool has_to_go(const Receipt& oldest, TimePoint now) const {
    return by_age_.size() > limits_.keys_max || expired(oldest.added, now);
  }
  void drop_oldest(TimePoint now);

  const LogLimits& limits_;
  NameMap<Receipt> by_key_;
  std::deque<Aged> by_age_;
  std::uint64_t dropped_total_ = 0;
  std::string joined_;  // kept for its memory
};

}  // namespace fanfare::fanout
