#include "broker/server/streams/subjects.h"

#include <utility>

namespace fanfare::server {

void Subjects::keep(Member member, std::string_view subject) {
  auto found = entries_.find(subject);
  if (found == entries_.end()) {
    auto number = static_cast<Number>(by_number_.size());
    if (free_.empty()) {
      by_number_.push_back(nullptr);
    } else {
      number = free_.back();
      free_.pop_back();
    }
    found = entries_.emplace(subject, Entry{.streams = 0, .number = number}).first;
    by_number_[number] = &*found;
  }
  ++found->second.streams;
  while (numbers_.size() <= member) numbers_.add();
  numbers_[member] = found->second.number;
}

std::uint64_t Subjects::forget(Member member) {
  if (member >= numbers_.size() || numbers_[member] == 0) return 0;
  const Number number = std::exchange(numbers_[member], 0);
  auto& [subject, entry] = *by_number_[number];
  if (--entry.streams > 0) return 0;
  const std::uint64_t bytes = subject.size() + kOverhead;
  by_number_[number] = nullptr;
  free_.push_back(number);
  entries_.erase(entries_.find(subject));
  return bytes;
}

std::string_view Subjects::of(Member member) const {
  if (member >= numbers_.size() || numbers_[member] == 0) return {};
  return by_number_[numbers_[member]]->first;
}

}  // namespace fanfare::server
