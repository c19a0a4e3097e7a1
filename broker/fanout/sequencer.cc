#include "broker/fanout/sequencer.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "broker/fanout/draft.h"
#include "broker/fanout/encoder.h"
#include "broker/fanout/receipts.h"
#include "broker/fanout/retention.h"
#include "broker/fanout/sources.h"
#include "broker/fanout/tombstones.h"

#include "common/pattern.h"

namespace fanfare::fanout {
namespace {

// Bounds of one expire().
constexpr std::size_t kVisitsAtOnce = 1'024;
constexpr std::size_t kReceiptsAtOnce = 4'096;
constexpr std::size_t kSegmentsAtOnce = 256;
constexpr LogLimits kUsualLimits;
// Fetched ahead of a publish; of more, the memory fetches the rest by itself while it is written.
constexpr std::size_t kFetchMax = 512;
constexpr std::size_t kFrameOverhead = 40;

std::uint32_t whole_seconds(TimePoint time) {
  return static_cast<std::uint32_t>(time.nanoseconds / Duration(1s).count());
}

// When a channel is to be looked at again. It counts if it is the channel's `visit_due`.
struct Visit {
  TimePoint due;
  ChannelId channel;
  friend bool operator<(const Visit& a, const Visit& b) { return a.due > b.due; }
};

// What may leave in one turn because limits were lowered.
struct Evictions {
  std::uint64_t events = 8'192;
  std::uint64_t bytes = 1U << 20U;
};

void fetch(const void* begin, std::size_t size) {
  const auto* const bytes = static_cast<const char*>(begin);
  for (std::size_t at = 0; at < size; at += kCacheLine) __builtin_prefetch(bytes + at, 1);
}

}  // namespace

struct Sequencer::Impl {
  explicit Impl(SequencerOptions sequencer_options)
      : options(std::move(sequencer_options)),
        encoder(options.epoch),
        sources(NameHash(options.epoch)),
        limits(options.limits == nullptr ? kUsualLimits : *options.limits),
        retention(draft, sources, limits),
        receipts(limits, NameHash(options.epoch)),
        tombstones(options.tombstones_max, NameHash(options.epoch)),
        revision(limits.revision) {}

  Source* appear(std::string_view channel, TimePoint now);
  std::optional<Sequencer::Publication> repeated(const Source& source, std::string_view key,
                                                 TimePoint now);
  Sequence append(Source& source, const Event& event, TimePoint now);
  TimePoint next_visit(const Source& source, TimePoint now) const;
  void forget(Source& source);
  void visit_at(Source& source, TimePoint due);
  void visit(Source& source, TimePoint now);
  bool visit_due_ones(TimePoint now);
  bool revise(TimePoint now);
  bool tighten(Source& source, Evictions& left);

  // The broker's own channels (~…) are there whatever publishers have filled.
  std::size_t channel_count() const { return sources.count() - hidden; }
  bool has_room_for(std::size_t channels) const {
    return channel_count() + channels <= limits.channels_max;
  }

  SequencerOptions options;
  Encoder encoder;
  Sources sources;
  Draft draft;
  const LogLimits& limits;
  Retention retention;
  Receipts receipts;
  Tombstones tombstones;
  std::priority_queue<Visit> visits;
  std::vector<Place> places;       // the last places()
  std::uint32_t revision;          // of `limits`, by which the sources below `revised` go
  std::size_t revised = SIZE_MAX;  // ids
  std::size_t hidden = 0;          // channels of the broker's own
  Sequence head = 0;
  Counters counters;
};

Source* Sequencer::Impl::appear(std::string_view channel, TimePoint now) {
  if (is_hidden(channel)) {
    ++hidden;
  } else if (!has_room_for(1)) {
    return nullptr;
  }
  Source& source = sources.make(channel);
  if (options.history) source.limits = options.history(channel);
  source.told_evicted = tombstones.take(channel);
  source.window.inherit(source.told_evicted);
  source.begun_after = head;
  source.last_activity = now;
  draft.appeared(source);
  visit_at(source, next_visit(source, now));
  return &source;
}

void Sequencer::Impl::visit_at(Source& source, TimePoint due) {
  source.visit_due = due;
  visits.push({.due = due, .channel = source.id});
}

Sequence Sequencer::Impl::append(Source& source, const Event& event, TimePoint now) {
  const Sequence sequence = head + 1;
  const Encoder::Shape shape = encoder.measure(event, sequence);
  retention.make_room(source, shape.frame_size, sequence);
  SegmentWriter& writer = source.writer;
  encoder.encode(shape, event, sequence,
                 writer.append(shape.frame_size, sequence, whole_seconds(now)));
  source.window.append(writer.segment(), writer.count(), writer.end(), sequence);
  draft.touch(source);
  if (source.window.events() > source.limits.events) source.window.expect_eviction_soon();
  head = sequence;
  source.newest = sequence;
  source.last_activity = now;
  ++source.published;
  ++counters.events_total;
  counters.bytes_total += shape.frame_size;
  return sequence;
}

TimePoint Sequencer::Impl::next_visit(const Source& source, TimePoint now) const {
  const bool empty = source.window.empty();
  TimePoint next = (empty ? source.last_activity : now) + options.idle_forgotten_after;
  if (source.limits.age.count() > 0) {
    // Entries have whole seconds: the one it was committed in must be over. Into an empty window
    // an event may come at once, and must leave in its time, too.
    const TimePoint oldest =
        empty ? now : TimePoint{source.window.oldest_committed_s() * Duration(1s).count()};
    next = std::min(next, oldest + source.limits.age + Duration(1s));
  }
  return std::max(next, now + Duration(1ms));
}

void Sequencer::Impl::forget(Source& source) {
  draft.forgotten(source);
  tombstones.add(source.name, source.window.evicted_through());
  if (is_hidden(source.name)) --hidden;
  sources.destroy(source);
  ++counters.channels_forgotten_total;
}

Sequencer::Sequencer(SequencerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
Sequencer::~Sequencer() = default;

std::expected<Sequencer::Publication, PublishError> Sequencer::publish(std::string_view channel,
                                                                       const Event& event,
                                                                       std::string_view key,
                                                                       TimePoint now) {
  return publish(place(channel), event, key, now);
}

// What the key's first publish was answered, unless the channel began anew since.
std::optional<Sequencer::Publication> Sequencer::Impl::repeated(const Source& source,
                                                                std::string_view key,
                                                                TimePoint now) {
  const auto first = receipts.find(source.name, key, now);
  if (!first || *first <= source.begun_after) return std::nullopt;
  return Publication{
      .sequence = *first, .duplicate = true, .evicted = *first <= source.window.evicted_through()};
}

std::expected<Sequencer::Publication, PublishError> Sequencer::publish(const Place& place,
                                                                       const Event& event,
                                                                       std::string_view key,
                                                                       TimePoint now) {
  Source* source = place.source_;
  // It may have appeared since.
  if (source == nullptr) source = impl_->sources.find(place.channel_, place.hash_);
  if (source != nullptr && !key.empty()) {
    if (const auto first = impl_->repeated(*source, key, now)) {
      ++impl_->counters.duplicates_total;
      return *first;
    }
  }
  if (source == nullptr) source = impl_->appear(place.channel_, now);
  if (source == nullptr) return std::unexpected(PublishError::too_many_channels);
  if (source->finished) return std::unexpected(PublishError::channel_finished);
  const Sequence sequence = impl_->append(*source, event, now);
  if (!key.empty()) impl_->receipts.add(place.channel_, key, sequence, now);
  return Publication{.sequence = sequence};
}

bool Sequencer::repeats(std::string_view channel, std::string_view key, TimePoint now) const {
  const Source* const source = key.empty() ? nullptr : impl_->sources.find(channel);
  return source != nullptr && impl_->repeated(*source, key, now);
}

Sequencer::Place Sequencer::place(std::string_view channel) const {
  Place place;
  place.channel_ = channel;
  place.hash_ = impl_->sources.expect(channel);
  place.source_ = impl_->sources.find(channel, place.hash_);
  return place;
}

// Each round asks for what the one before it has found the way to.
std::span<const Sequencer::Place> Sequencer::places(std::span<const Coming> events) {
  const Sources& sources = impl_->sources;
  auto& places = impl_->places;
  places.resize(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    places[i].channel_ = events[i].channel;
    places[i].hash_ = sources.expect(events[i].channel);
  }
  for (Place& place : places) {
    place.source_ = sources.expected(place.hash_);
    if (place.source_ != nullptr) fetch(place.source_, sizeof(Source));
  }
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Source* const source = places[i].source_;
    if (source == nullptr) continue;
    __builtin_prefetch(source->name.data());
    source->writer.expect(std::min(events[i].bytes + kFrameOverhead, kFetchMax));
    source->window.expect_eviction();
  }
  for (Place& place : places) {
    if (place.source_ == nullptr || place.source_->name == place.channel_) continue;
    place.source_ = sources.find(place.channel_, place.hash_);
  }
  return places;
}

std::expected<Sequence, PublishError> Sequencer::finish(std::string_view channel, TimePoint now) {
  Source* source = impl_->sources.find(channel);
  if (source == nullptr) source = impl_->appear(channel, now);
  if (source == nullptr) return std::unexpected(PublishError::too_many_channels);
  if (!source->finished) {
    source->finished = true;
    source->last_activity = now;
    impl_->draft.touch(*source);
  }
  return source->newest;
}

bool Sequencer::erase(std::string_view channel, TimePoint now) {
  Source* const source = impl_->sources.find(channel);
  if (source == nullptr) return false;
  impl_->retention.clear(*source);
  source->finished = false;
  source->begun_after = impl_->head;
  source->last_activity = now;
  return true;
}

void Sequencer::Impl::visit(Source& source, TimePoint now) {
  retention.expire(source, now);
  if (source.window.empty() && now - source.last_activity >= options.idle_forgotten_after) {
    forget(source);
  } else {
    visit_at(source, next_visit(source, now));
  }
}

bool Sequencer::Impl::visit_due_ones(TimePoint now) {
  for (std::size_t left = kVisitsAtOnce; left > 0; --left) {
    if (visits.empty() || visits.top().due > now) return false;
    const Visit due = visits.top();
    visits.pop();
    Source* const source = sources.all()[due.channel].get();
    if (source != nullptr && source->visit_due == due.due) visit(*source, now);
  }
  return !visits.empty() && visits.top().due <= now;
}

// The limits as they are now, for the channels that exist: some in each turn.
bool Sequencer::Impl::revise(TimePoint now) {
  if (std::exchange(revision, limits.revision) != limits.revision) revised = 0;
  Evictions left;
  for (std::size_t visits_left = kVisitsAtOnce; visits_left > 0; --visits_left) {
    if (revised >= sources.all().size() || !options.history) return false;
    if (Source* const source = sources.all()[revised].get()) {
      source->limits = options.history(source->name);
      if (!tighten(*source, left)) return true;
      retention.expire(*source, now);
      const TimePoint due = next_visit(*source, now);
      if (due < source->visit_due) visit_at(*source, due);
    }
    ++revised;
  }
  return true;
}

// What is above its limits comes down to them at the end of the turn, or a step closer: then false.
bool Sequencer::Impl::tighten(Source& source, Evictions& left) {
  const auto step = [](std::uint64_t present, std::uint64_t wanted, std::uint64_t& most) {
    if (present <= wanted) return wanted;
    const std::uint64_t leave = std::min(present - wanted, most);
    most -= leave;
    return present - leave;
  };
  const HistoryLimits wanted = source.limits;
  source.limits.events =
      static_cast<std::uint32_t>(step(source.window.events(), wanted.events, left.events));
  source.limits.bytes = step(source.window.bytes(), wanted.bytes, left.bytes);
  if (source.window.events() > wanted.events || source.window.bytes() > wanted.bytes) {
    draft.touch(source);
  }
  return source.limits.events == wanted.events && source.limits.bytes == wanted.bytes;
}

bool Sequencer::expire(TimePoint now) {
  bool more = impl_->visit_due_ones(now);
  more |= impl_->revise(now);
  more |= impl_->retention.shrink(kSegmentsAtOnce);
  more |= impl_->receipts.expire(now, kReceiptsAtOnce);
  return more;
}

BatchPtr Sequencer::seal(TimePoint now) {
  for (Source* const source : impl_->draft.dirty()) impl_->retention.enforce(*source);
  return impl_->draft.seal(impl_->head, now);
}

namespace {

Sequencer::ChannelState state_of(const Source& source) {
  return {.events = source.window.events(),
          .bytes = source.window.bytes(),
          .published_total = source.published,
          .first = source.window.first(),
          .last = source.window.last(),
          .evicted_through = source.window.evicted_through(),
          .finished = source.finished,
          .begun = source.newest > source.begun_after || source.finished};
}

}  // namespace

std::optional<Sequencer::ChannelState> Sequencer::find(std::string_view channel) const {
  const Source* const source = impl_->sources.find(channel);
  if (source == nullptr) return std::nullopt;
  return state_of(*source);
}

void Sequencer::for_each(
    const std::function<bool(std::string_view, const ChannelState&)>& visit) const {
  for (const auto& source : impl_->sources.all()) {
    if (source && !visit(source->name, state_of(*source))) return;
  }
}

void Sequencer::for_each_gain(
    const std::function<void(std::string_view, const ChannelState&, std::uint64_t)>& visit) {
  for (const auto& source : impl_->sources.all()) {
    if (!source) continue;
    const std::uint64_t before = std::exchange(source->published_before, source->published);
    visit(source->name, state_of(*source), source->published - before);
  }
}

Sequence Sequencer::head() const {
  return impl_->head;
}
const Epoch& Sequencer::epoch() const {
  return impl_->options.epoch;
}
std::size_t Sequencer::channel_count() const {
  return impl_->channel_count();
}
bool Sequencer::room_for(std::size_t channels) const {
  return impl_->has_room_for(channels);
}
std::uint64_t Sequencer::segment_bytes() const {
  return impl_->retention.segment_bytes();
}

Sequencer::Counters Sequencer::counters() const {
  const Retention::Counters& evicted = impl_->retention.counters();
  Counters counters = impl_->counters;
  counters.evicted_by_total_bytes = evicted.by_total_bytes;
  counters.evicted_by_age = evicted.by_age;
  counters.evicted_by_events = evicted.by_events;
  counters.evicted_by_bytes = evicted.by_bytes;
  counters.evicted_events_total = evicted.by_total_bytes + evicted.by_age + evicted.by_events +
                                  evicted.by_bytes + evicted.by_erase;
  counters.keys_dropped_total = impl_->receipts.dropped_total();
  return counters;
}

}  // namespace fanfare::fanout
