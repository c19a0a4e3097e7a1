// Journal: a gate that is late, as a disk is: what it is given is durable up to seconds later, in
// order, several batches at once. When its broker is killed it has what it said was durable, and
// nothing else.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "broker/server/base/gate.h"
#include "tests/sim/agenda.h"
#include "tests/sim/world.h"

namespace fanfare::sim {

class Journal final : public server::Gate, public Actor {
 public:
  // `wake` is called when more has become durable.
  Journal(World& world, Duration late_max, std::function<void()> wake);

  void take(const fanout::BatchPtr& batch) override;
  std::uint64_t durable() const override;
  void act(std::uint64_t what) override;

  // The newest event that is durable in truth.
  std::uint64_t head() const { return head_; }
  // The machine was killed: nothing more is written.
  void die() { dead_ = true; }

 private:
  struct Write {
    TimePoint due;
    std::uint64_t head = 0;
  };

  World& world_;
  const Duration late_max_;
  const std::function<void()> wake_;
  std::deque<Write> writes_;  // on their way to the disk, in order
  std::uint64_t taken_ = 0;
  std::uint64_t durable_ = 0;
  std::uint64_t head_ = 0;
  bool dead_ = false;
};

}  // namespace fanfare::sim
