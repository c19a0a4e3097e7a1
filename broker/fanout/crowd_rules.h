// CrowdRules: what the owner of a replica lays down for all subscribers of the same topics. The
// replica keeps them, so that they are not worked out anew for each subscriber or each round, and
// asks again when they may have changed.
#pragma once

#include <cstdint>
#include <functional>

#include "common/time.h"

namespace fanfare::fanout {

class Topics;

struct CrowdRules {
  Duration pace{};            // rounds of one feed begin at least this far apart
  bool slow_may_stay = true;  // a slow subscriber is not disconnected, whatever it loses
  // Where the latest event of each key is kept, a subscriber that is behind gets these alone.
  bool conflate = false;
  // There, updates of one key are at least so far apart, for everybody: rounds begin no sooner
  // after each other, and bring the newest of each key.
  Duration spacing{};
};

struct CrowdRulesSource {
  std::function<CrowdRules(const Topics&)> of;  // null: the defaults
  // Another number says that what was asked before is out of date. Outlives the replica; null: that
  // never happens.
  const std::uint32_t* revision = nullptr;
};

}  // namespace fanfare::fanout
