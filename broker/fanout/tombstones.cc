#include "broker/fanout/tombstones.h"

#include <algorithm>

namespace fanfare::fanout {

void Tombstones::add(std::string_view name, Sequence evicted_through) {
  if (evicted_through == 0) return;
  stones_.push_back({.name = std::string(name), .evicted_through = evicted_through, .shelf = {}});
  by_name_.emplace(stones_.back().name, std::prev(stones_.end()));
  tree_.insert(stones_.back());
  if (stones_.size() <= count_max_) return;
  floor_ = std::max(floor_, stones_.front().evicted_through);
  by_name_.erase(stones_.front().name);
  tree_.erase(stones_.front());
  stones_.pop_front();
}

Sequence Tombstones::evicted_through(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? floor_ : found->second->evicted_through;
}

Sequence Tombstones::take(std::string_view name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return floor_;
  const Stone stone = found->second;
  const Sequence evicted_through = stone->evicted_through;
  by_name_.erase(found);
  tree_.erase(*stone);
  stones_.erase(stone);
  return evicted_through;
}

Sequence Tombstones::evicted_through_by(std::string_view pattern) const {
  Sequence through = floor_;
  const auto find = [this](const std::string& name) {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &*found->second;
  };
  tree_.for_each_match(pattern, find, [&](const Tombstone& stone) {
    through = std::max(through, stone.evicted_through);
  });
  return through;
}

}  // namespace fanfare::fanout
