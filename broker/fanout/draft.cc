#include "broker/fanout/draft.h"

#include <algorithm>
#include <utility>

namespace fanfare::fanout {

void Draft::appeared(const Source& source) {
  effects_.emplace_back(ChannelAppeared{
      .channel = source.id, .name = source.name, .keeps_latest = source.keys != nullptr});
}

void Draft::tell_block(Source& source) {
  const SegmentWriter& writer = source.writer;
  if (writer.count() == source.told_count) return;
  effects_.emplace_back(
      BlockAppended{.channel = source.id,
                    .segment = source.told_segment ? Ref<Segment>() : writer.segment(),
                    .block = {.first = source.told_count,
                              .count = writer.count(),
                              .begin = source.told_end,
                              .end = writer.end(),
                              .last = source.newest}});
  source.told_count = writer.count();
  source.told_end = writer.end();
  source.told_segment = true;
}

void Draft::write(Source& source) {
  source.dirty = false;
  tell_block(source);
  const Sequence evicted = source.window.evicted_through();
  if (evicted > source.told_evicted) {
    effects_.emplace_back(Evicted{.channel = source.id,
                                  .through = evicted,
                                  .events_left = source.window.events(),
                                  .bytes_left = source.window.bytes()});
    source.told_evicted = evicted;
    if (source.window.empty()) source.told_segment = false;  // an empty window lets go of it
  }
  if (source.keys) {
    if (auto news = source.keys->tell()) {
      effects_.emplace_back(KeysChanged{.channel = source.id, .news = std::move(news)});
    }
  }
  if (source.finished == source.told_finished) return;
  source.told_finished = source.finished;
  if (source.finished) {
    effects_.emplace_back(ChannelFinished{source.id});
  } else {
    effects_.emplace_back(ChannelReopened{source.id});
  }
}

void Draft::forgotten(Source& source) {
  if (source.dirty) {
    write(source);
    // Most likely it is what was touched last: its last events have just been evicted.
    dirty_.erase(std::find(dirty_.rbegin(), dirty_.rend(), &source).base() - 1);
  }
  effects_.emplace_back(ChannelForgotten{source.id});
}

BatchPtr Draft::seal(Sequence head, TimePoint now) {
  for (Source* const source : dirty_) write(*source);
  dirty_.clear();
  if (effects_.empty()) return {};
  const Ref<Batch> batch = blank();
  std::swap(batch->effects, effects_);
  batch->head = head;
  batch->committed = now;
  return BatchPtr(batch.get());
}

Ref<Batch> Draft::blank() {
  for (Ref<Batch>& kept : kept_) {
    if (kept && !kept->unshared()) continue;
    if (!kept || kept->effects.capacity() > kEffectsKept) kept = Ref<Batch>::adopt(new Batch);
    kept->effects.clear();
    return kept;
  }
  return Ref<Batch>::adopt(new Batch);
}

}  // namespace fanfare::fanout
