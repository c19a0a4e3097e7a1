// Buddy: which blocks of a chunk are free. Runs of 1, 2, 4 ... blocks, each aligned to its length,
// are cut by halving a larger one, and grow together again when both halves are free.
//
// A binary tree of one byte per node, with the blocks as its leaves: the length of the longest free
// run below the node. Taking and giving back walk one path.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace fanfare::fanout {

class Buddy {
 public:
  static constexpr unsigned kHeight = 11;
  static constexpr std::uint32_t kBlocks = 1U << kHeight;

  // Everything is free.
  Buddy() {
    for (std::uint32_t node = 1; node < 2 * kBlocks; ++node) longest_[node] = whole(order_of(node));
  }

  // The longest free run has 2^(longest() - 1) blocks; 0: none is free.
  unsigned longest() const { return longest_[1]; }

  // The first block of 2^order that are free; longest() > order. The lowest such run, so that the
  // upper ones may become free altogether.
  std::uint32_t take(unsigned order) {
    std::uint32_t node = 1;
    for (unsigned at = kHeight; at > order; --at) {
      node *= 2;
      if (longest_[node] <= order) ++node;
    }
    longest_[node] = 0;
    climb(node);
    return (node << order) - kBlocks;
  }
  // What take(order) returned.
  void give_back(std::uint32_t block, unsigned order) {
    const std::uint32_t node = (kBlocks + block) >> order;
    longest_[node] = whole(order);
    climb(node);
  }

 private:
  static constexpr std::uint8_t whole(unsigned order) {
    return static_cast<std::uint8_t>(order + 1);
  }
  // The order of the run that the node stands for.
  static constexpr unsigned order_of(std::uint32_t node) {
    return kHeight + 1 - static_cast<unsigned>(std::bit_width(node));
  }

  void climb(std::uint32_t node) {
    for (unsigned order = order_of(node) + 1; order <= kHeight; ++order) {
      node /= 2;
      const std::size_t children = std::size_t{2} * node;
      const std::uint8_t left = longest_[children];
      const std::uint8_t right = longest_[children + 1];
      const bool both = left == whole(order - 1) && right == whole(order - 1);
      longest_[node] = both ? whole(order) : std::max(left, right);
    }
  }

  std::array<std::uint8_t, std::size_t{2} * kBlocks> longest_{};  // the root is number 1
};

}  // namespace fanfare::fanout
