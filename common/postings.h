// Postings: the holders that are listed under one key. A holder may be listed under many keys; it
// remembers where it is listed under each, so that removing it takes the same time from a long list
// as from a short one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fanfare {

// `Holder` has a std::vector<std::uint32_t> `listed_at`, one for each of its keys.
template <class Holder>
class Postings {
 public:
  struct Entry {
    Holder* holder = nullptr;
    std::uint32_t key = 0;  // which of the holder's keys this is
  };

  void add(Holder& holder, std::uint32_t key) {
    holder.listed_at[key] = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({&holder, key});
  }
  // It is here under that key.
  void remove(const Holder& holder, std::uint32_t key) {
    const std::uint32_t index = holder.listed_at[key];
    entries_[index] = entries_.back();
    entries_[index].holder->listed_at[entries_[index].key] = index;
    entries_.pop_back();
  }
  bool empty() const { return entries_.empty(); }
  std::size_t count() const { return entries_.size(); }
  std::span<const Entry> entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace fanfare
