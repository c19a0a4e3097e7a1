// Addresses of sockets as people write and read them.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "broker/io/problem.h"
#include "broker/io/ring.h"

namespace fanfare::io {

// "127.0.0.1:8080", "[::1]:8080", "localhost:8080", ":8080" (every address, IPv6 included where the
// machine has it), "0.0.0.0:0" (a port of the kernel's choice). Names are resolved with
// getaddrinfo; the first address counts.
std::expected<PeerAddress, Problem> parse_address(std::string_view text);

// The address of a Unix socket.
std::expected<PeerAddress, Problem> unix_address(std::string_view path);

// "192.0.2.1:4711", "[2001:db8::1]:4711"; IPv4 inside IPv6 (::ffff:192.0.2.1) is shown as IPv4.
// "unix" for a size of 0 or a Unix socket.
std::string format_address(const PeerAddress& address);
// The same without the port: the key of per-address limits.
std::string format_host(const PeerAddress& address);

// In host order; only for TCP addresses.
std::uint16_t port_of(const PeerAddress& address);

// Where it really listens, with the port the kernel chose.
PeerAddress bound_address(int listener);
// The other end of a connected socket; size 0 for Unix sockets or when it is gone.
PeerAddress peer_address(int descriptor);

// For connect() and bind(), with address.size.
const sockaddr* as_sockaddr(const PeerAddress& address);

}  // namespace fanfare::io
