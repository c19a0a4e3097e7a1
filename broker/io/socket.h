// Sockets: making the listening ones. Every option of a connection is set here once, on the
// listener, because accepted sockets inherit them and a descriptor in a ring's table cannot be
// configured any more. Every refusal is a Problem: one sentence that says what to do.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "broker/io/address.h"
#include "broker/io/descriptor.h"
#include "broker/io/problem.h"
#include "broker/io/ring.h"

#include "common/time.h"

namespace fanfare::io {

// What accepted sockets inherit. The defaults are the broker's.
struct TcpOptions {
  // A peer that acknowledges nothing for this long is gone.
  Duration user_timeout = 30s;
  // Silence before the first probe, between probes, and how many unanswered ones end it.
  Duration keep_alive_idle = 60s;
  Duration keep_alive_interval = 10s;
  int keep_alive_count = 3;
  // How many unsent bytes a socket accepts. Bounds what a stalled reader costs the kernel: these
  // bytes, and those that its window still took, 16 KiB and more. With 4 KiB, a healthy peer's
  // socket would refuse a burst of some 35 small events.
  int unsent_bytes_max = 12 << 10;
  int backlog = 65535;  // cut to net.core.somaxconn
};

// `count` listeners on one address and port, one for each shard: the kernel spreads connections
// over them (SO_REUSEPORT). Port 0: one port of the kernel's choice for all. The address is claimed
// first without SO_REUSEPORT, so that a port on which any program listens, another broker of the
// same user included, is a Problem and is never shared by accident. Blocking, as io_uring wants
// them. Connections are not accepted before this returns, but may already queue.
std::expected<std::vector<Descriptor>, Problem> listen_tcp(const PeerAddress& address,
                                                           std::uint32_t count = 1,
                                                           const TcpOptions& options = {});
// Sets the same on a TCP listener that something else made (io/inherited.h).
std::expected<void, Problem> prepare_listener(const Descriptor& listener,
                                              const TcpOptions& options = {});
// Whether it is a Unix socket.
bool is_unix(int descriptor);
// Whether several rings may accept on this listener at a time. One of TCP that shares its port
// (SO_REUSEPORT), as those of listen_tcp() do, belongs to one ring; a Unix socket, or one that a
// service manager made, belongs to all shards.
bool may_be_shared(int listener);

// For connections that this listener accepts from now on (TcpOptions::user_timeout).
void set_user_timeout(int listener, Duration timeout);

// The first step of stopping without a reset: TCP handshakes that have begun are completed and can
// be accepted, and no other begins. A client that starts one gets no answer and tries again, by
// default after a second. A Unix socket has no handshakes and stays as it is.
void hold_handshakes(int listener);

// Stops listening: later connections are refused, as if nothing had ever listened. Connections that
// wait to be accepted are appended to `waiting`. A TCP handshake that is completed at this very
// moment is reset; after hold_handshakes() and the time that a handshake takes, there is none.
void stop_listening(int listener, std::vector<int>& waiting);

struct UnixOptions {
  std::uint32_t mode = 0660;
  std::string group;  // empty: left as it is
  int backlog = 1024;
};

// Listens on a Unix stream socket at `path`. A socket file nobody listens on is replaced; a live
// one, or a file that is not a socket, is left alone and is the Problem. Never reachable with wider
// permissions than `mode`, not even for a moment.
std::expected<Descriptor, Problem> listen_unix(const std::string& path,
                                               const UnixOptions& options = {});

// Ring::refuse(): sends `farewell`, as far as the socket takes it at once, and closes.
void refuse(int descriptor, std::string_view farewell);

// The process at the other end of a Unix socket (SO_PEERCRED); nothing if the kernel does not
// report it.
struct PeerCredentials {
  std::uint32_t process = 0;  // 0: in another container's numbering
  std::uint32_t user = 0, group = 0;
};
std::optional<PeerCredentials> peer_credentials(int descriptor);

}  // namespace fanfare::io
