// FreeIndexes: the free places of a table, of which the lowest is taken first: so the table stays
// dense, and a walk over it short.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/check.h"

namespace fanfare {

class FreeIndexes {
 public:
  bool empty() const { return free_.empty(); }
  // Precondition: !empty().
  std::uint32_t take() {
    CHECK(!empty(), "callers look before they take");
    std::ranges::pop_heap(free_, std::greater<>{});
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  void give_back(std::uint32_t index) {
    free_.push_back(index);
    std::ranges::push_heap(free_, std::greater<>{});
  }

 private:
  std::vector<std::uint32_t> free_;  // a heap
};

}  // namespace fanfare
