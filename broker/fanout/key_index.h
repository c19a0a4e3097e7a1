// KeyIndex: from the hash of a key to its number, for one channel. Holds four bytes a number and no
// texts: its owner compares them. It never grows all at once: it consists of leaves
// of at most 4,096 slots, by the upper bits of the hash, and one that is full becomes two. So a
// channel of millions of keys makes no turn long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace fanfare::fanout {

class KeyIndex {
 public:
  using Number = std::uint32_t;
  static constexpr Number kNone = UINT32_MAX;

  KeyIndex() { clear(); }

  std::size_t count() const { return count_; }
  // The number under `hash` for which `is(number)` holds, or kNone.
  template <class Is>
  Number find(std::uint32_t hash, const Is& is) const {
    const Leaf& leaf = leaf_of(hash);
    for (std::size_t i = leaf.home(hash); leaf.slots[i] != kNone; i = leaf.next(i)) {
      if (is(leaf.slots[i])) return leaf.slots[i];
    }
    return kNone;
  }
  // It is not here. `hash_of(number)` is the hash of one that is, or of this one.
  template <class HashOf>
  void insert(Number number, const HashOf& hash_of) {
    const std::uint32_t hash = hash_of(number);
    while (3 * leaf_of(hash).slots.size() < 4 * (leaf_of(hash).count + 1)) grow(hash, hash_of);
    leaf_of(hash).put(number, hash);
    ++count_;
  }
  // It is here. Those behind it that had made way for it move up.
  template <class HashOf>
  void erase(Number number, const HashOf& hash_of) {
    Leaf& leaf = leaf_of(hash_of(number));
    std::size_t hole = leaf.home(hash_of(number));
    while (leaf.slots[hole] != number) hole = leaf.next(hole);
    for (std::size_t i = leaf.next(hole); leaf.slots[i] != kNone; i = leaf.next(i)) {
      const std::size_t way = (i - leaf.home(hash_of(leaf.slots[i]))) & (leaf.slots.size() - 1);
      const std::size_t gap = (i - hole) & (leaf.slots.size() - 1);
      if (way < gap) continue;
      leaf.slots[hole] = leaf.slots[i];
      hole = i;
    }
    leaf.slots[hole] = kNone;
    --leaf.count;
    --count_;
  }
  void clear() {
    leaves_.clear();
    leaves_.push_back(std::make_unique<Leaf>());
    directory_.assign(1, leaves_.front().get());
    depth_ = 0;
    count_ = 0;
  }

 private:
  static constexpr std::size_t kSlotsMin = 8;
  static constexpr std::size_t kSlotsMax = 4'096;
  // Twelve of the 32 bits of a hash find a slot in a leaf.
  static constexpr unsigned kDepthMax = 20;

  struct Leaf {
    std::vector<Number> slots = std::vector<Number>(kSlotsMin, kNone);  // a power of two of them
    std::size_t count = 0;
    unsigned depth = 0;  // of the bits that all its hashes share

    std::size_t home(std::uint32_t hash) const { return hash & (slots.size() - 1); }
    std::size_t next(std::size_t i) const { return (i + 1) & (slots.size() - 1); }
    void put(Number number, std::uint32_t hash) {
      std::size_t i = home(hash);
      while (slots[i] != kNone) i = next(i);
      slots[i] = number;
      ++count;
    }
  };

  std::size_t place(std::uint32_t hash) const {
    return static_cast<std::size_t>(std::uint64_t{hash} >> (32U - depth_));
  }
  Leaf& leaf_of(std::uint32_t hash) const { return *directory_[place(hash)]; }

  // The leaf of `hash` is full: it becomes twice as large, or two.
  template <class HashOf>
  void grow(std::uint32_t hash, const HashOf& hash_of) {
    Leaf& leaf = leaf_of(hash);
    const bool split = leaf.slots.size() >= kSlotsMax && leaf.depth < kDepthMax;
    const std::size_t size = split ? leaf.slots.size() : leaf.slots.size() * 2;
    const std::vector<Number> numbers = std::exchange(leaf.slots, std::vector<Number>(size, kNone));
    leaf.count = 0;
    if (split) part(leaf, hash);
    for (const Number number : numbers) {
      if (number == kNone) continue;
      const std::uint32_t its = hash_of(number);
      leaf_of(its).put(number, its);
    }
  }
  // The upper half of an empty leaf's hashes get a leaf of their own.
  void part(Leaf& leaf, std::uint32_t hash) {
    if (leaf.depth == depth_) {
      std::vector<Leaf*> doubled(directory_.size() * 2);
      for (std::size_t i = 0; i < doubled.size(); ++i) doubled[i] = directory_[i / 2];
      directory_ = std::move(doubled);
      ++depth_;
    }
    Leaf& upper = *leaves_.emplace_back(std::make_unique<Leaf>());
    upper.slots.assign(leaf.slots.size(), kNone);
    upper.depth = ++leaf.depth;
    const std::size_t places = std::size_t{1} << (depth_ - leaf.depth);
    const std::size_t first = place(hash) & ~(2 * places - 1);
    for (std::size_t i = 0; i < places; ++i) directory_[first + places + i] = &upper;
  }

  std::vector<std::unique_ptr<Leaf>> leaves_;
  std::vector<Leaf*> directory_;  // by the upper `depth_` bits
  unsigned depth_ = 0;
  std::size_t count_ = 0;
};

}  // namespace fanfare::fanout
