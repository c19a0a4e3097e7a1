#include "broker/server/sockets/connection.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "common/check.h"

namespace fanfare::server {
namespace {

constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

PackedAddress PackedAddress::from(const io::PeerAddress& address) {
  PackedAddress peer;
  if (address.size == 0) return peer;
  if (address.storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address.storage, sizeof in);
    std::memcpy(peer.address, kMappedPrefix, sizeof kMappedPrefix);
    std::memcpy(peer.address + sizeof kMappedPrefix, &in.sin_addr, 4);
    peer.port = ntohs(in.sin_port);
  } else if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address.storage, sizeof in);
    std::memcpy(peer.address, &in.sin6_addr, sizeof peer.address);
    peer.port = ntohs(in.sin6_port);
  }
  return peer;
}

std::string PackedAddress::host() const {
  if (port == 0) return {};
  char buffer[INET6_ADDRSTRLEN] = {};
  const bool v4 = std::equal(std::begin(kMappedPrefix), std::end(kMappedPrefix), address);
  ::inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address + sizeof kMappedPrefix : address, buffer,
              sizeof buffer);
  return buffer;
}

std::string PackedAddress::text() const {
  if (port == 0) return "local";
  const std::string name = host();
  const bool v6 = name.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", name, port) : fmt::format("{}:{}", name, port);
}

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
  free_.give_back(slot);
  --in_use_;
}

}  // namespace fanfare::server
