// Shard, the part about operators: what they ask about connections and channels, and what they
// close.

#include <utility>

#include "broker/server/shard/shard.h"

#include "common/counted.h"
#include "common/log.h"

namespace fanfare::server {
namespace {

// A stream that was told to come back may take this long to read it.
constexpr Tick kDismissedTicks = 20;

}  // namespace

void Shard::take(const WalkMessage& message) {
  walks_.take(message);
}

void Shard::take(const DescribeMessage& message) {
  walks_.take(message);
}

void Shard::take(const WalkedMessage& message) {
  const auto answered = desk_->listings().take(message);
  if (!answered) return;
  if (answered->listing.order.dismissal && answered->listing.total > 0) {
    const std::string& reason = answered->listing.order.dismissal->reason;
    log::info("an operator closed {}{}{}", counted(answered->listing.total, "connection"),
              reason.empty() ? "" : ": ", reason);
  }
  answer(Port::admin, answered->exchange, [&](const Request& request, Response& response) {
    desk_->admin_routes()->answer(request, answered->listing, response);
  });
}

void Shard::take(const DescribedMessage& message) {
  const auto answered = desk_->listings().take(message);
  if (!answered) return;
  answer(Port::admin, answered->exchange, [&](const Request& request, Response& response) {
    desk_->admin_routes()->answer(request, answered->listing, response);
  });
}

// Once a turn: a slice of each kind.
void Shard::walk_on() {
  for (const Walks::Dismissed& dismissed : walks_.turn(tick_)) dismiss(dismissed);
  if (!desk_) return;
  if (const auto answered = desk_->listings().walk_on()) {
    answer(Port::admin, answered->exchange, [&](const Request& request, Response& response) {
      desk_->admin_routes()->answer(request, answered->listing, response);
    });
  }
}

void Shard::dismiss(const Walks::Dismissed& dismissed) {
  const Dismissal& dismissal = *dismissed.order->dismissal;
  if (!dismissed.is_stream) return dismiss_connection(dismissed.place, dismissal);
  if (!subscribers_.in_use(dismissed.place)) return;
  const Outlet outlet = subscribers_[dismissed.place].outlet;
  const bool with_others = dismissed.leaves && outlet.is_box();
  if (with_others && !connections_[outlet.slot()].leaving) {
    return dismiss_connection(outlet.slot(), dismissal);
  }
  dismiss_stream(dismissed.place, dismissal);
}

void Shard::dismiss_stream(Member member, const Dismissal& dismissal) {
  Subscriber& subscriber = subscribers_[member];
  if (subscriber.farewell == Farewell::said || subscriber.farewell == Farewell::expired) return;
  subscriber.farewell = Farewell::said;
  subscriber.due = tick_ + kDismissedTicks;
  delivery_.farewell(member, CloseReason::dismissed, dismissal.retry, dismissal.reason);
}

void Shard::dismiss_connection(io::Slot slot, const Dismissal& dismissal) {
  Connection& connection = connections_[slot];
  if (connection.state == State::free || connection.state == State::closing) return;
  if (connection.state == State::streaming) {
    return dismiss_stream(connection.subscriber, dismissal);
  }
  if (connection.state != State::shared) return close(slot, CloseReason::dismissed);
  const std::vector<Member> members = shared_->subscribers(slot);
  if (members.empty()) return close(slot, CloseReason::dismissed);
  connection.leaving = true;
  shared_->leave(slot);
  obey_shared();
  for (const Member member : members) {
    if (subscribers_.in_use(member)) dismiss_stream(member, dismissal);
  }
}

}  // namespace fanfare::server
