#include "broker/fanout/replica.h"

#include <utility>

#include "broker/fanout/backlog.h"
#include "broker/fanout/crowd.h"
#include "broker/fanout/directory.h"
#include "broker/fanout/feed.h"
#include "broker/fanout/past.h"
#include "broker/fanout/rounds.h"

#include "common/check.h"

namespace fanfare::fanout {

struct Replica::Impl {
  explicit Impl(ReplicaOptions replica_options)
      : options(std::move(replica_options)),
        directory(options.tombstones_max, options.feed_members_max, NameHash(options.epoch),
                  options.rules),
        rounds(directory, options.members_max, options.span_bytes_max),
        past(options.past.value_or(Past(options.began))) {}

  void apply(const ChannelAppeared& appeared) {
    directory.appear(appeared.channel, appeared.name, appeared.keeps_latest);
  }
  void apply(const BlockAppended& appended) {
    Channel& channel = directory.channel(appended.channel);
    Window& window = channel.window;
    const Sequence before = window.newest_ever();
    const Window::Position first = window.append(appended.segment, appended.block);
    channel.recent = head_after;
    rounds.appended(channel, before, first, appended.block.bytes());
  }
  void apply(const Evicted& evicted) {
    Channel& channel = directory.channel(evicted.channel);
    channel.window.evict(evicted.through, evicted.events_left, evicted.bytes_left);
    for (Link* const link : channel.links) link->feed->note_loss(*link);
    channel.trim();
  }
  void apply(const KeysChanged& changed) {
    Channel& channel = directory.channel(changed.channel);
    channel.latest->apply(*changed.news);
    for (Link* const link : channel.links) link->feed->note_loss(*link);
  }
  void apply(const ChannelFinished& finished) {
    directory.finish(finished.channel);
    for (const Link* const link : directory.channel(finished.channel).links) {
      rounds.finished(*link->feed);
    }
  }
  void apply(const ChannelReopened& reopened) { directory.reopen(reopened.channel); }
  void apply(const ChannelForgotten& forgotten) { directory.forget(forgotten.channel); }
  void apply(const FloorRaised& raised) { directory.raise_floor(raised.floor); }

  ReplicaOptions options;
  Directory directory;
  Rounds rounds;
  Backlog backlog;
  Past past;
  Sequence head_after = 0;  // of the batch being applied
};

Replica::Replica(ReplicaOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Replica::~Replica() = default;

void Replica::apply(const Batch& batch) {
  CHECK(batch.head >= head(), "batches are applied in their order");
  impl_->head_after = batch.head;
  impl_->rounds.begin_batch(batch.head, batch.committed);
  for (const Effect& effect : batch.effects) {
    std::visit([this](const auto& what) { impl_->apply(what); }, effect);
  }
  impl_->rounds.end_batch(batch.head);
  impl_->past.note(batch.committed, batch.head);
}

Sequence Replica::head() const {
  return impl_->rounds.head();
}
const Epoch& Replica::epoch() const {
  return impl_->options.epoch;
}

Feed* Replica::open(std::span<const std::string_view> topics, Framing framing, Duration spacing) {
  return impl_->directory.open(topics, framing, spacing);
}
void Replica::release(Feed* feed) {
  impl_->directory.release(feed);
}
std::uint32_t Replica::number(const Feed* feed) const {
  return feed->number();
}
Feed* Replica::feed(std::uint32_t number) const {
  return &impl_->directory.feed(number);
}
std::vector<std::uint32_t> Replica::feeds_of(std::string_view channel) const {
  return impl_->directory.feeds_of(channel);
}
std::uint32_t Replica::subscribers(const Feed* feed) const {
  return feed->share.subscribers;
}
std::vector<Attendance::Change> Replica::take_attendance() {
  return impl_->directory.take_attendance();
}
std::size_t Replica::pattern_count() const {
  return impl_->directory.pattern_count();
}
std::size_t Replica::new_patterns(std::span<const std::string_view> topics) const {
  return impl_->directory.new_patterns(topics);
}
Sequence Replica::target(const Feed* feed) const {
  return feed->progress.target(head());
}
void Replica::join(Feed* feed, Member member) {
  impl_->rounds.join(*feed, member);
}
Sequence Replica::leave(Feed* feed, Member member) {
  return impl_->rounds.leave(*feed, member);
}
bool Replica::complete(const Feed* feed) const {
  return feed->complete() && feed->progress.pending().empty();
}
bool Replica::due(const Feed* feed) const {
  return feed->progress.due();
}
const std::vector<std::string>& Replica::topics(const Feed* feed) const {
  return feed->topics().texts();
}
std::shared_ptr<const Topics> Replica::shared_topics(const Feed* feed) const {
  return feed->crowd().shared_topics();
}
Framing Replica::framing(const Feed* feed) const {
  return feed->framing();
}
Duration Replica::spacing(const Feed* feed) const {
  return feed->crowd().spacing();
}
const CrowdRules& Replica::rules(const Feed* feed) const {
  return impl_->directory.rules(feed->crowd());
}

std::optional<Round> Replica::next_round(std::size_t members_max) {
  return impl_->rounds.next(members_max);
}
std::size_t Replica::feeds_waiting() const {
  return impl_->rounds.feeds_waiting();
}

TimePoint Replica::last_served(const Feed* feed) const {
  return feed->progress.last_served();
}
void Replica::advance(TimePoint now) {
  impl_->rounds.advance(now);
  impl_->backlog.advance(now);
}
std::optional<TimePoint> Replica::next_release() const {
  return impl_->rounds.next_release();
}

std::uint64_t Replica::unserved_bytes() const {
  return impl_->rounds.unserved_bytes();
}

Read Replica::read(const Feed* feed, Cursor cursor, std::size_t bytes_max, Newest newest) {
  const bool conflate = rules(feed).conflate || impl_->directory.spacing(*feed) > Duration(0);
  return impl_->backlog.read(*feed, head(), cursor, bytes_max, newest, conflate);
}
bool Replica::keeps_keys(const Feed* feed) const {
  return !feed->keyed().empty();
}
std::optional<NewestStart> Replica::snapshot(const Feed* feed) {
  return impl_->backlog.snapshot(*feed, head());
}
Sequence Replica::thinned(const Feed* feed, Cursor cursor) const {
  const Sequence through = feed->thinnings().since(cursor.thinnings_known);
  return through > cursor.at ? through : 0;
}
Cursor Replica::thinnings_known(const Feed* feed, Cursor cursor) const {
  return {cursor.at, cursor.losses_known, feed->thinnings().count()};
}
Cursor Replica::replay_start(const Feed* feed, std::uint32_t events) const {
  return Backlog::replay_start(*feed, head(), events);
}
Cursor Replica::earliest(const Feed* feed) const {
  return Backlog::earliest(*feed, head());
}

NewestStart Replica::newest_of_each(const Feed* feed, std::uint32_t events,
                                    std::size_t channels_max) const {
  return Backlog::newest_of_each(*feed, head(), events, channels_max);
}
Lag Replica::lag(const Feed* feed, Sequence at, std::size_t channels_max) const {
  Lag lag = Backlog::lag(*feed, at, channels_max);
  if (lag.next != 0) lag.committed = impl_->past.committed(lag.next);
  return lag;
}
const Past& Replica::past() const {
  return impl_->past;
}
bool Replica::rests(const Feed* feed) const {
  return !feed->progress.due();
}
std::optional<Sequence> Replica::since(Duration age) const {
  return impl_->past.before(impl_->rounds.now() - age);
}

void Replica::await(Feed* feed) {
  impl_->rounds.await(*feed);
}
std::vector<std::uint32_t> Replica::take_stirred() {
  return impl_->rounds.take_stirred();
}

std::size_t Replica::feed_count() const {
  return impl_->directory.feed_count();
}
std::size_t Replica::channel_count() const {
  return impl_->directory.channel_count();
}

}  // namespace fanfare::fanout
