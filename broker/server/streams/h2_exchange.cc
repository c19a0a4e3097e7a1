#include "broker/server/streams/h2_exchange.h"

#include "broker/server/sockets/exchange.h"
#include "broker/server/streams/shared_port.h"

namespace fanfare::server {

std::uint32_t H2Exchanges::index_of(const H2Exchange& exchange) {
  return exchange.id.index & ~kSharedExchange;
}

H2Exchange& H2Exchanges::begin(io::Slot slot, h2::StreamId stream) {
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(exchanges_.size());
    exchanges_.emplace_back().id.index = index | kSharedExchange;
  } else {
    index = free_.back();
    free_.pop_back();
  }
  H2Exchange& exchange = exchanges_[index];
  exchange.slot = slot;
  exchange.stream = stream;
  return exchange;
}

void H2Exchanges::end(H2Exchange& exchange) {
  ++exchange.id.generation;
  empty(exchange.body);
  exchange.stage = H2Exchange::Stage::head;
  exchange.due = kNever;
  exchange.body_max = exchange.unsaid = 0;
  exchange.answer_bytes = 0;
  exchange.access = {};
  free_.push_back(index_of(exchange));
}

H2Exchange* H2Exchanges::find_waiting(ExchangeId id) {
  const std::uint32_t index = id.index & ~kSharedExchange;
  if (index >= exchanges_.size()) return nullptr;
  H2Exchange& exchange = exchanges_[index];
  const bool same = exchange.id.generation == id.generation;
  return same && exchange.stage == H2Exchange::Stage::waiting ? &exchange : nullptr;
}

}  // namespace fanfare::server
