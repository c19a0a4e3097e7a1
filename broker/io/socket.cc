#include "broker/io/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

namespace fanfare::io {
namespace {

int milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

// As a socket option takes them: at least one.
int option_seconds(Duration duration) {
  return static_cast<int>(std::max<std::int64_t>(1, whole_seconds(duration)));
}

struct Option {
  int level, name, value;
  const char* text;
};

std::optional<Problem> set(const Descriptor& socket, const Option& option,
                           const PeerAddress& address) {
  if (::setsockopt(socket.number(), option.level, option.name, &option.value,
                   sizeof option.value) == 0) {
    return std::nullopt;
  }
  const int error = errno;
  return Problem{
      .message = fmt::format("{}: the kernel refuses {} = {}: {}", format_address(address),
                             option.text, option.value, std::strerror(error)),
      .error = error};
}

std::string bind_advice(int error, const PeerAddress& address) {
  switch (error) {
    case EADDRINUSE:
      return "address already in use: stop the program that listens there, or choose another port";
    case EADDRNOTAVAIL:
      return "no interface of this machine has that address";
    case EACCES:
      return port_of(address) < 1024 ? "ports below 1024 need the capability CAP_NET_BIND_SERVICE"
                                     : "permission denied";
    case EMFILE:
    case ENFILE:
      return "no descriptor is left: raise RLIMIT_NOFILE (LimitNOFILE= in a systemd unit)";
    default:
      return std::strerror(error);
  }
}

std::unexpected<Problem> refused(const PeerAddress& address, int error) {
  return std::unexpected(Problem{
      .message = fmt::format("{}: {}", format_address(address), bind_advice(error, address)),
      .error = error});
}

std::optional<Problem> set_options(const Descriptor& listener, const PeerAddress& address,
                                   const TcpOptions& options) {
  const Option wanted[] = {
      {SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"},
      {IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"},
      {IPPROTO_TCP, TCP_NOTSENT_LOWAT, options.unsent_bytes_max, "TCP_NOTSENT_LOWAT"},
      {IPPROTO_TCP, TCP_USER_TIMEOUT, milliseconds(options.user_timeout), "TCP_USER_TIMEOUT"},
      {IPPROTO_TCP, TCP_KEEPIDLE, option_seconds(options.keep_alive_idle), "TCP_KEEPIDLE"},
      {IPPROTO_TCP, TCP_KEEPINTVL, option_seconds(options.keep_alive_interval), "TCP_KEEPINTVL"},
      {IPPROTO_TCP, TCP_KEEPCNT, options.keep_alive_count, "TCP_KEEPCNT"},
  };
  for (const Option& option : wanted) {
    if (auto refusal = set(listener, option, address)) return refusal;
  }
  return std::nullopt;
}

// A bound socket that does not listen yet. With `claim` it is bound alone, and shares its port only
// from then on.
std::expected<Descriptor, Problem> bind_tcp(const PeerAddress& address, bool claim,
                                            const TcpOptions& options) {
  Descriptor listener(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) return refused(address, errno);
  const Option again{SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"};
  const Option share{SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"};
  auto refusal = set(listener, again, address);
  if (!refusal) refusal = set_options(listener, address, options);
  if (refusal) return std::unexpected(*std::move(refusal));
  if (!claim) refusal = set(listener, share, address);
  if (refusal) return std::unexpected(*std::move(refusal));
  if (::bind(listener.number(), as_sockaddr(address), address.size) != 0) {
    return refused(address, errno);
  }
  if (claim) refusal = set(listener, share, address);
  if (refusal) return std::unexpected(*std::move(refusal));
  return listener;
}

}  // namespace

std::expected<void, Problem> prepare_listener(const Descriptor& listener,
                                              const TcpOptions& options) {
  const PeerAddress address = bound_address(listener.number());
  if (auto refusal = set_options(listener, address, options)) {
    return std::unexpected(*std::move(refusal));
  }
  // On a socket that listens already this only changes how many connections may wait.
  if (::listen(listener.number(), options.backlog) != 0) return refused(address, errno);
  return {};
}

bool is_unix(int descriptor) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

bool may_be_shared(int listener) {
  if (is_unix(listener)) return true;
  int alone = 0;
  socklen_t size = sizeof alone;
  return ::getsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &alone, &size) == 0 && alone == 0;
}

// Cannot fail on a TCP socket, and a listener that keeps the old value is no worse than before.
void set_user_timeout(int listener, Duration timeout) {
  const int value = milliseconds(timeout);
  static_cast<void>(::setsockopt(listener, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof value));
}

std::expected<std::vector<Descriptor>, Problem> listen_tcp(const PeerAddress& address,
                                                           std::uint32_t count,
                                                           const TcpOptions& options) {
  std::vector<Descriptor> listeners;
  PeerAddress claimed = address;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto listener = bind_tcp(claimed, /*claim=*/i == 0, options);
    if (!listener) return std::unexpected(std::move(listener).error());
    if (i == 0) claimed = bound_address(listener->number());
    listeners.push_back(*std::move(listener));
  }
  for (const Descriptor& listener : listeners) {
    if (::listen(listener.number(), options.backlog) == 0) continue;
    return refused(claimed, errno);
  }
  return listeners;
}

// The kernel shows a listener's filter each packet that comes for it, from its TCP header on; of
// those that begin a handshake (SYN without ACK) nothing is kept. Where filters are not to be had,
// the end is as it would be without.
void hold_handshakes(int listener) {
  constexpr std::uint32_t kFlagsAt = 13, kSyn = 0x02, kAck = 0x10;
  constexpr std::uint32_t kNothing = 0, kAll = 0xffff'ffff;
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlagsAt),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSyn | kAck),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, kNothing),
      BPF_STMT(BPF_RET | BPF_K, kAll),
  };
  const sock_fprog program{.len = std::size(steps), .filter = steps};
  static_cast<void>(::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
}

void stop_listening(int listener, std::vector<int>& waiting) {
  // Connections that wait at a Unix socket can still be accepted after it was shut down; TCP would
  // reset them.
  if (is_unix(listener)) ::shutdown(listener, SHUT_RDWR);
  ::fcntl(listener, F_SETFL, ::fcntl(listener, F_GETFL) | O_NONBLOCK);
  while (true) {
    const int descriptor = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (descriptor < 0) break;
    waiting.push_back(descriptor);
  }
  ::shutdown(listener, SHUT_RDWR);
}

void refuse(int descriptor, std::string_view farewell) {
  if (!farewell.empty()) {
    static_cast<void>(
        ::send(descriptor, farewell.data(), farewell.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  }
  ::close(descriptor);
}

std::optional<PeerCredentials> peer_credentials(int descriptor) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  constexpr auto kUnknown = static_cast<uid_t>(-1);  // what other kinds of sockets answer
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 ||
      credentials.uid == kUnknown) {
    return std::nullopt;
  }
  return PeerCredentials{.process = static_cast<std::uint32_t>(credentials.pid),
                         .user = credentials.uid,
                         .group = credentials.gid};
}

}  // namespace fanfare::io
