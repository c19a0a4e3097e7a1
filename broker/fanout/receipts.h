// Receipts: the idempotency keys of recent publishes, each with the sequence it got, so that a
// publisher that did not see its ack may publish again. Bounded by age and by number, the oldest
// leaving first; after that a repeat is a new event. Which of them still count when a channel was
// dropped is the Sequencer's to judge: it knows where the channel began anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "broker/fanout/event_id.h"
#include "broker/fanout/log_clock.h"
#include "broker/fanout/name_hash.h"

#include "common/time.h"

namespace fanfare::fanout {

class Receipts {
 public:
  Receipts(std::size_t count_max, Duration age, NameHash hash)
      : count_max_(count_max), age_(age), by_key_(0, hash) {}

  // A key belongs to its channel. Not yet expired.
  std::optional<Sequence> find(std::string_view channel, std::string_view key, LogTime now) const;
  // find() has just not found it, or what it found counts no more. A sequence is added once.
  void add(std::string_view channel, std::string_view key, Sequence sequence, LogTime now);
  // How many of the oldest, at most `most`, are too old.
  std::size_t too_old(LogTime now, std::size_t most) const;
  // The oldest leave; there are so many.
  void drop(std::size_t count);
  // Calls `visit(key, sequence, added)` for each, the oldest first. A key is its channel's.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (const Aged& aged : by_age_) visit(*aged.key, aged.receipt.sequence, aged.receipt.added);
  }
  std::size_t count() const { return by_age_.size(); }
  // Those that had to leave before their time, for newer ones.
  std::uint64_t dropped_total() const { return dropped_total_; }

 private:
  struct Receipt {
    Sequence sequence;
    LogTime added;
  };
  struct Aged {
    const std::string* key;  // of by_key_
    Receipt receipt;         // another than the key's: it was used anew since
  };

  // Channel names cannot contain the space that joins them with the key.
  std::string_view joined(std::string_view channel, std::string_view key) const;
  bool expired(LogTime added, LogTime now) const { return now - added > age_; }
  void drop_oldest();

  std::size_t count_max_;
  Duration age_;
  NameMap<Receipt> by_key_;
  std::deque<Aged> by_age_;
  std::uint64_t dropped_total_ = 0;
  mutable std::string joined_;  // kept for its memory
};

}  // namespace fanfare::fanout
