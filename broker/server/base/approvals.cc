#include "broker/server/base/approvals.h"

#include <utility>

namespace fanfare::server {
namespace {

// What an entry takes besides its text: two nodes, and the allocations of its strings.
constexpr std::size_t kEntryBytes = 320;
constexpr std::size_t kChannelBytes = 48;

}  // namespace

void Approvals::remember(std::string request, const Approval& approval, TimePoint until,
                         std::size_t bytes_max) {
  std::size_t bytes = kEntryBytes + request.size();
  for (const std::string& channel : approval.channels) bytes += kChannelBytes + channel.size();
  const std::lock_guard lock(mutex_);
  bool ambiguous = false;
  if (const auto known = by_request_.find(request); known != by_request_.end()) {
    const Entry& before = *known->second;
    ambiguous = before.ambiguous || before.approval.channels != approval.channels;
    forget(known->second);
  }
  if (bytes > bytes_max) return;
  while (bytes_ + bytes > bytes_max) forget(entries_.begin());
  entries_.push_back({.request = std::move(request),
                      .approval = approval,
                      .until = until,
                      .ambiguous = ambiguous,
                      .bytes = bytes});
  by_request_.emplace(entries_.back().request, std::prev(entries_.end()));
  bytes_ += bytes;
}

std::optional<Approval> Approvals::find(std::string_view request, TimePoint now) {
  const std::lock_guard lock(mutex_);
  const auto known = by_request_.find(request);
  if (known == by_request_.end()) return std::nullopt;
  const Entry& entry = *known->second;
  const bool over = now >= entry.until || (entry.approval.ends && now >= *entry.approval.ends);
  if (over) {
    forget(known->second);
    return std::nullopt;
  }
  if (entry.ambiguous) return std::nullopt;
  return entry.approval;
}

std::size_t Approvals::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void Approvals::forget(Entries::iterator entry) {
  by_request_.erase(entry->request);
  bytes_ -= entry->bytes;
  entries_.erase(entry);
}

}  // namespace fanfare::server
