#include "broker/fanout/past.h"

#include <algorithm>
#include <chrono>

namespace fanfare::fanout {

std::int64_t Past::second_of(TimePoint time) const {
  return std::chrono::floor<std::chrono::seconds>(time - began_).count();
}

// Most batches are of the same hundredth and the same second as the one before.
void Past::note(TimePoint committed, Sequence head) {
  if (committed < fine_ends_) {
    fine_.back().through = head;
  } else {
    fine_.push_back({.begins = committed, .through = head});
    fine_ends_ = committed + 10ms;
    if (fine_.size() > kMarks) {
      fine_after_ = fine_.front().through;
      fine_.pop_front();
    }
  }
  if (committed < second_ends_) {
    levels_.front().back().through = head;
    return;
  }
  const std::int64_t second = std::max<std::int64_t>(second_of(committed), 0);
  second_ends_ = began_ + std::chrono::seconds(second + 1);
  add(0, {.second = static_cast<std::uint32_t>(second), .through = head});
}

// Marks of one place in time become one, the last. What no level keeps any more was long ago.
void Past::add(std::size_t level, Mark mark) {
  std::deque<Mark>& marks = levels_[level];
  std::uint32_t width = 1;
  for (std::size_t i = 0; i < level; ++i) width *= kCoarser;
  if (!marks.empty() && marks.back().second / width == mark.second / width) {
    marks.back() = mark;
    return;
  }
  marks.push_back(mark);
  if (marks.size() <= kMarks) return;
  const Mark oldest = marks.front();
  marks.pop_front();
  if (level + 1 < kLevels) add(level + 1, oldest);
}

Past Past::moved(Duration by) const {
  Past moved = *this;
  for (TimePoint* const time : {&moved.began_, &moved.second_ends_, &moved.fine_ends_}) {
    *time = *time + by;
  }
  for (FineMark& mark : moved.fine_) mark.begins = mark.begins + by;
  return moved;
}

void Past::pack(Packer& to) const {
  to.value(began_.nanoseconds);
  for (const std::deque<Mark>& marks : levels_) {
    to.value(std::uint64_t{marks.size()});
    for (const Mark& mark : marks) to.value(mark.second).value(mark.through);
  }
}

Past Past::unpack(Unpacker& from) {
  Past past(TimePoint{from.value<std::int64_t>()});
  for (std::deque<Mark>& marks : past.levels_) {
    const std::uint64_t count = std::min<std::uint64_t>(from.value<std::uint64_t>(), kMarks);
    for (std::uint64_t i = 0; i < count; ++i) {
      Mark& mark = marks.emplace_back();
      mark.second = from.value<std::uint32_t>();
      mark.through = from.value<Sequence>();
    }
  }
  return past;
}

std::optional<Sequence> Past::before(TimePoint time) const {
  if (time < began_) return std::nullopt;
  const std::int64_t second = second_of(time);
  for (const std::deque<Mark>& marks : levels_) {
    const auto later = std::ranges::partition_point(
        marks, [second](const Mark& mark) { return mark.second < second; });
    if (later != marks.begin()) return std::prev(later)->through;
  }
  return 0;
}

TimePoint Past::committed(Sequence sequence) const {
  if (sequence > fine_after_) {
    const auto mark = std::ranges::partition_point(
        fine_, [sequence](const FineMark& fine) { return fine.through < sequence; });
    if (mark != fine_.end()) return mark->begins;
  }
  // The oldest mark of a level may stand for what is in the next one.
  TimePoint known = began_;
  std::uint32_t width = 1;
  for (const std::deque<Mark>& marks : levels_) {
    const auto mark = std::ranges::partition_point(
        marks, [sequence](const Mark& coarse) { return coarse.through < sequence; });
    if (mark != marks.end()) known = began_ + std::chrono::seconds(mark->second / width * width);
    if (mark != marks.end() && mark != marks.begin()) break;
    width *= kCoarser;
  }
  return known;
}

}  // namespace fanfare::fanout
