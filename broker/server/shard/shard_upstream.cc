// Shard, the part about applications: its own connections to them, what they answered, and the
// ends that they have set for streams.

#include <utility>

#include "broker/server/shard/shard.h"

namespace fanfare::server {
namespace {

constexpr std::size_t kEndsAtOnce = 1'024;
constexpr std::uint32_t kHooks = 1U << 31U;
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
  bool hooks = false;
  for (Upstreams::Answered& answered : upstreams_.take_answers()) {
    if ((answered.exchange.index & kHooks) != 0) {
      hooks = true;
      desk_->hooks().answered(
          {.hook = answered.exchange.index - kHooks, .number = answered.exchange.generation},
          answered.answer.status, answered.answer.why, now_);
      continue;
    }
    answer(Port::subscriber, answered.exchange, [&](const Request& request, Response& response) {
      routes_.answered(request, answered.answer, response);
    });
  }
  if (hooks) post_to_hooks();  // the next ones
}

// Posts travel as questions do, under numbers that no exchange has.
void Shard::post_to_hooks() {
  const auto exchange = [](Hooks::Attempt attempt) {
    return ExchangeId{.index = kHooks + attempt.hook, .generation = attempt.number};
  };
  for (const Hooks::Attempt& attempt : desk_->hooks().take_overdue(now_)) {
    upstreams_.forget(exchange(attempt));
  }
  const std::int64_t unix_ms = time_of_day().time_since_epoch().count();
  for (Hooks::Post& post : desk_->hooks().take_posts(now_, unix_ms)) {
    upstreams_.ask(post.upstream, {.exchange = exchange(post.attempt),
                                   .text = std::move(post.request),
                                   .idempotent = true,
                                   .own = true});
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
