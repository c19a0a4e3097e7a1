// NameTable: from names to the things that have them, for the one look-up that every publish makes.
// Open addressing, a hash next to each pointer, so that a look-up reads one slot and the thing
// itself (std::unordered_map reads memory four times). Owns nothing; a thing has a `name` that does
// not change while it is here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/fanout/name_hash.h"

namespace fanfare::fanout {

template <class T>
class NameTable {
 public:
  explicit NameTable(NameHash hash) : hash_(hash), slots_(kSlotsMin) {}

  std::size_t count() const { return count_; }
  // Null: there is none.
  T* find(std::string_view name) const { return find(name, hash_(name)); }
  T* find(std::string_view name, std::size_t hash) const {
    for (std::size_t i = home(hash); slots_[i].thing != nullptr; i = next(i)) {
      if (slots_[i].hash == hash && slots_[i].thing->name == name) return slots_[i].thing;
    }
    return nullptr;
  }
  // A find() in three steps, with time between them in which the slot, then the thing, is brought
  // into the cache: expect(), expected() and find(). The last two take the hash that the first
  // returned. The second does not compare names: it may find another thing.
  std::size_t expect(std::string_view name) const {
    const std::size_t hash = hash_(name);
    __builtin_prefetch(&slots_[home(hash)]);
    return hash;
  }
  T* expected(std::size_t hash) const {
    std::size_t i = home(hash);
    while (slots_[i].thing != nullptr && slots_[i].hash != hash) i = next(i);
    return slots_[i].thing;
  }
  // There is none of its name.
  void insert(T* thing) {
    if (2 * ++count_ > slots_.size()) grow();
    put({.hash = hash_(thing->name), .thing = thing});
  }
  // It is here. Those behind it that had made way for it move up.
  void erase(const T* thing) {
    std::size_t hole = home(hash_(thing->name));
    while (slots_[hole].thing != thing) hole = next(hole);
    for (std::size_t i = next(hole); slots_[i].thing != nullptr; i = next(i)) {
      const std::size_t way = (i - home(slots_[i].hash)) & mask();
      const std::size_t gap = (i - hole) & mask();
      if (way < gap) continue;
      slots_[hole] = slots_[i];
      hole = i;
    }
    slots_[hole] = {};
    --count_;
  }

 private:
  static constexpr std::size_t kSlotsMin = 16;

  struct Slot {
    std::size_t hash = 0;
    T* thing = nullptr;
  };

  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t home(std::size_t hash) const { return hash & mask(); }
  std::size_t next(std::size_t i) const { return (i + 1) & mask(); }
  void put(Slot slot) {
    std::size_t i = home(slot.hash);
    while (slots_[i].thing != nullptr) i = next(i);
    slots_[i] = slot;
  }
  void grow() {
    for (const Slot& slot : std::exchange(slots_, std::vector<Slot>(slots_.size() * 2))) {
      if (slot.thing != nullptr) put(slot);
    }
  }

  NameHash hash_;
  std::vector<Slot> slots_;  // a power of two of them, at most half full
  std::size_t count_ = 0;
};

}  // namespace fanfare::fanout
