// Shard, the part about connections that several streams share: carrying out what their port
// orders.

#include <utility>
#include <variant>

#include "broker/server/shard/shard.h"

namespace fanfare::server {

// After whatever may have led to orders, before anything else happens to the port's connections.
void Shard::obey_shared() {
  while (std::optional<SharedOrder> order = shared_->next()) {
    std::visit([this](auto&& kind) { carry_out(std::forward<decltype(kind)>(kind)); },
               std::move(*order));
  }
}

void Shard::carry_out(ConnectionOrder&& order) {
  obey(order.slot, std::move(order.order));
}

void Shard::carry_out(StreamBegins&& begins) {
  const Member member = open_stream(Outlet::box(begins.slot), std::move(begins.start));
  shared_->opened(begins.slot, begins.stream, member);
}

void Shard::carry_out(StreamCancelled&& cancelled) {
  end_stream({cancelled.subscriber, CloseReason::peer_closed});
}

void Shard::carry_out(StreamHasRoom&& has_room) {
  delivery_.room(has_room.subscriber);
}

void Shard::carry_out(StreamStarvesOthers&& starving) {
  end_stream({starving.subscriber, CloseReason::slow_starving});
}

// What streams said went with their batch; this is for answers, ends, and what a socket that was
// full has room for.
void Shard::flush_shared() {
  obey_shared();
  if (!shared_->waiting()) return;
  outlets_.flush_boxes(completions_);
  obey_shared();
}

void Shard::end_streams_of(io::Slot slot, CloseReason reason) {
  for (const Member member : shared_->subscribers(slot)) end_stream({member, reason});
}

}  // namespace fanfare::server
