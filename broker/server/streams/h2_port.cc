#include "broker/server/streams/h2_port.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace fanfare::server {

void H2Port::begin(io::Slot slot, Tick tick, std::string_view first) {
  Connection& connection = room_.parts.connections[slot];
  connection.state = State::shared;
  connection.due = tick + ticks(room_.parts.settings->limits.head_time);
  recognise(slot, first, tick);
}

// `bytes` is all that has come.
void H2Port::recognise(io::Slot slot, std::string_view bytes, Tick tick) {
  room_.tick = tick;
  const std::string_view begun = bytes.substr(0, h2::kPreface.size());
  if (!h2::kPreface.starts_with(begun)) {
    PortOrder order = room_.parts.http.begin(slot, tick, bytes);
    room_.orders.emplace_back(ConnectionOrder{.slot = slot, .order = std::move(order)});
    return;
  }
  if (begun.size() < h2::kPreface.size()) {
    greeted_[slot] = bytes;
    room_.orders.emplace_back(ConnectionOrder{.slot = slot, .order = {PortOrder::Kind::receive}});
    return;
  }
  auto& made = connections_[slot];
  made = std::make_unique<H2Connection>(slot, room_);
  made->received(bytes);
  mark(slot, *made);
}

void H2Port::received(io::Slot slot, std::string_view bytes, Tick tick) {
  room_.tick = tick;
  const auto found = connections_.find(slot);
  if (found == connections_.end()) {
    auto node = greeted_.extract(slot);
    const std::string held = node.empty() ? std::string() : std::move(node.mapped());
    return recognise(slot, held + std::string(bytes), tick);
  }
  found->second->received(bytes);
  mark(slot, *found->second);
}

void H2Port::overdue(io::Slot slot, Tick tick) {
  room_.tick = tick;
  const auto found = connections_.find(slot);
  if (found == connections_.end()) {
    room_.orders.emplace_back(ConnectionOrder{
        .slot = slot, .order = {PortOrder::Kind::close, CloseReason::head_timeout}});
    return;
  }
  found->second->overdue();
  mark(slot, *found->second);
}

void H2Port::writable(io::Slot slot) {
  H2Connection& writable = connection(slot);
  writable.writable();
  mark(slot, writable);
}

void H2Port::answer(ExchangeId id, Tick tick, const HttpPort::Answerer& make) {
  room_.tick = tick;
  H2Exchange* const exchange = room_.exchanges.find_waiting(id);
  if (exchange == nullptr) return;
  const io::Slot slot = exchange->slot;
  connection(slot).answer(*exchange, make);
  mark(slot, connection(slot));
}

void H2Port::leave(io::Slot slot) {
  const auto found = connections_.find(slot);
  if (found == connections_.end()) return;
  found->second->leave();
  mark(slot, *found->second);
}

void H2Port::opened(io::Slot slot, std::uint32_t stream, fanout::Member subscriber) {
  connection(slot).opened(stream, subscriber);
}

std::optional<SharedOrder> H2Port::next() {
  if (room_.orders.empty()) return std::nullopt;
  SharedOrder order = std::move(room_.orders.front());
  room_.orders.pop_front();
  return order;
}

std::vector<fanout::Member> H2Port::subscribers(io::Slot slot) const {
  const auto found = connections_.find(slot);
  if (found == connections_.end()) return {};
  return found->second->subscribers();
}

bool H2Port::quiet(io::Slot slot) const {
  const auto found = connections_.find(slot);
  return found == connections_.end() || found->second->quiet();
}

void H2Port::release(io::Slot slot) {
  greeted_.erase(slot);
  connections_.erase(slot);
  std::erase(marked_, slot);
  std::erase_if(room_.orders, [slot](const SharedOrder& order) {
    const auto* const of_connection = std::get_if<ConnectionOrder>(&order);
    return of_connection != nullptr && of_connection->slot == slot;
  });
  room_.parts.counters.h2_memory_bytes = room_.memory.bytes();
}

std::optional<std::size_t> H2Port::take(io::Slot slot, fanout::Member subscriber,
                                        std::string_view bytes) {
  H2Connection& taking = connection(slot);
  const std::optional<std::size_t> taken = taking.take(subscriber, bytes);
  mark(slot, taking);
  return taken;
}

void H2Port::end(io::Slot slot, fanout::Member subscriber, Ending ending) {
  H2Connection& ending_on = connection(slot);
  ending_on.end(subscriber, ending);
  mark(slot, ending_on);
}

void H2Port::mark(io::Slot slot, H2Connection& marked) {
  if (marked.marked || !marked.wants_send()) return;
  marked.marked = true;
  marked_.push_back(slot);
}

void H2Port::flush() {
  for (const io::Slot slot : std::exchange(marked_, {})) {
    H2Connection& sending = connection(slot);
    sending.marked = false;
    const std::string_view frames = sending.fill();
    if (frames.empty()) continue;
    room_.parts.ring.send(slot, std::as_bytes(std::span(frames)),
                          room_.parts.connections.token(Op::send, slot));
    in_flight_.push_back({slot, frames.size()});
  }
  room_.parts.counters.h2_memory_bytes = room_.memory.bytes();
}

void H2Port::flushed(std::span<const io::Completion> cuts) {
  for (const Sent& sending : std::exchange(in_flight_, {})) {
    const auto cut = std::ranges::find_if(
        cuts, [&sending](const io::Completion& send) { return send.token.index == sending.slot; });
    H2Connection& sent = connection(sending.slot);
    sent.sent(cut == cuts.end() ? static_cast<std::int32_t>(sending.size) : cut->result);
    mark(sending.slot, sent);
  }
}

}  // namespace fanfare::server
