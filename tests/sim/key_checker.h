// KeyChecker: conflated: of a channel that keeps the latest event of each key, a client has what
// publishers set, whatever was left out on the way. Like the other checkers (checkers.h) it reads
// only what clients received and what publishers were told.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "tests/sim/checkers.h"
#include "tests/sim/ledger.h"
#include "tests/sim/transcript.h"

namespace fanfare::sim {

// The last event of each key, as far as anybody was told where it lies.
class LatestOfKeys {
 public:
  // By the index of its channel, and its name.
  using Key = std::pair<std::uint32_t, std::string>;

  explicit LatestOfKeys(const Ledger& ledger);

  // What its value is, in the last life of the broker, by key; removed ones are not there.
  const std::map<Key, std::uint32_t>& values() const { return values_; }
  // Something newer has the same key, or all keys of the channel were removed since.
  bool superseded(const Publication& publication) const;
  // All keys of its channel may have been removed since: nobody was told whether and where.
  bool may_be_cleared(const Publication& publication) const;

 private:
  const Ledger& ledger_;
  // The newest of each life.
  std::map<std::pair<std::uint32_t, Key>, Position> newest_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Position> cleared_;  // by life and channel
  std::map<Key, std::uint32_t> values_;
};

// conflated: the values of a key that a client is sent never go back, unless it was told to begin
// anew; and a live client has what publishers set.
Problems check_conflated(const Transcript& transcript, const Ledger& ledger);

// What of that the live subscription still lacks; empty: nothing.
Problems keys_missing_yet(const Transcript& transcript, const Ledger& ledger);

}  // namespace fanfare::sim
