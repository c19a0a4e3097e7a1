#include "broker/fanout/sequencer.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "broker/fanout/encoder.h"
#include "broker/fanout/removal.h"
#include "broker/fanout/retention.h"

#include "common/pattern.h"

namespace fanfare::fanout {
namespace {

// Bounds of one expire().
constexpr std::size_t kVisitsAtOnce = 1'024;
constexpr std::size_t kReceiptsAtOnce = 4'096;
constexpr std::size_t kSegmentsAtOnce = 256;
constexpr LogLimits kUsualLimits;
// Prefetched before a publish; the hardware prefetches the rest by itself while it is written.
constexpr std::size_t kFetchMax = 512;
constexpr std::size_t kFrameOverhead = 40;

// Latest values may take a quarter of total_bytes: kept pages are half full at least, so that half
// of it is left for windows.
constexpr std::uint64_t kKeysShare = 4;

// When a channel is to be looked at again. It counts if it is the channel's `visit_due`.
struct Visit {
  LogTime due;
  ChannelId channel;
  friend bool operator<(const Visit& a, const Visit& b) { return a.due > b.due; }
};

bool begun(const Source& source) {
  return source.newest > source.begun_after || source.finished;
}

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
  Impl(SequencerOptions sequencer_options, std::unique_ptr<Log> its_log)
      : options(std::move(sequencer_options)),
        log(std::move(its_log)),
        sources(log->sources()),
        limits(options.limits == nullptr ? kUsualLimits : *options.limits),
        retention(*log, limits),
        revision(limits.revision) {
    for (const auto& source : sources.all()) {
      if (!source) continue;
      if (is_hidden(source->name)) ++hidden;
      if (options.history) source->limits = options.history(source->name);
      visit_at(*source, {});
    }
  }

  LogTime at(TimePoint now) const { return options.clock.at(now); }

  Source* appear(std::string_view channel, LogTime now);
  Source& make(std::string_view channel, LogTime now);
  std::optional<Sequencer::Publication> repeated(const Source& source, std::string_view key,
                                                 LogTime now);
  // Whether the channel does, or would if it appeared now.
  bool keeps_keys(const Source* source, std::string_view channel) const {
    if (source != nullptr) return source->keys != nullptr;
    return options.history && options.history(channel).keep_latest;
  }
  static Event as_appended(const Source& source, const Event& event, std::string& removal);
  std::optional<PublishError> key_error(const Source& source, const Event& event) const;
  Sequence append(Source& source, const Event& event, LogTime now);
  LogTime next_visit(const Source& source, LogTime now) const;
  void forget(Source& source);
  void remove_every_key(std::string_view channel, LogTime now);
  void visit_at(Source& source, LogTime due);
  void visit(Source& source, LogTime now);
  bool visit_due_ones(LogTime now);
  bool revise(LogTime now);
  bool tighten(Source& source, Evictions& left);
  void remember(const Source& source, std::string_view key, Sequence sequence, LogTime now);
  void drop_receipts(std::size_t count, LogTime now);
  std::size_t receipts_due(LogTime now, std::size_t most) const;
  bool drop_old_receipts(LogTime now);

  // The broker's own channels (~…) are there whatever publishers have filled.
  std::size_t channel_count() const { return sources.count() - hidden; }
  bool has_room_for(std::size_t channels) const {
    return channel_count() + channels <= limits.channels_max;
  }

  SequencerOptions options;
  const std::unique_ptr<Log> log;
  const Sources& sources;  // the log's
  const LogLimits& limits;
  Retention retention;
  std::priority_queue<Visit> visits;
  std::vector<Place> places;       // the last places()
  std::uint32_t revision;          // of `limits`, by which the sources below `revised` go
  std::size_t revised = SIZE_MAX;  // ids
  std::size_t hidden = 0;          // channels of the broker's own
  Counters counters;
};

Source* Sequencer::Impl::appear(std::string_view channel, LogTime now) {
  if (!is_hidden(channel) && !has_room_for(1)) return nullptr;
  return &make(channel, now);
}

Source& Sequencer::Impl::make(std::string_view channel, LogTime now) {
  const HistoryLimits its_limits = options.history ? options.history(channel) : HistoryLimits{};
  Source& source = log->apply(Appear{.channel = sources.next_id(),
                                     .name = channel,
                                     .time = now,
                                     .keeps_latest = its_limits.keep_latest,
                                     .journal = its_limits.journal});
  source.limits = its_limits;
  if (is_hidden(source.name)) ++hidden;
  visit_at(source, next_visit(source, now));
  return source;
}

void Sequencer::Impl::visit_at(Source& source, LogTime due) {
  source.visit_due = due;
  visits.push({.due = due, .channel = source.id});
}

// Without data, an event of a channel that keeps keys removes one: subscribers are told which.
Event Sequencer::Impl::as_appended(const Source& source, const Event& event, std::string& removal) {
  if (!source.keys || !event.data.empty()) return event;
  removal = removal_data(source.name, event.key);
  return {.type = kRemoved, .data = removal, .retry_ms = {}, .key = event.key, .removes = true};
}

// Why this event, which has a value, must not become the latest of its key.
std::optional<PublishError> Sequencer::Impl::key_error(const Source& source,
                                                       const Event& event) const {
  if (event.removes) return std::nullopt;
  if (event.type == kRemoved) return PublishError::type_of_removals;
  const Keys& keys = *source.keys;
  const std::uint64_t before = keys.value_size(event.key);
  if (before == 0 && keys.count() >= source.limits.keys_max) return PublishError::too_many_keys;
  const std::uint64_t after = log->measure(event, log->head() + 1).frame_size;
  if (after <= before) return std::nullopt;
  const bool fits = keys.value_bytes() + after - before <= source.limits.keys_bytes &&
                    log->keys().value_bytes + after - before <= limits.total_bytes / kKeysShare;
  if (!fits) return PublishError::keys_too_large;
  return std::nullopt;
}

Sequence Sequencer::Impl::append(Source& source, const Event& event, LogTime now) {
  const Append append{
      .channel = source.id, .sequence = log->head() + 1, .event = event, .time = now};
  const Encoder::Shape shape = log->measure(event, append.sequence);
  if (!source.writer.fits(shape.frame_size, append.sequence)) {
    retention.make_room(source, shape.frame_size);
  }
  log->apply(append, source, shape);
  if (source.window.events() > source.limits.events) source.window.expect_eviction_soon();
  ++counters.events_total;
  counters.bytes_total += shape.frame_size;
  return append.sequence;
}

LogTime Sequencer::Impl::next_visit(const Source& source, LogTime now) const {
  const bool empty = source.window.empty();
  LogTime next = (empty ? source.last_activity : now) + options.idle_forgotten_after;
  if (source.limits.age.count() > 0) {
    // Entries have whole seconds: the one it was committed in must be over. Into an empty window
    // an event may come at once, and must leave in its time, too.
    const LogTime oldest =
        empty ? now : LogTime{source.window.oldest_committed_s() * Duration(1s).count()};
    next = std::min(next, oldest + source.limits.age + Duration(1s));
  }
  return std::max(next, now + Duration(1ms));
}

void Sequencer::Impl::forget(Source& source) {
  if (is_hidden(source.name)) --hidden;
  log->apply(Forget{.channel = source.id});
  ++counters.channels_forgotten_total;
}

LogOptions SequencerOptions::log() const {
  return {.epoch = epoch,
          .tombstones_max = tombstones_max,
          .removals_max = removals_max,
          .removals_age = removals_age,
          .recorder = recorder};
}

Sequencer::Sequencer(const SequencerOptions& options)
    : Sequencer(options, std::make_unique<Log>(options.log())) {}
Sequencer::Sequencer(const SequencerOptions& options, std::unique_ptr<Log> log)
    : impl_(std::make_unique<Impl>(options, std::move(log))) {}
Sequencer::~Sequencer() = default;

std::expected<Sequencer::Publication, PublishError> Sequencer::publish(std::string_view channel,
                                                                       const Event& event,
                                                                       std::string_view key,
                                                                       TimePoint now) {
  return publish(place(channel), event, key, now);
}

// What the key's first publish was answered, unless the channel began anew since.
std::optional<Sequencer::Publication> Sequencer::Impl::repeated(const Source& source,
                                                                std::string_view key, LogTime now) {
  const auto first = log->receipts().find(source.name, key);
  if (!first || first->older_than(limits.keys_age, now) || first->sequence <= source.begun_after) {
    return std::nullopt;
  }
  return Publication{.sequence = first->sequence,
                     .duplicate = true,
                     .evicted = first->sequence <= source.window.evicted_through()};
}

std::expected<Sequencer::Publication, PublishError> Sequencer::publish(const Place& place,
                                                                       const Event& event,
                                                                       std::string_view key,
                                                                       TimePoint monotonic_now) {
  const LogTime now = impl_->at(monotonic_now);
  Source* source = place.source_;
  // It may have appeared since.
  if (source == nullptr) source = impl_->sources.find(place.channel_, place.hash_);
  if (source != nullptr && !key.empty()) {
    if (const auto first = impl_->repeated(*source, key, now)) {
      ++impl_->counters.duplicates_total;
      return *first;
    }
  }
  if (!event.key.empty() && !impl_->keeps_keys(source, place.channel_)) {
    return std::unexpected(PublishError::keeps_no_keys);
  }
  if (source == nullptr) source = impl_->appear(place.channel_, now);
  if (source == nullptr) return std::unexpected(PublishError::too_many_channels);
  if (source->finished) return std::unexpected(PublishError::channel_finished);
  std::string removal;
  const Event appended = impl_->as_appended(*source, event, removal);
  if (source->keys) {
    if (const auto error = impl_->key_error(*source, appended)) return std::unexpected(*error);
  }
  const Sequence sequence = impl_->append(*source, appended, now);
  if (!key.empty()) impl_->remember(*source, key, sequence, now);
  return Publication{.sequence = sequence};
}

bool Sequencer::repeats(std::string_view channel, std::string_view key, TimePoint now) const {
  const Source* const source = key.empty() ? nullptr : impl_->sources.find(channel);
  return source != nullptr && impl_->repeated(*source, key, impl_->at(now)).has_value();
}

namespace {

Sequencer::KeyRoom empty_room(const HistoryLimits& limits) {
  return {.keeps = limits.keep_latest, .keys_max = limits.keys_max, .bytes_max = limits.keys_bytes};
}

}  // namespace

Sequencer::KeyRoom Sequencer::key_room(std::string_view channel) const {
  const Source* const source = impl_->sources.find(channel);
  if (source == nullptr) return key_room_anew(channel);
  KeyRoom room = empty_room(source->limits);
  room.keeps = source->keys != nullptr;
  if (room.keeps) {
    room.keys = source->keys->count();
    room.bytes = source->keys->value_bytes();
    room.held = begun(*source) && !source->keys->unknown();
  }
  return room;
}

Sequencer::KeyRoom Sequencer::key_room_anew(std::string_view channel) const {
  const Source* const source = impl_->sources.find(channel);
  if (source != nullptr && source->limits.keep_latest == (source->keys != nullptr)) {
    return empty_room(source->limits);
  }
  return impl_->options.history ? empty_room(impl_->options.history(channel)) : KeyRoom{};
}

std::uint64_t Sequencer::key_size(std::string_view channel, std::string_view key) const {
  const Source* const source = impl_->sources.find(channel);
  return source != nullptr && source->keys ? source->keys->value_size(key) : 0;
}

std::int64_t Sequencer::key_bytes_left() const {
  return static_cast<std::int64_t>(impl_->limits.total_bytes / kKeysShare) -
         static_cast<std::int64_t>(impl_->log->keys().value_bytes);
}

std::uint64_t Sequencer::frame_size(const Event& event, Sequence sequence) const {
  return impl_->log->measure(event, sequence).frame_size;
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
  if (source == nullptr) source = impl_->appear(channel, impl_->at(now));
  if (source == nullptr) return std::unexpected(PublishError::too_many_channels);
  if (!source->finished) {
    impl_->log->apply(Finish{.channel = source->id, .time = impl_->at(now)});
  }
  return source->newest;
}

bool Sequencer::erase(std::string_view channel, TimePoint monotonic_now) {
  const LogTime now = impl_->at(monotonic_now);
  Source* const source = impl_->sources.find(channel);
  if (source == nullptr) return false;
  // It begins anew as it is configured now.
  const bool changes = source->limits.keep_latest != (source->keys != nullptr);
  // All that it has then is what tells clients of the keys it had.
  if (source->keys && !begun(*source) && !changes) return true;
  const bool tell = source->keys && !source->keys->unknown();
  impl_->retention.erase(*source, now);
  if (changes) impl_->forget(*source);
  if (tell) impl_->remove_every_key(channel, now);
  return true;
}

// If the channel keeps no keys from now on, that is an event like any other.
void Sequencer::Impl::remove_every_key(std::string_view channel, LogTime now) {
  Source* const known = sources.find(channel);
  Source& source = known == nullptr ? make(channel, now) : *known;
  const std::string data = removal_data(channel, kEveryKey);
  Event event{.type = kRemoved, .data = data, .retry_ms = {}};
  if (source.keys) event.key = kEveryKey, event.removes = true;
  append(source, event, now);
}

void Sequencer::Impl::visit(Source& source, LogTime now) {
  retention.expire(source, now);
  const bool has_keys = source.keys && source.keys->count() > 0;
  if (source.window.empty() && !has_keys &&
      now - source.last_activity >= options.idle_forgotten_after) {
    forget(source);
  } else {
    visit_at(source, next_visit(source, now));
  }
}

bool Sequencer::Impl::visit_due_ones(LogTime now) {
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
bool Sequencer::Impl::revise(LogTime now) {
  if (std::exchange(revision, limits.revision) != limits.revision) revised = 0;
  Evictions left;
  for (std::size_t visits_left = kVisitsAtOnce; visits_left > 0; --visits_left) {
    if (revised >= sources.all().size() || !options.history) return false;
    if (Source* const source = sources.all()[revised].get()) {
      source->limits = options.history(source->name);
      if (!tighten(*source, left)) return true;
      retention.expire(*source, now);
      const LogTime due = next_visit(*source, now);
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
    log->note(source);
  }
  return source.limits.events == wanted.events && source.limits.bytes == wanted.bytes;
}

// For one more than [limits] allow the oldest leaves; what is too many because they were lowered
// leaves in drop_old_receipts().
void Sequencer::Impl::remember(const Source& source, std::string_view key, Sequence sequence,
                               LogTime now) {
  if (limits.keys_max == 0) return;
  if (log->receipts().count() >= limits.keys_max) drop_receipts(1, now);
  log->apply(AddReceipt{.channel = source.id, .key = key, .sequence = sequence, .time = now});
}

void Sequencer::Impl::drop_receipts(std::size_t count, LogTime now) {
  counters.keys_dropped_total +=
      count - log->receipts().count_older_than(limits.keys_age, now, count);
  log->apply(DropReceipts{.count = count});
}

// Those that are too old, or too many.
std::size_t Sequencer::Impl::receipts_due(LogTime now, std::size_t most) const {
  const Receipts& receipts = log->receipts();
  const std::size_t surplus =
      receipts.count() - std::min<std::size_t>(receipts.count(), limits.keys_max);
  return std::max(std::min(surplus, most), receipts.count_older_than(limits.keys_age, now, most));
}

bool Sequencer::Impl::drop_old_receipts(LogTime now) {
  const std::size_t count = receipts_due(now, kReceiptsAtOnce);
  if (count == 0) return false;
  drop_receipts(count, now);
  return receipts_due(now, 1) != 0;
}

bool Sequencer::expire(TimePoint monotonic_now) {
  const LogTime now = impl_->at(monotonic_now);
  bool more = impl_->visit_due_ones(now);
  more |= impl_->revise(now);
  more |= impl_->retention.shrink(kSegmentsAtOnce);
  more |= impl_->drop_old_receipts(now);
  return more;
}

BatchPtr Sequencer::seal(TimePoint now) {
  for (Source* const source : impl_->log->changed()) impl_->retention.enforce(*source);
  return impl_->log->seal(now);
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
          .begun = begun(source)};
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
    source->gained = static_cast<std::uint32_t>(source->published - before);
    visit(source->name, state_of(*source), source->gained);
  }
}

std::uint32_t Sequencer::places() const {
  return static_cast<std::uint32_t>(impl_->sources.all().size());
}

std::optional<Sequencer::Seen> Sequencer::at_place(std::uint32_t place) const {
  const std::unique_ptr<Source>& source = impl_->sources.all()[place];
  if (!source) return std::nullopt;
  return Seen{.name = source->name, .state = state_of(*source), .gained = source->gained};
}

const Log& Sequencer::log() const {
  return *impl_->log;
}
Sequence Sequencer::head() const {
  return impl_->log->head();
}
const Epoch& Sequencer::epoch() const {
  return impl_->log->epoch();
}
std::size_t Sequencer::channel_count() const {
  return impl_->channel_count();
}
bool Sequencer::room_for(std::size_t channels) const {
  return impl_->has_room_for(channels);
}
std::uint64_t Sequencer::segment_bytes() const {
  return impl_->log->bytes();
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
  return counters;
}

}  // namespace fanfare::fanout
