// KeyedDay: on some days a part of the channels keep the latest event of each key. Which do, within
// what limits, and what clients ask for there, all drawn from the seed itself: other days stay as
// they are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/server/base/options.h"
#include "tests/sim/reader_plan.h"

#include "common/random.h"

namespace fanfare::sim {

class KeyedDay {
 public:
  // Whether publishers delete channels that keep keys.
  static constexpr bool kDeletes = true;

  static bool is_one(std::uint64_t seed) { return seed % 11 <= 1 || seed % 33 == 3; }
  KeyedDay(std::uint64_t seed, const std::vector<std::string>& channels);

  // The rules of its channels; the same after every reload.
  void configure(server::Options& broker) const;
  // What a client wants of keys.
  void furnish(ReaderPlan& plan);

  // Those that keep keys, and the keys.
  const std::vector<std::string>& channels() const { return channels_; }
  const std::vector<std::string>& keys() const { return keys_; }
  // Values that were superseded may be left out without a word.
  bool conflates() const { return conflates_; }
  // So few removals are remembered that clients come too late for them; 0: as many as usual.
  std::uint32_t removals_max() const { return removals_max_; }

 private:
  Random draw_;
  std::vector<std::string> channels_;
  std::vector<std::string> keys_;
  std::vector<server::ChannelRule> rules_;
  bool latest_for_all_ = false;  // [delivery] slow = "latest"
  bool conflates_ = false;
  std::uint32_t removals_max_ = 0;
};

}  // namespace fanfare::sim
