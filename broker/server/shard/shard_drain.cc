// Shard, the part about stopping. No client is left hanging:
//
//   draining  streams end one by one over [limits] drain, and each is told when to come back.
//             Listeners go on accepting: a new client is told to come back, a publish is refused,
//             and the admin listener shows all of it.
//
//   closing   no stream is left on any shard. Connections that are being made are still accepted
//             and answered; later ones are not, and then the listeners close (connection refused;
//             at an inherited listener they wait for the next broker). What is being sent is sent
//             to its end.
//
//   last      this shard has no connection left. The lead keeps its admin listener until that is
//             true of every shard.
//
// A second signal skips all of that.

#include <algorithm>

#include "broker/server/shard/shard.h"

#include "common/counted.h"
#include "common/log.h"
#include "common/units.h"

namespace fanfare::server {
namespace {

// From the end of the last stream to the end of everything but the admin listener: a farewell that
// is read slowly, and the reset after it.
constexpr Tick kCloseTicks = 35;
// A TCP handshake takes one way to the client and back.
constexpr Tick kHandshakeTicks = 3;
// How much longer the admin listener stays open.
constexpr Tick kLastTicks = 5;
// The request of a client that was accepted a moment ago may still be on its way.
constexpr Tick kGreetingTicks = 5;
// One turn's share, in visits to a slot; closing a connection counts for so many visits: 1,024 of
// them take 1 to 2 ms.
constexpr std::int64_t kDrainWork = 65'536;
constexpr std::int64_t kCloseWork = 64;

}  // namespace

void Shard::drain(bool at_once) {
  if (phase_ == Phase::serving) begin_drain();
  if (at_once) end_at_once();
  drain_on();
}

void Shard::begin_drain() {
  phase_ = Phase::draining;
  seats_.close();
  polls_.answer_all();
  const bool left = handing_ == Handing::left;
  drain_over_ = left ? Duration(0) : settings_->limits.drain;
  drain_deadline_ = tick_ + ticks(drain_over_) + kCloseTicks;
  if (desk_) desk_->begin_drain();
  if (desk_ && left) {
    log::info("handed over: telling the {} left here to come back",
              counted(seats_.taken_of_all(), "subscriber"));
  } else if (desk_) {
    log::info("draining: telling {} to come back, spread over {}; newcomers at once",
              counted(seats_.taken_of_all(), "subscriber"), format_duration(drain_over_));
  }
  told_to_leave_ = 0;
  leave_end_ = connections_.high_water();
}

void Shard::tell_to_leave(io::Slot slot) {
  Connection& connection = connections_[slot];
  if (connection.state == State::free || connection.port == Port::admin) return;
  connection.leaving = true;
  if (connection.state == State::streaming) tell_to_leave(subscribers_[connection.subscriber]);
  if (connection.state != State::shared) return;
  shared_->leave(slot);
  obey_shared();
  for (const Member member : shared_->subscribers(slot)) tell_to_leave(subscribers_[member]);
}

void Shard::tell_to_leave(Subscriber& subscriber) {
  subscriber.farewell = Farewell::due;
  const Tick over = ticks(drain_over_);
  subscriber.look_again(tick_ + static_cast<Tick>(random_.below(std::uint64_t{over} + 1)));
}

void Shard::end_at_once() {
  at_once_ = true;
  phase_ = std::max(phase_, Phase::closing);
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) stop_accepting(i);
  drain_at_ = 0;
}

// Once a tick, and whenever the answer may be new.
void Shard::drain_on() {
  const bool time_is_up = tick_ >= drain_deadline_;
  if (phase_ == Phase::draining && (seats_.taken_of_all() == 0 || time_is_up)) {
    if (desk_) log::info("draining: no subscribers are left; closing the listeners");
    phase_ = Phase::closing;
    accepts_end_ = tick_ + kHandshakeTicks;
    for (const Listener& listener : listeners_) {
      if (listener.port != Port::admin && !listener.kind.inherited) {
        ring_.hold_handshakes(listener.descriptor);
      }
    }
  }
  if (phase_ == Phase::closing && tick_ >= accepts_end_) {
    for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
      if (listeners_[i].port != Port::admin) stop_accepting(i);
    }
  }
  if (drain_at_ >= connections_.high_water()) drain_at_ = 0;  // over all slots again
  drain_some();
}

bool Shard::drain_waiting() const {
  return told_to_leave_ < leave_end_ ||
         (phase_ >= Phase::closing && drain_at_ < connections_.high_water());
}

// A turn's share of what stopping asks of every slot.
void Shard::drain_some() {
  const io::Slot end = connections_.high_water();
  std::int64_t left = kDrainWork;
  for (; told_to_leave_ < leave_end_ && left > 0; ++told_to_leave_, --left) {
    tell_to_leave(told_to_leave_);
  }
  if (phase_ < Phase::closing) return;
  const bool time_is_up = at_once_ || tick_ >= drain_deadline_;
  const bool admin_time_is_up = at_once_ || tick_ >= last_deadline_;
  for (; drain_at_ < end && left > 0; ++drain_at_) {
    const Connection& connection = connections_[drain_at_];
    const State before = connection.state;
    const bool admin = connection.port == Port::admin;
    if (admin ? admin_time_is_up : time_is_up) {
      close(drain_at_, CloseReason::drained);
    } else if (!admin || last_deadline_ != kNever) {
      end_when_quiet(drain_at_);
    }
    left -= connection.state == before ? 1 : kCloseWork;
  }
}

void Shard::end_when_quiet(io::Slot slot) {
  Connection& connection = connections_[slot];
  const bool greeting = !connection.keep_alive && tick_ - connection.opened < kGreetingTicks;
  switch (connection.state) {
    case State::greeting:
      connection.leaving = true;
      if (!greeting) close(slot, CloseReason::drained);
      break;
    case State::reading:
      connection.leaving = true;
      if (kind_of(connection).http->idle(slot) && !greeting) close(slot, CloseReason::drained);
      break;
    case State::waiting:
    case State::answering:
      connection.leaving = true;
      break;
    case State::streaming:  // a live page
      if (connection.leaving || connection.port != Port::admin) break;
      connection.leaving = true;
      subscribers_[connection.subscriber].farewell = Farewell::said;
      subscribers_[connection.subscriber].due = last_deadline_;
      delivery_.farewell(connection.subscriber, CloseReason::drained);
      break;
    case State::shared:
      connection.leaving = true;
      if (shared_->quiet(slot) && !greeting) linger(slot, CloseReason::drained);
      break;
    case State::publisher:
      if (connection.receive_armed && desk_->ingest_port().quiet(slot) && !greeting)
        linger(slot, CloseReason::drained);
      break;
    case State::upstream:
      if (upstreams_.idle(slot)) close(slot, CloseReason::upstream_closed);
      break;
    case State::free:
    case State::lingering:
    case State::closing:
      break;
  }
}

void Shard::stop_accepting(std::uint32_t index) {
  Listener& listener = listeners_[index];
  if (!std::exchange(listener.wanted, false)) return;
  if (!listener.kind.inherited) ring_.hold_handshakes(listener.descriptor);
  if (!listener.armed) return accept_ended(index);
  ring_.cancel_accept(accept_token(index));
}

// Clients that connected until now are still answered; at an inherited listener, by the next
// broker.
void Shard::accept_ended(std::uint32_t index) {
  if (listeners_[index].kind.inherited) return;
  std::vector<int> waiting;
  ring_.stop_listening(listeners_[index].descriptor, waiting);
  for (const int descriptor : waiting) admit(listeners_[index], descriptor);
}

bool Shard::listening(bool admin) const {
  return std::ranges::any_of(listeners_, [admin](const Listener& listener) {
    return (listener.port == Port::admin) == admin && (listener.wanted || listener.armed);
  });
}

// Not before the accepts have ended: each may still bring a descriptor, to be closed here.
void Shard::look_for_end() {
  const std::uint64_t others = connections_.in_use() - counters_.admin_connections_open;
  if (phase_ == Phase::closing && others == 0 && !listening(/*admin=*/false)) {
    phase_ = Phase::last;
    last_deadline_ = kNever;
    switchboard_.shards_at_work.fetch_sub(1, std::memory_order_acq_rel);
    if (!desk_) switchboard_.wake_lead();
  }
  if (phase_ != Phase::last) return;
  const bool alone = switchboard_.shards_at_work.load(std::memory_order_acquire) == 0;
  if (desk_ && !at_once_ && !alone) return;
  if (last_deadline_ == kNever) {
    last_deadline_ = tick_ + kLastTicks;
    for (std::uint32_t i = 0; i < listeners_.size(); ++i) stop_accepting(i);
    drain_on();
  }
  finished_ = connections_.in_use() == 0 && !listening(/*admin=*/true);
}

}  // namespace fanfare::server
