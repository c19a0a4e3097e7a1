// Sockets: making the listening ones. Every option of a connection is set here once, on the
// listener, because accepted sockets inherit them and a descriptor in a ring's table cannot be
// configured any more. Every refusal is a Problem: one sentence that says what to do.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "broker/io/problem.h"
#include "broker/io/ring.h"

#include "common/time.h"

namespace fanfare::io {

// A descriptor with an owner. Move-only; closes.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  int release() {
    const int number = number_;
    number_ = -1;
    return number;
  }

 private:
  int number_ = -1;
};

// What accepted sockets inherit. The defaults are the broker's.
struct TcpOptions {
  // A peer that acknowledges nothing for this long is gone.
  Duration user_timeout = 30s;
  // Silence before the first probe, between probes, and how many unanswered ones end it.
  Duration keep_alive_idle = 60s;
  Duration keep_alive_interval = 10s;
  int keep_alive_count = 3;
  // Bytes not yet sent that a socket takes; bounds what a stalled reader costs the kernel. Below
  // 16 KiB a burst is refused for a healthy peer.
  int unsent_bytes_max = 16 << 10;
  int backlog = 65535;  // cut to net.core.somaxconn
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:8080", ":8080" (every address), "0.0.0.0:0" (a port of
// the kernel's choice). Names are resolved with getaddrinfo; the first address counts.
std::expected<PeerAddress, Problem> parse_address(std::string_view text);

// Listens on `address`, with SO_REUSEPORT so that every shard has a listener of its own on one
// port: for port 0 take bound_address() of the first and give it to the others. Blocking, as
// io_uring wants it.
std::expected<Descriptor, Problem> listen_tcp(const PeerAddress& address,
                                              const TcpOptions& options = {});
// Where it really listens, with the port the kernel chose.
PeerAddress bound_address(int listener);
// The other end of a connected socket; size 0 for Unix sockets or when it is gone.
PeerAddress peer_address(int descriptor);

struct UnixOptions {
  std::uint32_t mode = 0660;
  std::string group;  // empty: left as it is
  int backlog = 1024;
};

// Listens on a Unix stream socket at `path`. A socket file nobody listens on is replaced; a live
// one, or a file that is no socket, is left alone and is the Problem. Never reachable with wider
// permissions than `mode`, not even for a moment.
std::expected<Descriptor, Problem> listen_unix(const std::string& path,
                                               const UnixOptions& options = {});

// Who is at the other end of a Unix socket (SO_PEERCRED); nothing if the kernel does not say.
struct PeerCredentials {
  std::uint32_t process = 0, user = 0, group = 0;
};
std::optional<PeerCredentials> peer_credentials(int descriptor);

// "192.0.2.1:4711", "[2001:db8::1]:4711"; IPv4 inside IPv6 (::ffff:192.0.2.1) is shown as IPv4.
// "unix" for a size of 0 or a Unix socket.
std::string format_address(const PeerAddress& address);
// The same without the port: the key of per-address limits.
std::string format_host(const PeerAddress& address);

}  // namespace fanfare::io
