#include "broker/fanout/past.h"

#include <algorithm>
#include <chrono>

namespace fanfare::fanout {

std::int64_t Past::second_of(TimePoint time) const {
  return std::chrono::floor<std::chrono::seconds>(time - began_).count();
}

void Past::note(TimePoint committed, Sequence head) {
  add(0, {.second = static_cast<std::uint32_t>(std::max<std::int64_t>(second_of(committed), 0)),
          .through = head});
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

}  // namespace fanfare::fanout
