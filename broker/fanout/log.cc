#include "broker/fanout/log.h"

#include <cstring>
#include <utility>
#include <variant>

#include "broker/fanout/removal.h"

#include "common/check.h"

namespace fanfare::fanout {

Log::Log(LogOptions options)
    : options_(std::move(options)),
      encoder_(options_.epoch),
      sources_(NameHash(options_.epoch)),
      segments_(sources_),
      receipts_(NameHash(options_.epoch)),
      tombstones_(options_.tombstones_max, NameHash(options_.epoch)) {}

void Log::apply(const Command& command) {
  std::visit([this](const auto& what) { apply(what); }, command);
}

Source& Log::source(ChannelId channel) const {
  CHECK(channel < sources_.all().size() && sources_.all()[channel], "a channel appears first");
  return *sources_.all()[channel];
}

Source& Log::apply(const Appear& appear) {
  record(appear);
  CHECK(appear.channel == sources_.next_id(), "the same commands give the same ids");
  Source& source = sources_.make(appear.name);
  source.told_evicted = tombstones_.take(appear.name);
  source.window.inherit(source.told_evicted);
  source.begun_after = head_;
  source.last_activity = appear.time;
  if (appear.keeps_latest) {
    source.keys =
        std::make_unique<Keys>(NameHash(options_.epoch), arena_, keys_, options_.removals_max,
                               options_.removals_age, source.told_evicted);
  }
  draft_.appeared(source);
  return source;
}

void Log::apply(const Append& append) {
  Source& to = source(append.channel);
  const Encoder::Shape shape = measure(append.event, append.sequence);
  CHECK(to.writer.fits(shape.frame_size, append.sequence), "a segment is opened first");
  apply(append, to, shape);
}

void Log::apply(const Append& append, Source& source, const Encoder::Shape& shape) {
  record(append);
  const Sequence sequence = append.sequence;
  CHECK(sequence > head_, "numbers only rise");
  SegmentWriter& writer = source.writer;
  const auto second = static_cast<std::uint32_t>(append.time.whole_seconds());
  const std::span<char> frame = writer.append(shape.frame_size, sequence, second);
  encoder_.encode(shape, append.event, sequence, frame);
  source.window.append(writer.segment(), writer.newest(shape.frame_size, sequence));
  if (source.keys) {
    source.keys->append(sequence, {frame.data(), frame.size()}, append.event.key,
                        append.event.removes, second);
    if (append.event.key == kEveryKey) source.begun_after = sequence;
  }
  draft_.touch(source);
  head_ = sequence;
  source.newest = sequence;
  source.last_activity = append.time;
  ++source.published;
}

void Log::apply(const Evict& evict) {
  Source& from = source(evict.channel);
  apply(evict, from, from.window.cut_after(evict.through));
}

void Log::apply(const Evict& evict, Source& source, const Window::Cut& cut) {
  record(evict);
  draft_.touch(source);
  if (source.keys) keep_latest(source, cut);
  source.window.evict(cut);
  collect(source);
}

void Log::keep_latest(Source& source, const Window::Cut& cut) {
  const Window& window = source.window;
  Window::Position from = window.begin();
  for (std::uint64_t left = window.events() - cut.events; left > 0;) {
    const Window::Run run = window.run(from, cut.through, SIZE_MAX);
    source.keys->leave(run);
    left -= run.events;
    from = run.next;
  }
}

void Log::apply(const Finish& finish) {
  record(finish);
  Source& finished = source(finish.channel);
  finished.finished = true;
  finished.last_activity = finish.time;
  draft_.touch(finished);
}

// At most one segment for each 128 KiB of a large channel is touched, none of its events.
void Log::apply(const Erase& erase) {
  record(erase);
  Source& erased = source(erase.channel);
  draft_.touch(erased);
  if (erased.keys) erased.keys->erase(head_);
  erased.window.evict(erased.window.last());
  close(erased);
  erased.last_footprint = 0;
  erased.finished = false;
  erased.begun_after = head_;
  erased.last_activity = erase.time;
}

void Log::apply(const Forget& forget) {
  record(forget);
  Source& forgotten = source(forget.channel);
  CHECK(forgotten.window.empty() && !forgotten.writer, "what is forgotten holds nothing");
  CHECK(!forgotten.keys || forgotten.keys->count() == 0, "a key's value is never forgotten");
  draft_.forgotten(forgotten);
  tombstones_.add(forgotten.name, forgotten.window.evicted_through());
  sources_.destroy(forgotten);
}

void Log::apply(const OpenSegment& open) {
  record(open);
  Source& opened = source(open.channel);
  CHECK(!opened.writer, "a channel writes one segment at a time");
  opened.writer = SegmentWriter(Segment::make(open.footprint - sizeof(Segment), arena_));
  opened.last_footprint = open.footprint;
  segments_.add(*opened.writer.segment(), opened);
}

void Log::apply(const CloseSegment& close_segment) {
  record(close_segment);
  Source& closed = source(close_segment.channel);
  close(closed);
  if (close_segment.small_next) closed.last_footprint = 0;
}

void Log::apply(const AddReceipt& add) {
  record(add);
  receipts_.add(source(add.channel).name, add.key, add.sequence, add.time);
}

void Log::apply(const DropReceipts& drop) {
  record(drop);
  receipts_.drop(drop.count);
}

void Log::apply(const Refill& refill) {
  record(refill);
  Source& to = source(refill.channel);
  SegmentWriter& writer = to.writer;
  CHECK(writer && writer.count() == 0, "a new segment is opened first");
  const std::size_t count = refill.entries.size() / sizeof(Segment::Entry);
  const auto entry = [&refill](std::size_t index) {
    Segment::Entry read;
    std::memcpy(&read, refill.entries.data() + index * sizeof read, sizeof read);
    return read;
  };
  for (std::size_t i = 0; i < count; ++i) {
    const Segment::Entry is = entry(i);
    const std::size_t begin = is.frame_offset - refill.begin;
    const std::size_t end =
        i + 1 < count ? entry(i + 1).frame_offset - refill.begin : refill.frames.size();
    const Sequence sequence = refill.first + is.sequence_offset;
    CHECK(writer.fits(end - begin, sequence), "the segment has room for what was in it");
    const std::span<char> frame = writer.append(end - begin, sequence, is.committed_s);
    std::memcpy(frame.data(), refill.frames.data() + begin, frame.size());
    if (refill.of_another_epoch) encoder_.renew(frame, sequence);
    to.newest = sequence;
    if (!to.keys) continue;
    const std::string_view written(frame.data(), frame.size());
    const KeyOfFrame its = key_of(written);
    to.keys->append(sequence, written, its.key, its.removes, is.committed_s);
  }
  const Block block{
      .first = 0, .count = writer.count(), .begin = 0, .end = writer.end(), .last = to.newest};
  to.window.append(writer.segment(), block);
  draft_.touch(to);
}

void Log::apply(const Resume& resume) {
  record(resume);
  Source& resumed = source(resume.channel);
  resumed.newest = resume.newest;
  resumed.begun_after = resume.begun_after;
  resumed.published = resume.published;
  resumed.published_before = resume.published;
  resumed.last_footprint = resume.last_footprint;
  if (resumed.keys) resumed.keys->resume(resume.removals_forgotten);
  resumed.last_activity = resume.last_activity;
}

void Log::apply(const Continue& continued) {
  record(continued);
  CHECK(continued.head >= head_, "numbers only rise");
  head_ = continued.head;
  tombstones_.raise_floor(continued.floor);
  draft_.floor_raised(continued.floor);
}

void Log::close(Source& source) {
  if (!source.writer) return;
  draft_.tell_block(source);
  const Ref<Segment> closed = std::exchange(source.writer, {}).segment();
  source.told_count = 0;
  source.told_end = 0;
  source.told_segment = false;
  collect(source);
  if (SegmentList::holds(*closed) && source.window.newest_segment() != closed.get()) {
    segments_.remove(*closed);
  }
}

void Log::collect(Source& source) {
  while (const Ref<Segment> dead = source.window.take_dead()) {
    if (dead != source.writer.segment()) segments_.remove(*dead);
  }
}

}  // namespace fanfare::fanout
