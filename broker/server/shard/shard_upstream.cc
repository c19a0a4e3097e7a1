// Shard, the part about applications: its own connections to them, what they answered, and the
// ends that they have set for streams.

#include <utility>

#include "broker/server/shard/shard.h"

namespace fanfare::server {
namespace {

constexpr std::size_t kEndsAtOnce = 1'024;
// A stream that was told to come back may take this long to read it.
constexpr Tick kExpiredTicks = 20;

}  // namespace

void Shard::connected(const io::Completion& completion, Connection& connection) {
  const io::Slot slot = completion.token.index;
  connection.connect_armed = false;
  if (connection.state == State::closing) return;
  if (completion.result == 0) return obey(slot, upstreams_.connected(slot));
  // The ring has given the slot back already.
  upstreams_.release(slot, -completion.result);
  ++closes_[static_cast<std::size_t>(CloseReason::upstream_closed)];
  --open_connections(connection);
  connections_.free(slot);
}

void Shard::upstream_received(const io::Completion& completion, std::string_view bytes) {
  const io::Slot slot = completion.token.index;
  obey(slot, completion.result > 0 ? upstreams_.received(slot, bytes, tick_)
                                   : upstreams_.ended(slot, completion.result == 0));
}

void Shard::take_upstream_answers() {
  for (const io::Slot slot : upstreams_.take_unwanted()) {
    if (connections_[slot].state == State::upstream) close(slot, CloseReason::upstream_closed);
  }
  for (Upstreams::Answered& answered : upstreams_.take_answers()) {
    answer(Port::subscriber, answered.exchange, [&](const Request& request, Response& response) {
      routes_.answered(request, answered.answer, response);
    });
  }
}

// Once a tick.
void Shard::end_lifetimes() {
  for (const Lifetimes::Lifetime& due : lifetimes_.take_due(now_, kEndsAtOnce)) {
    Subscriber& subscriber = subscribers_[due.subscriber];
    if (subscriber.farewell != Farewell::none) continue;  // it ends anyway
    if (due.complete && delivery_.finish(due.subscriber, ends_)) continue;
    // One that is behind is not complete: what it is owed comes first. A client that reads slowly
    // enough would be behind for ever.
    if (due.complete && now_ < due.patience_ends) {
      lifetimes_.again(due, now_ + kTick);
      continue;
    }
    subscriber.farewell = Farewell::said;
    subscriber.due = tick_ + kExpiredTicks;
    delivery_.farewell(due.subscriber, CloseReason::expired);
  }
  end_streams();
}

}  // namespace fanfare::server
