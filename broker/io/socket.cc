#include "broker/io/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>

#include "common/check.h"

namespace fanfare::io {
namespace {

std::unexpected<Problem> problem(std::string message, int error = 0) {
  return std::unexpected(Problem{.message = std::move(message), .error = error});
}

const sockaddr* generic(const PeerAddress& address) {
  // NOLINTNEXTLINE(bugprone-casting-through-void): what sockaddr_storage is for
  return static_cast<const sockaddr*>(static_cast<const void*>(&address.storage));
}
sockaddr* generic(PeerAddress& address) {
  // NOLINTNEXTLINE(bugprone-casting-through-void)
  return static_cast<sockaddr*>(static_cast<void*>(&address.storage));
}
template <class Specific>
Specific specific(const PeerAddress& address) {
  static_assert(sizeof(Specific) <= sizeof address.storage);
  Specific copy{};
  std::memcpy(&copy, &address.storage, sizeof copy);
  return copy;
}

struct HostAndPort {
  std::string host;
  std::string port;
};

std::expected<HostAndPort, Problem> split(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return problem(fmt::format("\"{}\" has no port: write it as \"{}:8080\"", text,
                               text.empty() ? "127.0.0.1" : text));
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') != host.ends_with(']')) {
    return problem(fmt::format("\"{}\" has one bracket: write IPv6 as \"[::1]:8080\"", text));
  }
  if (host.starts_with('[')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return problem(
        fmt::format("\"{}\" is ambiguous: write IPv6 in brackets, as \"[::1]:8080\"", text));
  }
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || error != std::errc() || end != port.data() + port.size() || number > 65535) {
    return problem(fmt::format("\"{}\" in \"{}\" is no port: 0 to 65535", port, text));
  }
  return HostAndPort{.host = std::string(host), .port = std::string(port)};
}

int whole_seconds(Duration duration) {
  return static_cast<int>(std::max<std::int64_t>(
      1, std::chrono::duration_cast<std::chrono::seconds>(duration).count()));
}

struct Option {
  int level, name, value;
  const char* text;
};

std::string bind_advice(int error, const PeerAddress& address) {
  switch (error) {
    case EADDRINUSE:
      return "address already in use: stop the program that listens there, or choose another port";
    case EADDRNOTAVAIL:
      return "no interface of this machine has that address";
    case EACCES: {
      const auto port = ntohs(specific<sockaddr_in>(address).sin_port);  // same place in both
      return port < 1024 ? "ports below 1024 need the capability CAP_NET_BIND_SERVICE"
                         : "permission denied";
    }
    default:
      return std::strerror(error);
  }
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (number_ >= 0) ::close(number_);
    number_ = other.release();
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

std::expected<PeerAddress, Problem> parse_address(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return std::unexpected(parts.error());
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* first = nullptr;
  const int error = ::getaddrinfo(parts->host.empty() ? nullptr : parts->host.c_str(),
                                  parts->port.c_str(), &wanted, &first);
  if (error != 0) {
    return problem(fmt::format("\"{}\": the host \"{}\" is no address and no known name ({})", text,
                               parts->host, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(first, ::freeaddrinfo);
  PeerAddress address;
  address.size = found->ai_addrlen;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  return address;
}

std::expected<Descriptor, Problem> listen_tcp(const PeerAddress& address,
                                              const TcpOptions& options) {
  const std::string where = format_address(address);
  Descriptor listener(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) {
    return problem(fmt::format("{}: no socket: {}", where, std::strerror(errno)), errno);
  }
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(options.user_timeout).count();
  const Option wanted[] = {
      {SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"},
      {SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"},
      {SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"},
      {IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"},
      {IPPROTO_TCP, TCP_NOTSENT_LOWAT, options.unsent_bytes_max, "TCP_NOTSENT_LOWAT"},
      {IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(milliseconds), "TCP_USER_TIMEOUT"},
      {IPPROTO_TCP, TCP_KEEPIDLE, whole_seconds(options.keep_alive_idle), "TCP_KEEPIDLE"},
      {IPPROTO_TCP, TCP_KEEPINTVL, whole_seconds(options.keep_alive_interval), "TCP_KEEPINTVL"},
      {IPPROTO_TCP, TCP_KEEPCNT, options.keep_alive_count, "TCP_KEEPCNT"},
  };
  for (const Option& option : wanted) {
    if (::setsockopt(listener.number(), option.level, option.name, &option.value,
                     sizeof option.value) != 0) {
      return problem(fmt::format("{}: the kernel refuses {} = {}: {}", where, option.text,
                                 option.value, std::strerror(errno)),
                     errno);
    }
  }
  if (::bind(listener.number(), generic(address), address.size) != 0 ||
      ::listen(listener.number(), options.backlog) != 0) {
    const int error = errno;
    return problem(fmt::format("{}: {}", where, bind_advice(error, address)), error);
  }
  return listener;
}

PeerAddress bound_address(int listener) {
  PeerAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(listener, generic(address), &address.size) != 0) address.size = 0;
  return address;
}

PeerAddress peer_address(int descriptor) {
  PeerAddress address;
  address.size = sizeof address.storage;
  if (::getpeername(descriptor, generic(address), &address.size) != 0 ||
      address.storage.ss_family == AF_UNIX) {
    address.size = 0;
  }
  return address;
}

std::optional<PeerCredentials> peer_credentials(int descriptor) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 ||
      credentials.pid == 0) {
    return std::nullopt;
  }
  return PeerCredentials{.process = static_cast<std::uint32_t>(credentials.pid),
                         .user = credentials.uid,
                         .group = credentials.gid};
}

std::string format_host(const PeerAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.size > 0 && address.storage.ss_family == AF_INET) {
    const auto v4 = specific<sockaddr_in>(address);
    return ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  }
  if (address.size > 0 && address.storage.ss_family == AF_INET6) {
    const auto v6 = specific<sockaddr_in6>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      return ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    }
    return ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  }
  return "unix";
}

std::string format_address(const PeerAddress& address) {
  const std::string host = format_host(address);
  if (host == "unix") return host;
  const auto port = ntohs(specific<sockaddr_in>(address).sin_port);  // same place in both
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

}  // namespace fanfare::io
