// KeyMistakes: what a shard is told of the latest events of keys, with a mistake in it: it does not
// learn that some value, or some removal, is the latest of its key.
#pragma once

#include <cstdint>
#include <set>

#include "broker/fanout/batch.h"
#include "tests/sim/faults.h"

#include "common/random.h"

namespace fanfare::sim {

// One shard has one: what it was not told of once must not die there later.
class KeyMistakes {
 public:
  // The batch as it is, unless `bug` is one of these mistakes and it has come to one.
  fanout::BatchPtr alter(const fanout::BatchPtr& batch, PlantedBug bug, Random& random);

 private:
  std::set<fanout::Sequence> unknown_;
};

}  // namespace fanfare::sim
