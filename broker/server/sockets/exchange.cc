#include "broker/server/sockets/exchange.h"

namespace fanfare::server {
namespace {

constexpr std::size_t kKeptCapacity = 16U << 10U;

}  // namespace

void empty(std::string& text) {
  text.clear();
  if (text.capacity() > kKeptCapacity) text.shrink_to_fit();
}

Request Exchange::request(const PackedAddress* peer) const {
  const http::RequestHead& head = parser.head();
  return {.head = head,
          .body = body,
          .body_end = head.minor_version >= 1 ? BodyEnd::last_chunk : BodyEnd::connection_close,
          .exchange = id,
          .peer = peer};
}

Exchange& Exchanges::begin(io::Slot slot) {
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(exchanges_.size());
    exchanges_.emplace_back(limits_, index);
  } else {
    index = free_.back();
    free_.pop_back();
  }
  exchanges_[index].slot = slot;
  return exchanges_[index];
}

void Exchanges::end(Exchange& exchange) {
  ++exchange.id.generation;
  exchange.parser.reset();
  empty(exchange.body);
  empty(exchange.pending);
  empty(exchange.out);
  exchange.out_sent = 0;
  exchange.access = {};
  exchange.interim = exchange.in_body = exchange.waiting = false;
  free_.push_back(exchange.id.index);
}

Exchange* Exchanges::find_waiting(ExchangeId id) {
  if (id.index >= exchanges_.size()) return nullptr;
  Exchange& exchange = exchanges_[id.index];
  const bool same = exchange.id.generation == id.generation;
  return same && exchange.waiting ? &exchange : nullptr;
}

}  // namespace fanfare::server
