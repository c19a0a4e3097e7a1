#include "broker/fanout/merge.h"

#include <algorithm>
#include <utility>

namespace fanfare::fanout {
namespace {

bool comes_later(const Merge::Source& a, const Merge::Source& b) {
  return a.next > b.next;
}

}  // namespace

std::size_t Merge::next_size() const {
  return top().window->run(top().position, top().next, 0).size;
}

void Merge::push(const Source& source) {
  heap_.push_back(source);
  std::push_heap(heap_.begin(), heap_.end(), comes_later);
}

Merge::Taken Merge::take(Sequence through, std::size_t bytes_max) {
  Source& source = heap_.front();
  // The next best of a heap is one of the top's two children.
  for (std::size_t child = 1; child <= 2 && child < heap_.size(); ++child) {
    through = std::min(through, heap_[child].next - 1);
  }
  Taken taken{.run = source.window->run(source.position, through, bytes_max),
              .link = source.link,
              .drained = false};
  source.position = taken.run.next;
  taken.drained = source.position == source.window->end();
  if (taken.drained) {
    source = heap_.back();
    heap_.pop_back();
  } else {
    source.next = source.window->sequence(source.position);
  }
  sink_top();
  return taken;
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
