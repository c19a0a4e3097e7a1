// Shard, the part about time: one sweep over the slots a second, a tenth of them each tick of
// 100 ms, asks every connection whether its `due` has come. Ticks are read off the clock, never
// counted.

#include <algorithm>
#include <utility>

#include "broker/server/shard.h"

namespace fanfare::server {
namespace {

constexpr Tick kTicksPerSecond = 10;
// Slots that are looked at in the same tick: 12 cache lines of connections.
constexpr io::Slot kSweepBlock = 16;
constexpr std::size_t kHeartbeatBatch = 256;
// The sweep's share of one turn, in looks at a slot (2 ns each); what is done about one that is due
// counts for so many.
constexpr std::int64_t kSweepWork = 65'536;
constexpr std::int64_t kHeartbeatWork = 8;
constexpr std::int64_t kOverdueWork = 64;
// Polls for writable armed again in one tick.
constexpr std::size_t kRoomAtOnce = 1'024;
// A stream that was told to come back may take this long to read it.
constexpr Tick kFarewellTicks = 20;

}  // namespace

// True: there was something to do.
bool Shard::time_passes() {
  const Tick before = std::exchange(tick_, static_cast<Tick>((now_ - started_) / kTick));
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
    for (const io::Slot slot : desk_->ingest_port().take_overfull()) {
      if (connections_[slot].state == State::publisher) close(slot, CloseReason::slow_stalled);
    }
  }
  accept_again();
  look_for_room();
  take_stock();
  if (phase_ != Phase::serving) drain_on();
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

// Listeners whose accept failed for want of something that others may have given back meanwhile.
void Shard::accept_again() {
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i].wanted && !listeners_[i].armed) arm_accept(i);
  }
}

// Each slot once a second, always in the same tick of it, however few or many there are: what is
// due before a slot's next turn is done now, and oftener than that it must not be asked. Stopping,
// every slot in each tick. What one turn has no time for is the next one's.
void Shard::sweep_on() {
  const bool stopping = phase_ != Phase::serving;
  swept_ = std::max(swept_, tick_ - std::min(tick_, kTicksPerSecond));
  for (sweep_left_ = kSweepWork; swept_ != tick_ && sweep_left_ > 0;) {
    const io::Slot first = stopping ? 0 : kSweepBlock * ((swept_ + 1) % kTicksPerSecond);
    const io::Slot stride = stopping ? kSweepBlock : kSweepBlock * kTicksPerSecond;
    const io::Slot end = connections_.high_water();
    for (; first + sweep_at_ < end && sweep_left_ > 0; sweep_at_ += stride) {
      sweep(first + sweep_at_, std::min(end, first + sweep_at_ + kSweepBlock));
    }
    if (first + sweep_at_ < end) return;
    sweep_at_ = 0;
    swept_ = stopping ? tick_ : swept_ + 1;
  }
}

void Shard::sweep(io::Slot begin, io::Slot end) {
  sweep_left_ -= end - begin;
  for (io::Slot slot = begin; slot < end; ++slot) {
    Connection& connection = connections_[slot];
    // A second ahead: this slot is not looked at again before.
    if (connection.state == State::streaming) {
      if (tick_ + kTicksPerSecond > connection.due) stream_overdue(slot, connection);
    } else if (tick_ >= connection.due) {
      sweep_left_ -= kOverdueWork;
      overdue(slot, connection);
    }
  }
}

void Shard::overdue(io::Slot slot, Connection& connection) {
  switch (connection.state) {
    case State::reading:
    case State::answering:
      obey(slot, port_of(connection).overdue(slot, tick_));
      break;
    case State::lingering:
      close(slot, connection.reason);
      break;
    case State::publisher:  // one that is turned away: the others have no deadline
      obey(slot, desk_->ingest_port().overdue(slot, tick_));
      break;
    case State::free:
    case State::streaming:
    case State::closing:
      break;
  }
}

void Shard::stream_overdue(io::Slot slot, Connection& connection) {
  if (connection.leaving) {
    if (tick_ < connection.due) return;
    sweep_left_ -= kOverdueWork;
    if (connection.told) {
      close(slot, CloseReason::drained);
    } else {
      connection.told = true;
      connection.due = tick_ + kFarewellTicks;
      delivery_.farewell(slot, CloseReason::drained);
    }
    return;
  }
  const Tick stall = ticks(settings_->delivery.stall);
  if (delivery_.stalled_for(slot, tick_) > stall &&
      audiences_.slow(connection.audience) == SlowPolicy::disconnect) {
    sweep_left_ -= kOverdueWork;
    close(slot, CloseReason::slow_stalled);
    return;
  }
  sweep_left_ -= kHeartbeatWork;
  heartbeat_due(slot, connection);
}

// Those of one feed got their last event at one time, and many streams may have begun at one time:
// to spread their heartbeats, the first one is sent at random up to an eighth of the interval
// before it is due; later ones keep that offset.
Tick Shard::heartbeat_visit(Tick due, std::uint32_t heartbeat) {
  return due - static_cast<Tick>(random_.below(heartbeat / 8 + 1));
}

// A stream that got data within the interval needs no heartbeat.
void Shard::heartbeat_due(io::Slot slot, Connection& connection) {
  if (connection.heartbeat == 0) {
    connection.due = tick_ + 2 * kTicksPerSecond;
    return;
  }
  if (connection.behind != kNone) return;  // looked at again in a second
  const Tick last = std::max(audiences_[connection.audience].last_sent, connection.quiet_since);
  const Tick due = last + connection.heartbeat;
  // Drawn once: a visit within the last eighth is the one that was drawn.
  if (due >= tick_ + kTicksPerSecond + connection.heartbeat / 8) {
    connection.due = heartbeat_visit(due, connection.heartbeat);
    return;
  }
  heartbeats_due_.push_back(slot);
  connection.due = tick_ + connection.heartbeat;
}

void Shard::send_heartbeats() {
  const std::size_t count = std::min(kHeartbeatBatch, heartbeats_due_.size());
  const auto first = heartbeats_due_.end() - static_cast<std::ptrdiff_t>(count);
  std::vector<io::Slot> batch(first, heartbeats_due_.end());
  heartbeats_due_.erase(first, heartbeats_due_.end());
  // Some have gone, or have been served, since they were found due.
  std::erase_if(batch, [this](io::Slot slot) {
    return connections_[slot].state != State::streaming || connections_[slot].behind != kNone;
  });
  delivery_.heartbeats(batch, tick_, completions_, outcomes_);
}

void Shard::take_stock() {
  counters_.subscribers = seats_.taken();
  counters_.subscribers_behind = delivery_.behind_count();
  const std::lock_guard lock(switchboard_.board);
  ShardSnapshot& snapshot = switchboard_.snapshots[config_.index];
  snapshot.counters = counters_;
  snapshot.loop = loop_.times();
  snapshot.closes = closes_;
  snapshot.latency = latency_;
  snapshot.applied_head = replica_.head();
  snapshot.sealed_head = switchboard_.head.load(std::memory_order_acquire);
  snapshot.recent_closes = recent_closes_;
}

}  // namespace fanfare::server
