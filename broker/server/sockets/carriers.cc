#include "broker/server/sockets/carriers.h"

#include <utility>

#include "common/check.h"

namespace fanfare::server {

void Carriers::remember(io::Slot slot, const IpAddress& front) {
  if (slot >= of_slot_.size()) of_slot_.resize(slot + 1, kNobody);
  CHECK(of_slot_[slot] == kNobody, "a connection carries at most one stream");
  auto [known, is_new] = by_address_.try_emplace(front, 0);
  if (is_new && free_.empty()) {
    known->second = static_cast<std::uint32_t>(fronts_.size());
    fronts_.push_back({.address = front});
  } else if (is_new) {
    known->second = free_.back();
    free_.pop_back();
    fronts_[known->second] = {.address = front};
  }
  ++fronts_[known->second].streams;
  of_slot_[slot] = known->second;
}

std::optional<IpAddress> Carriers::take(io::Slot slot) {
  if (slot >= of_slot_.size()) return std::nullopt;
  const std::uint32_t index = std::exchange(of_slot_[slot], kNobody);
  if (index == kNobody) return std::nullopt;
  Front& front = fronts_[index];
  const IpAddress address = front.address;
  if (--front.streams == 0) {
    by_address_.erase(address);
    free_.push_back(index);
  }
  return address;
}

std::optional<IpAddress> Carriers::of(io::Slot slot) const {
  if (slot >= of_slot_.size() || of_slot_[slot] == kNobody) return std::nullopt;
  return fronts_[of_slot_[slot]].address;
}

}  // namespace fanfare::server
