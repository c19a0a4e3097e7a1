#include "broker/server/sockets/connection.h"

#include "common/check.h"

namespace fanfare::server {

ConnectionTable::ConnectionTable(std::uint32_t capacity)
    : connections_(capacity), peers_(capacity) {}

io::Slot ConnectionTable::allocate() {
  CHECK(!full(), "callers look before they allocate");
  ++in_use_;
  if (!free_.empty()) return free_.take();
  connections_.add();
  peers_.add();
  return high_water() - 1;
}

void ConnectionTable::free(io::Slot slot) {
  Connection& connection = connections_[slot];
  const std::uint32_t generation = (connection.generation + 1) & 0xffffffU;
  connection = Connection{};
  connection.generation = generation == 0 ? 1 : generation;
  peers_[slot] = PackedAddress{};
  carriers_.take(slot);
  certificates_.erase(slot);
  free_.give_back(slot);
  --in_use_;
}

void ConnectionTable::carry(io::Slot slot, const PackedAddress& client) {
  carriers_.remember(slot, peers_[slot].address);
  peers_[slot] = client;
}

void ConnectionTable::carry_no_more(io::Slot slot) {
  if (const auto front = carriers_.take(slot)) peers_[slot] = {.address = *front};
}

}  // namespace fanfare::server
