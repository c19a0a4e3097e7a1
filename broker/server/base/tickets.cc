#include "broker/server/base/tickets.h"

#include "broker/server/base/unguessable.h"

namespace fanfare::server {

std::optional<std::string> Tickets::issue(policy::Grants grants, Duration life, TimePoint now,
                                          std::size_t count_max) {
  std::string text = unguessable_name();
  const std::lock_guard lock(mutex_);
  forget_old(now);
  if (kept_.size() >= count_max) return std::nullopt;
  by_age_.emplace(now + life, text);
  kept_.emplace(text, Kept{.grants = std::move(grants), .until = now + life});
  return text;
}

std::optional<policy::Grants> Tickets::take(std::string_view ticket, TimePoint now) {
  const std::lock_guard lock(mutex_);
  auto kept = kept_.extract(std::string(ticket));
  if (kept.empty()) return std::nullopt;
  by_age_.erase({kept.mapped().until, kept.key()});
  if (now >= kept.mapped().until) return std::nullopt;
  return std::move(kept.mapped().grants);
}

std::size_t Tickets::size() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

void Tickets::forget_old(TimePoint now) {
  while (!by_age_.empty() && by_age_.begin()->first <= now) {
    kept_.erase(by_age_.begin()->second);
    by_age_.erase(by_age_.begin());
  }
}

}  // namespace fanfare::server
