#include "broker/fanout/gather.h"

#include <algorithm>
#include <bit>

#include "broker/fanout/framing.h"

namespace fanfare::fanout {
namespace {

constexpr std::size_t kBufferMin = 4096 - sizeof(Segment);

// As they lie in segments, nothing else needs to be known of them.
bool as_they_lie(Framing framing) {
  return framing == Framing::chunked;
}

Frames frames_of(const Merge::Taken& taken) {
  const Window::Run& run = taken.run;
  return {.bytes = {run.data, run.size},
          .channel = taken.link == nullptr ? std::string_view() : taken.link->channel->name,
          .segment = run.segment,
          .first = run.first,
          .count = run.events,
          .keyed = taken.keyed()};
}

}  // namespace

void Gather::take_runs(Merge& merge, Sequence through, std::size_t bytes_max, bool one_segment) {
  runs_.clear();
  std::size_t size = 0;
  do {
    merge.take(through, bytes_max - size, runs_.emplace_back());
    size += runs_.back().run.size;
    if (one_segment || merge.empty() || merge.top().next > through) return;
  } while (size < bytes_max && merge.next_size() <= bytes_max - size);
}

Span Gather::span(Merge& merge, Sequence through, std::size_t bytes_max, Framing framing) {
  if (is_gzipped(framing)) framing = text_form(framing);
  const bool lies_ready = as_they_lie(framing) && merge.count() == 1 && !merge.top().keyed();
  take_runs(merge, through, bytes_max, lies_ready);
  const auto stays = [&](const Merge::Taken& taken) {
    return as_they_lie(framing) && !taken.keyed();
  };
  Span span;
  std::size_t size = 0;
  for (const Merge::Taken& taken : runs_) {
    size += stays(taken) ? taken.run.size : reframed_size_max(frames_of(taken), framing);
    span.events += taken.run.events;
  }
  span.last = runs_.back().run.last;
  if (runs_.size() == 1 && stays(runs_.front())) {
    const Window::Run& run = runs_.front().run;
    span.keeps = Ref<Segment>(run.segment);
    span.data = run.data;
    span.size = run.size;
    return span;
  }
  span.keeps = buffers_.take(std::max(kBufferMin, std::bit_ceil(size)));
  char* const begin = span.keeps->blank().data();
  char* at = begin;
  for (const Merge::Taken& taken : runs_) {
    const Window::Run& run = taken.run;
    at = stays(taken) ? std::copy(run.data, run.data + run.size, at)
                      : reframe(at, frames_of(taken), framing);
  }
  span.data = begin;
  span.size = static_cast<std::size_t>(at - begin);
  buffers_.put(span.keeps);
  return span;
}

}  // namespace fanfare::fanout
