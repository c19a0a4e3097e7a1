#include "tests/sim/key_mistakes.h"

#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace fanfare::sim {

fanout::BatchPtr KeyMistakes::alter(const fanout::BatchPtr& batch, PlantedBug bug, Random& random) {
  const bool values = bug == PlantedBug::key_value_forgotten;
  if (!values && bug != PlantedBug::key_removal_forgotten) return batch;
  auto* const altered = new fanout::Batch;  // NOLINT(cppcoreguidelines-owning-memory)
  altered->effects = batch->effects;
  altered->head = batch->head;
  altered->committed = batch->committed;
  for (fanout::Effect& effect : altered->effects) {
    auto* const changed = std::get_if<fanout::KeysChanged>(&effect);
    if (changed == nullptr) continue;
    auto news = std::make_shared<fanout::KeyNews>(*changed->news);
    std::vector<fanout::KeyChange> changes;
    for (fanout::KeyChange change : news->changes) {
      if (unknown_.erase(change.previous) > 0) change.previous = 0;
      if (change.sequence > 0 || change.previous > 0) changes.push_back(change);
      if (change.sequence == 0 || change.removes == values || !random.chance(0.2)) continue;
      changes.push_back({.sequence = 0, .previous = change.sequence, .removes = false});
      unknown_.insert(change.sequence);
    }
    news->changes = changes;
    changed->news = std::move(news);
  }
  return fanout::BatchPtr::adopt(altered);
}

}  // namespace fanfare::sim
