#include "broker/server/sockets/replies.h"

#include <algorithm>
#include <iterator>

namespace fanfare::server {

void Replies::wait_for(std::uint64_t place) {
  const std::size_t covered = waits_.empty() ? 0 : waits_.back().end;
  if (covered == text_.size()) return;
  if (!waits_.empty() && waits_.back().place == place) {
    waits_.back().end = text_.size();
  } else {
    waits_.push_back({.end = text_.size(), .place = place});
  }
}

bool Replies::ready(std::uint64_t told) const {
  return !text_.empty() && (waits_.empty() || waits_.front().place <= told);
}

void Replies::take(std::uint64_t told, std::string& out) {
  const auto first =
      std::ranges::find_if(waits_, [told](const Wait& wait) { return wait.place > told; });
  if (first == waits_.end()) {
    waits_.clear();
    out.swap(text_);
    return;
  }
  const std::size_t end = first == waits_.begin() ? 0 : std::prev(first)->end;
  out.assign(text_, 0, end);
  text_.erase(0, end);
  waits_.erase(waits_.begin(), first);
  for (Wait& wait : waits_) wait.end -= end;
}

}  // namespace fanfare::server
