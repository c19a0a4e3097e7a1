#include "broker/fanout/receipts.h"

#include <algorithm>

namespace fanfare::fanout {

std::optional<Receipt> Receipts::find(std::string_view channel, std::string_view key) const {
  const auto found = by_key_.find(joined(channel, key));
  if (found == by_key_.end()) return std::nullopt;
  return found->second;
}

void Receipts::add(std::string_view channel, std::string_view key, Sequence sequence, LogTime now) {
  const Receipt receipt{.sequence = sequence, .added = now};
  const auto [entry, added] = by_key_.try_emplace(std::string(joined(channel, key)), receipt);
  if (!added) entry->second = receipt;
  by_age_.push_back({.key = &entry->first, .receipt = receipt});
}

std::size_t Receipts::count_older_than(Duration age, LogTime now, std::size_t most) const {
  std::size_t count = 0;
  for (const Aged& aged : by_age_) {
    if (count == most || !aged.receipt.older_than(age, now)) break;
    ++count;
  }
  return count;
}

std::size_t Receipts::count_through(Sequence sequence) const {
  const auto newer = std::ranges::partition_point(
      by_age_, [sequence](const Aged& aged) { return aged.receipt.sequence <= sequence; });
  return static_cast<std::size_t>(newer - by_age_.begin());
}

void Receipts::drop(std::size_t count) {
  for (; count > 0; --count) drop_oldest();
}

std::string_view Receipts::joined(std::string_view channel, std::string_view key) const {
  joined_.assign(channel);
  joined_ += ' ';
  joined_ += key;
  return joined_;
}

void Receipts::drop_oldest() {
  const Aged& oldest = by_age_.front();
  const auto entry = by_key_.find(*oldest.key);
  if (entry->second.sequence == oldest.receipt.sequence) by_key_.erase(entry);
  by_age_.pop_front();
}

}  // namespace fanfare::fanout
