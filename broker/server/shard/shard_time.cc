// Shard, the part about time: one sweep over the tables a second, a tenth of them each tick of
// 100 ms, asks every connection and every subscriber whether its `due` has come. Ticks are read off
// the clock, never counted.

#include <algorithm>
#include <numeric>
#include <utility>

#include "broker/server/shard/shard.h"

namespace fanfare::server {
namespace {

constexpr Tick kTicksPerSecond = 10;
// Places that are looked at in the same tick: 6 cache lines of each table.
constexpr std::uint32_t kSweepBlock = 16;
constexpr std::size_t kHeartbeatBatch = 256;
// The sweep's share of one turn, in visits to a place (2 ns each); the work for a place that is due
// counts for so many visits.
constexpr std::int64_t kSweepWork = 65'536;
constexpr std::int64_t kHeartbeatWork = 8;
constexpr std::int64_t kOverdueWork = 64;
// Polls for writable armed again in one tick.
constexpr std::size_t kRoomAtOnce = 1'024;
// A stream that was told to come back may take this long to read it.
constexpr Tick kFarewellTicks = 20;

CloseReason why_expired(const Subscriber& subscriber) {
  return subscriber.ages ? CloseReason::lived_out : CloseReason::token_expired;
}

}  // namespace

// What came before the shard's first tick counts as that.
Tick Shard::tick_of(TimePoint time) const {
  return time <= started_ ? 0 : static_cast<Tick>((time - started_) / kTick);
}

// True: there was something to do.
bool Shard::time_passes() {
  const Tick before = std::exchange(tick_, tick_of(now_));
  const bool work = !heartbeats_due_.empty() || drain_waiting() || swept_ != tick_ ||
                    (desk_ && desk_->work_waiting());
  if (!work) return false;
  if (!heartbeats_due_.empty()) send_heartbeats();
  if (drain_waiting()) drain_some();
  if (swept_ != tick_) sweep_on();
  if (desk_) desk_->turn_passes();
  if (tick_ != before) tick_passed();
  return true;
}

void Shard::tick_passed() {
  tell_date();
  if (desk_ && tick_ >= second_) {
    second_ = tick_ + kTicksPerSecond;
    desk_->second_passed(now_);
    const Tick stall = ticks(settings_->delivery.stall);
    for (const io::Slot slot : desk_->ingest_port().find_stuck(tick_, stall)) {
      if (connections_[slot].state == State::publisher) close(slot, CloseReason::slow_stalled);
    }
  }
  if (desk_) look_for_late_rolls();
  accept_again();
  look_for_room();
  upstreams_.look_for_room();
  if (desk_) post_to_hooks();
  end_lifetimes();
  take_stock();
  if (phase_ != Phase::serving) drain_on();
}

// What was published cannot be acked, ever, and is not to be taken for refused either.
void Shard::give_up_answers() {
  const auto waiting = desk_->ingest_port().waiting();
  for (const io::Slot slot : std::vector<io::Slot>(waiting.begin(), waiting.end())) {
    close(slot, CloseReason::journal_failed);
  }
  for (const io::Token token : courier_.drop_held()) {
    if (connections_.find(token) != nullptr) close(token.index, CloseReason::journal_failed);
  }
}

void Shard::look_for_room() {
  std::vector<io::Token> later;
  if (room_wanted_.size() > kRoomAtOnce) {
    later.assign(room_wanted_.begin() + kRoomAtOnce, room_wanted_.end());
    room_wanted_.resize(kRoomAtOnce);
  }
  for (const io::Token token : std::exchange(room_wanted_, std::move(later))) {
    const Connection* const connection = connections_.find(token);
    if (connection != nullptr && connection->state != State::closing) arm_room(token.index);
  }
}

// Listeners that were not open yet, or whose accept failed for want of something that others may
// have given back meanwhile.
void Shard::accept_again() {
  if (handing_ == Handing::freezing || handing_ == Handing::frozen) return;
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
    const Listener& listener = listeners_[i];
    if (listener.wanted && !listener.armed && open(listener.port)) arm_accept(i);
  }
}

// Each place once a second, always in the same tick of it, however few or many there are: whatever
// is due before the place's next visit is done now, and it must not be visited more often. While
// stopping, every place in each tick. What one turn has no time for is left to the next.
void Shard::sweep_on() {
  const bool stopping = phase_ != Phase::serving;
  swept_ = std::max(swept_, tick_ - std::min(tick_, kTicksPerSecond));
  for (sweep_left_ = kSweepWork; swept_ != tick_ && sweep_left_ > 0;) {
    const std::uint32_t first = stopping ? 0 : kSweepBlock * ((swept_ + 1) % kTicksPerSecond);
    const std::uint32_t stride = stopping ? kSweepBlock : kSweepBlock * kTicksPerSecond;
    const std::uint32_t end = std::max(connections_.high_water(), subscribers_.high_water());
    for (; first + sweep_at_ < end && sweep_left_ > 0; sweep_at_ += stride) {
      sweep(first + sweep_at_, std::min(end, first + sweep_at_ + kSweepBlock));
    }
    if (first + sweep_at_ < end) return;
    sweep_at_ = 0;
    swept_ = stopping ? tick_ : swept_ + 1;
  }
}

void Shard::sweep(std::uint32_t begin, std::uint32_t end) {
  sweep_left_ -= end - begin;
  for (io::Slot slot = begin; slot < std::min(end, connections_.high_water()); ++slot) {
    if (tick_ < connections_[slot].due) continue;
    sweep_left_ -= kOverdueWork;
    overdue(slot, connections_[slot]);
  }
  for (Member member = begin; member < std::min(end, subscribers_.high_water()); ++member) {
    Subscriber& subscriber = subscribers_[member];
    // A second ahead: this place is not looked at again before.
    if (tick_ + kTicksPerSecond > subscriber.due) stream_overdue(member, subscriber);
  }
}

void Shard::overdue(io::Slot slot, Connection& connection) {
  const State state = connection.state;
  if (state == State::lingering) {
    close(slot, connection.reason);
  } else if (state == State::greeting) {
    close(slot, CloseReason::head_timeout);
  } else if (state == State::reading || state == State::waiting || state == State::answering) {
    obey(slot, kind_of(connection).http->overdue(slot, tick_));
  } else if (state == State::shared) {
    shared_->overdue(slot, tick_);
    obey_shared();
  } else if (state == State::publisher) {  // turned away, or over TCP
    obey(slot, desk_->ingest_port().overdue(slot, tick_));
  } else if (state == State::upstream) {  // idle for long enough
    close(slot, CloseReason::upstream_closed);
  }
}

void Shard::stream_overdue(Member member, Subscriber& subscriber) {
  if (subscriber.farewell != Farewell::none) {
    if (tick_ < subscriber.due) return;
    sweep_left_ -= kOverdueWork;
    if (subscriber.farewell == Farewell::due) return say_farewell(member, Farewell::said);
    // While the broker serves, an end that was set for the stream is said so, or an operator's.
    CloseReason said = phase_ == Phase::serving ? CloseReason::expired : CloseReason::drained;
    if (subscriber.farewell == Farewell::expired) said = why_expired(subscriber);
    if (delivery_.farewell_reason(member) == CloseReason::dismissed) said = CloseReason::dismissed;
    end_stream({member, said});
    return;
  }
  if (tick_ >= subscriber.expires) {
    sweep_left_ -= kOverdueWork;
    if (subscriber.ages) ++counters_.streams_outlived_total;
    return say_farewell(member, Farewell::expired);
  }
  const Tick stall = ticks(settings_->delivery.stall);
  if (delivery_.stalled_for(member, tick_) > stall &&
      !replica_.rules(replica_.feed(subscriber.feed)).slow_may_stay) {
    sweep_left_ -= kOverdueWork;
    end_stream({member, CloseReason::slow_stalled});
    return;
  }
  sweep_left_ -= kHeartbeatWork;
  heartbeat_due(member, subscriber);
}

void Shard::say_farewell(Member member, Farewell farewell) {
  Subscriber& subscriber = subscribers_[member];
  subscriber.farewell = farewell;
  subscriber.due = tick_ + kFarewellTicks;
  delivery_.farewell(
      member, farewell == Farewell::expired ? why_expired(subscriber) : CloseReason::drained);
}

// The members of one feed got their last event together, and many streams may have begun together:
// to spread their heartbeats, the first one is sent at random up to an eighth of the interval
// before it is due; later ones keep that offset.
Tick Shard::heartbeat_visit(Tick due, std::uint32_t heartbeat) {
  return due - static_cast<Tick>(random_.below(heartbeat / 8 + 1));
}

// A stream that got data within the interval needs no heartbeat.
void Shard::heartbeat_due(Member member, Subscriber& subscriber) {
  if (subscriber.heartbeat == 0) {
    subscriber.look_again(tick_ + 2 * kTicksPerSecond);
    return;
  }
  const std::optional<Tick> quiet_since = delivery_.quiet_since(member);
  if (!quiet_since) return;  // looked at again in a second
  const TimePoint served = replica_.last_served(replica_.feed(subscriber.feed));
  const Tick last = std::max(tick_of(served), *quiet_since);
  const Tick due = last + subscriber.heartbeat;
  // Drawn once: a visit within the last eighth is the one that was drawn.
  if (due >= tick_ + kTicksPerSecond + subscriber.heartbeat / 8) {
    subscriber.look_again(heartbeat_visit(due, subscriber.heartbeat));
    return;
  }
  heartbeats_due_.push_back(member);
  subscriber.look_again(tick_ + subscriber.heartbeat);
}

void Shard::send_heartbeats() {
  const std::size_t count = std::min(kHeartbeatBatch, heartbeats_due_.size());
  const auto first = heartbeats_due_.end() - static_cast<std::ptrdiff_t>(count);
  const std::vector<Member> batch(first, heartbeats_due_.end());
  heartbeats_due_.erase(first, heartbeats_due_.end());
  delivery_.heartbeats(batch, tick_, completions_, ends_);
  end_streams();
}

void Shard::take_stock() {
  counters_.subscribers = seats_.taken();
  counters_.subscribers_behind = delivery_.behind_count();
  if (desk_) {
    counters_.clients_counted = switchboard_.addresses.clients() + switchboard_.bearers.clients();
  }
  if (config_.tls != nullptr) {
    const TlsRing::Counts& tls = config_.tls->counts();
    counters_.tls_handshakes_total = tls.handshakes;
    counters_.tls_resumed_total = tls.resumed;
    counters_.tls_deferred_total = tls.deferred;
    counters_.tls_failed_total =
        std::accumulate(tls.failures.begin(), tls.failures.end(), std::uint64_t{0});
    counters_.tls_certificates_refused_total = 0;
    for (const tls::Failure failure : tls::kCertificateFailures) {
      counters_.tls_certificates_refused_total += tls.failures[static_cast<std::size_t>(failure)];
    }
  }
  const std::lock_guard lock(switchboard_.board);
  ShardSnapshot& snapshot = switchboard_.snapshots[config_.index];
  snapshot.counters = counters_;
  snapshot.loop = loop_.times();
  snapshot.closes = closes_;
  snapshot.stream_ends = stream_ends_;
  snapshot.latency = latency_;
  snapshot.applied_head = replica_.head();
  snapshot.told_head = switchboard_.head.load(std::memory_order_acquire);
  snapshot.recent_closes = recent_closes_;
}

}  // namespace fanfare::server
