// Receipts: the idempotency keys of recent publishes, each with the sequence it got, so that a
// publisher that did not see its ack may publish again. The Sequencer decides how many are kept,
// for how long, and which still count after their channel was erased.
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

struct Receipt {
  Sequence sequence;
  LogTime added;

  bool older_than(Duration age, LogTime now) const { return now - added > age; }
};

class Receipts {
 public:
  explicit Receipts(NameHash hash) : by_key_(0, hash) {}

  // A key belongs to its channel.
  std::optional<Receipt> find(std::string_view channel, std::string_view key) const;
  // find() has just not found it, or what it found no longer counts. A sequence is added once.
  void add(std::string_view channel, std::string_view key, Sequence sequence, LogTime now);
  // How many of the oldest are older than `age`; it looks at `most` of them.
  std::size_t count_older_than(Duration age, LogTime now, std::size_t most) const;
  // The number of the newest of the oldest `count`, which are there; numbers rise.
  Sequence through(std::size_t count) const { return by_age_[count - 1].receipt.sequence; }
  // How many of the oldest have numbers up to that one.
  std::size_t count_through(Sequence sequence) const;
  // The oldest leave. Precondition: there are that many.
  void drop(std::size_t count);
  // Calls `visit(key, sequence, added)` for each, the oldest first. A key is its channel's.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (const Aged& aged : by_age_) visit(*aged.key, aged.receipt.sequence, aged.receipt.added);
  }
  std::size_t count() const { return by_age_.size(); }

 private:
  struct Aged {
    const std::string* key;  // of by_key_
    Receipt receipt;         // another than the key's: it was used anew since
  };

  // Channel names cannot contain the space that joins them with the key.
  std::string_view joined(std::string_view channel, std::string_view key) const;
  void drop_oldest();

  NameMap<Receipt> by_key_;
  std::deque<Aged> by_age_;
  mutable std::string joined_;  // kept for its memory
};

}  // namespace fanfare::fanout
