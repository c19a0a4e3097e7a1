// Tombstones: up to where each forgotten channel had lost its events. So an older cursor gets its
// gap, and a younger one none, even after the channel is gone. Bounded: when a tombstone is
// dropped, the floor rises to it, and from then on an unknown channel is taken to have lost
// everything up to the floor. That may report a gap where there is none; it never hides one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/fanout/event_id.h"
#include "broker/fanout/name_hash.h"
#include "broker/fanout/name_tree.h"

namespace fanfare::fanout {

class Tombstones {
 public:
  Tombstones(std::size_t count_max, NameHash hash)
      : count_max_(count_max), by_name_(0, hash), tree_(hash) {}
  Tombstones(const Tombstones&) = delete;
  Tombstones& operator=(const Tombstones&) = delete;

  // `name` was forgotten; it has none. A channel that never lost anything leaves no tombstone.
  void add(std::string_view name, Sequence evicted_through);
  // What a channel called `name`, which does not exist now, has lost at most.
  Sequence evicted_through(std::string_view name) const;
  // The same, and the tombstone is removed: the channel exists again.
  Sequence take(std::string_view name);

  // What the channels that a pattern matches, and that do not exist now, have lost at most.
  Sequence evicted_through_by(std::string_view pattern) const;

  Sequence floor() const { return floor_; }
  // It never falls.
  void raise_floor(Sequence floor) { floor_ = std::max(floor_, floor); }
  std::size_t count() const { return stones_.size(); }
  // Calls `visit(name, evicted_through)` for each, in the order in which they were forgotten.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (const Tombstone& stone : stones_) visit(stone.name, stone.evicted_through);
  }

 private:
  struct Tombstone {
    std::string name;
    Sequence evicted_through;
    Shelf<Tombstone> shelf;
  };
  using Stone = std::list<Tombstone>::iterator;

  std::size_t count_max_;
  Sequence floor_ = 0;
  std::list<Tombstone> stones_;  // the first forgotten first
  std::unordered_map<std::string_view, Stone, NameHash, std::equal_to<>> by_name_;
  NameTree<Tombstone> tree_;
};

}  // namespace fanfare::fanout
