// Postings: the holders that are listed under one key. A holder may be listed under many keys; it
// remembers its place under each, so that removing it takes the same time from a long list as from
// a short one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fanfare {

// `Holder` has a std::vector<std::uint32_t> `places`, one for each of its keys.
template <class Holder>
class Postings {
 public:
  struct Entry {
    Holder* holder = nullptr;
    std::uint32_t key = 0;  // which of the holder's keys this is
  };

  void add(Holder& holder, std::uint32_t key) {
    holder.places[key] = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({&holder, key});
  }
  // It is here under that key.
  void remove(const Holder& holder, std::uint32_t key) {
    const std::uint32_t place = holder.places[key];
    entries_[place] = entries_.back();
    entries_[place].holder->places[entries_[place].key] = place;
    entries_.pop_back();
  }
  bool empty() const { return entries_.empty(); }
  std::size_t count() const { return entries_.size(); }
  std::span<const Entry> entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace fanfare
