#include "broker/server/sockets/packed_address.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace fanfare::server {

PackedAddress PackedAddress::from(const io::PeerAddress& address) {
  PackedAddress peer;
  if (address.size == 0) return peer;
  if (address.storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address.storage, sizeof in);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
    peer = {.address = IpAddress::v4(bytes), .port = ntohs(in.sin_port)};
  } else if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address.storage, sizeof in);
    std::memcpy(peer.address.bytes.data(), &in.sin6_addr, peer.address.bytes.size());
    peer.port = ntohs(in.sin6_port);
  }
  return peer;
}

PackedAddress PackedAddress::from(const policy::Hop& hop) {
  return {.address = hop.address.value_or(IpAddress{}), .port = hop.port};
}

policy::Hop PackedAddress::hop() const {
  if (!known()) return {};
  return {.address = address, .port = port};
}

std::string PackedAddress::text() const {
  if (!known()) return "local";
  if (port == 0) return address.text();
  return fmt::format(fmt::runtime(address.is_v4() ? "{}:{}" : "[{}]:{}"), address.text(), port);
}

}  // namespace fanfare::server
