#include "broker/fanout/merge.h"

#include <algorithm>
#include <utility>

namespace fanfare::fanout {
namespace {

bool comes_later(const Merge::Input& a, const Merge::Input& b) {
  return a.next > b.next;
}

}  // namespace

std::size_t Merge::next_size() {
  Input& input = heap_.front();
  if (input.latest == nullptr) return input.window->run(input.position, input.next, 0).size;
  return input.latest->frame_size(input.position, *input.window, input.near);
}

void Merge::push(const Input& input) {
  heap_.push_back(input);
  std::push_heap(heap_.begin(), heap_.end(), comes_later);
}

void Merge::leave_latest(Input& input) {
  const Latest& latest = *input.latest;
  if (input.latest_through == UINT64_MAX) return;
  if (input.position != latest.end() && latest.sequence(input.position) <= input.latest_through) {
    return;
  }
  input.position = input.window->after(input.latest_through);
  input.latest = nullptr;
}

void Merge::take(Sequence through, std::size_t bytes_max, Taken& taken) {
  Input& input = heap_.front();
  // The next best of a heap is one of the top's two children.
  for (std::size_t child = 1; child <= 2 && child < heap_.size(); ++child) {
    through = std::min(through, heap_[child].next - 1);
  }
  if (input.latest == nullptr) {
    taken.run = input.window->run(input.position, through, bytes_max);
  } else {
    input.latest->run(input.position, std::min(through, input.latest_through), bytes_max,
                      input.removals_after, *input.window, input.near, taken.run);
  }
  taken.link = input.link;
  taken.latest = input.latest != nullptr;
  input.position = taken.run.next;
  if (input.latest != nullptr) leave_latest(input);
  taken.drained =
      input.position == (input.latest == nullptr ? input.window->end() : input.latest->end());
  if (taken.drained) {
    input = heap_.back();
    heap_.pop_back();
  } else {
    input.next = input.latest == nullptr ? input.window->sequence(input.position)
                                         : input.latest->sequence(input.position);
  }
  sink_top();
}

Sequence Merge::drop_latest() {
  Sequence first = UINT64_MAX;
  std::erase_if(heap_, [&first](const Input& input) {
    if (input.latest == nullptr) return false;
    first = std::min(first, input.next);
    return true;
  });
  std::ranges::make_heap(heap_, comes_later);
  return first;
}

void Merge::sink_top() {
  std::size_t hole = 0;
  for (std::size_t child = 1; child < heap_.size(); child = 2 * hole + 1) {
    if (child + 1 < heap_.size() && heap_[child + 1].next < heap_[child].next) ++child;
    if (heap_[hole].next <= heap_[child].next) return;
    std::swap(heap_[hole], heap_[child]);
    hole = child;
  }
}

}  // namespace fanfare::fanout
