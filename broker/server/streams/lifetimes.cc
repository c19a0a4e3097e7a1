#include "broker/server/streams/lifetimes.h"

#include <algorithm>

namespace fanfare::server {
namespace {

bool later(const Lifetimes::Lifetime& a, const Lifetimes::Lifetime& b) {
  return b.ends < a.ends;
}

}  // namespace

bool Lifetimes::lives(const Lifetime& lifetime) const {
  return subscribers_.in_use(lifetime.subscriber) &&
         subscribers_[lifetime.subscriber].began == lifetime.began;
}

void Lifetimes::add(Member subscriber, TimePoint ends, bool complete, Duration patience) {
  if (heap_.size() >= tidy_at_) tidy();
  push({.ends = ends,
        .subscriber = subscriber,
        .began = subscribers_[subscriber].began,
        .complete = complete,
        .patience_ends = ends + patience});
}

void Lifetimes::again(const Lifetime& lifetime, TimePoint when) {
  Lifetime put_off = lifetime;
  put_off.ends = when;
  push(put_off);
}

void Lifetimes::push(const Lifetime& lifetime) {
  heap_.push_back(lifetime);
  std::ranges::push_heap(heap_, later);
}

void Lifetimes::tidy() {
  std::erase_if(heap_, [this](const Lifetime& lifetime) { return !lives(lifetime); });
  std::ranges::make_heap(heap_, later);
  tidy_at_ = std::max<std::size_t>(1024, 2 * heap_.size());
}

std::vector<Lifetimes::Lifetime> Lifetimes::take_due(TimePoint now, std::size_t most) {
  std::vector<Lifetime> due;
  while (!heap_.empty() && heap_.front().ends <= now && due.size() < most) {
    std::ranges::pop_heap(heap_, later);
    if (lives(heap_.back())) due.push_back(heap_.back());
    heap_.pop_back();
  }
  return due;
}

}  // namespace fanfare::server
