#include "tests/sim/journal.h"

#include <algorithm>
#include <utility>

namespace fanfare::sim {
namespace {

// Once the faults have stopped the disk is quick, too.
constexpr Duration kQuietLateMax = 5ms;

}  // namespace

Journal::Journal(World& world, Duration late_max, std::function<void()> wake)
    : world_(world), late_max_(late_max), wake_(std::move(wake)) {}

void Journal::take(const fanout::BatchPtr& batch) {
  ++taken_;
  Kernel& kernel = world_.kernel();
  TimePoint due = kernel.now() + kernel.somewhen(world_.town().quiet ? kQuietLateMax : late_max_);
  if (!writes_.empty()) due = std::max(due, writes_.back().due);
  writes_.push_back({due, batch->head});
  kernel.schedule(due - kernel.now(), *this, 0);
}

std::uint64_t Journal::durable() const {
  return world_.kernel().faults().bug == PlantedBug::journal_lies ? taken_ : durable_;
}

void Journal::act(std::uint64_t /*what*/) {
  if (dead_ || writes_.empty() || writes_.front().due > world_.kernel().now()) return;
  for (; !writes_.empty() && writes_.front().due <= world_.kernel().now(); writes_.pop_front()) {
    ++durable_;
    head_ = writes_.front().head;
  }
  wake_();
}

}  // namespace fanfare::sim
