#include "tests/sim/errant_port.h"

#include <variant>

namespace fanfare::sim {

using fanout::Member;
using server::SharedOrder;

bool ErrantPort::errs(PlantedBug bug, double rate) {
  return kernel_.faults().bug == bug && kernel_.random().chance(rate);
}

void ErrantPort::opened(io::Slot slot, std::uint32_t stream, Member subscriber) {
  slots_[subscriber] = slot;
  port_.opened(slot, stream, subscriber);
}

std::optional<SharedOrder> ErrantPort::next() {
  std::optional<SharedOrder> order = port_.next();
  while (order && std::holds_alternative<server::StreamHasRoom>(*order) &&
         errs(PlantedBug::h2_room_forgotten, 0.2)) {
    order = port_.next();
  }
  if (!order) return order;
  auto* const cancelled = std::get_if<server::StreamCancelled>(&*order);
  if (cancelled != nullptr && errs(PlantedBug::h2_reset_ends_neighbour, 1)) {
    for (const Member other : port_.subscribers(slots_.at(cancelled->subscriber))) {
      if (other == cancelled->subscriber) continue;
      cancelled->subscriber = other;
      break;
    }
  }
  return order;
}

std::optional<std::size_t> ErrantPort::take(io::Slot slot, Member subscriber,
                                            std::string_view bytes) {
  if (errs(PlantedBug::h2_mixes_streams, 0.02)) subscriber = port_.subscribers(slot).front();
  return port_.take(slot, subscriber, bytes);
}

void ErrantPort::end(io::Slot slot, Member subscriber, server::Ending ending) {
  if (errs(PlantedBug::h2_end_looks_complete, 0.5)) ending = server::Ending::complete;
  slots_.erase(subscriber);
  port_.end(slot, subscriber, ending);
}

}  // namespace fanfare::sim
