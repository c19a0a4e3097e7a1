// PackedAddress: who is at the other end of a connection, kept small.
#pragma once

#include <cstdint>
#include <string>

#include "broker/io/ring.h"
#include "broker/policy/client_address.h"

#include "common/ip_address.h"

namespace fanfare::server {

struct PackedAddress {
  IpAddress address;
  std::uint16_t port = 0;  // 0: not known

  static PackedAddress from(const io::PeerAddress& address);
  static PackedAddress from(const policy::Hop& hop);
  // Not of a Unix socket, nor of a peer that was gone before it could be asked.
  bool known() const { return address != IpAddress{}; }
  policy::Hop hop() const;
  std::string text() const;
  // Without the port; empty if it is not known.
  std::string host() const { return known() ? address.text() : std::string(); }

  friend bool operator==(const PackedAddress&, const PackedAddress&) = default;
};
static_assert(sizeof(PackedAddress) == 18, "each connection has one");

}  // namespace fanfare::server
