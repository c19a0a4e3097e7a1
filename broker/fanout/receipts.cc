#include "broker/fanout/receipts.h"

namespace fanfare::fanout {

std::optional<Sequence> Receipts::find(std::string_view channel, std::string_view key,
                                       TimePoint now) {
  const auto found = by_key_.find(joined(channel, key));
  if (found == by_key_.end() || expired(found->second.added, now)) return std::nullopt;
  return found->second.sequence;
}

void Receipts::add(std::string_view channel, std::string_view key, Sequence sequence,
                   TimePoint now) {
  if (limits_.keys_max == 0) return;
  if (by_age_.size() >= limits_.keys_max) drop_oldest(now);
  const Receipt receipt{.sequence = sequence, .added = now};
  const auto [place, added] = by_key_.try_emplace(std::string(joined(channel, key)), receipt);
  if (!added) place->second = receipt;
  by_age_.push_back({.key = &place->first, .receipt = receipt});
}

bool Receipts::expire(TimePoint now, std::size_t count) {
  for (; count > 0 && !by_age_.empty() && has_to_go(by_age_.front().receipt, now); --count) {
    drop_oldest(now);
  }
  return !by_age_.empty() && has_to_go(by_age_.front().receipt, now);
}

std::string_view Receipts::joined(std::string_view channel, std::string_view key) {
  joined_.assign(channel);
  joined_ += ' ';
  joined_ += key;
  return joined_;
}

void Receipts::drop_oldest(TimePoint now) {
  const Aged& oldest = by_age_.front();
  if (!expired(oldest.receipt.added, now)) ++dropped_total_;
  const auto place = by_key_.find(*oldest.key);
  if (place->second.sequence == oldest.receipt.sequence) by_key_.erase(place);
  by_age_.pop_front();
}

}  // namespace fanfare::fanout
