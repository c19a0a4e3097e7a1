#include "broker/io/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>

#include "broker/io/descriptor.h"

namespace fanfare::io {
namespace {

std::unexpected<Problem> problem(std::string message, int error = 0) {
  return std::unexpected(Problem{.message = std::move(message), .error = error});
}

sockaddr* writable(PeerAddress& address) {
  // NOLINTNEXTLINE(bugprone-casting-through-void): what sockaddr_storage is for
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
    return problem(fmt::format("\"{}\" has only one bracket: write IPv6 as \"[::1]:8080\"", text));
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
    return problem(fmt::format("\"{}\" in \"{}\" is not a port: 0 to 65535", port, text));
  }
  return HostAndPort{.host = std::string(host), .port = std::string(port)};
}

}  // namespace

const sockaddr* as_sockaddr(const PeerAddress& address) {
  // NOLINTNEXTLINE(bugprone-casting-through-void): what sockaddr_storage is for
  return static_cast<const sockaddr*>(static_cast<const void*>(&address.storage));
}

std::uint16_t port_of(const PeerAddress& address) {
  return ntohs(specific<sockaddr_in>(address).sin_port);  // at the same place in both families
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
    return problem(
        fmt::format("\"{}\": the host \"{}\" is neither an address nor a known name ({})", text,
                    parts->host, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(first, ::freeaddrinfo);
  PeerAddress address;
  address.size = found->ai_addrlen;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  if (parts->host.empty()) {
    const Descriptor v6(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in6 any{.sin6_family = AF_INET6,
                           .sin6_port = specific<sockaddr_in>(address).sin_port,
                           .sin6_flowinfo = 0,
                           .sin6_addr = IN6ADDR_ANY_INIT,
                           .sin6_scope_id = 0};
    if (v6) {
      address.size = sizeof any;
      std::memcpy(&address.storage, &any, sizeof any);
    }
  }
  return address;
}

std::expected<PeerAddress, Problem> unix_address(std::string_view path) {
  sockaddr_un named{};
  if (path.empty() || path.size() >= sizeof named.sun_path) {
    return problem(fmt::format("\"{}\": the path of a socket has 1 to {} bytes", path,
                               sizeof named.sun_path - 1));
  }
  named.sun_family = AF_UNIX;
  std::memcpy(named.sun_path, path.data(), path.size());
  PeerAddress address;
  address.size = sizeof named;
  std::memcpy(&address.storage, &named, sizeof named);
  return address;
}

PeerAddress bound_address(int listener) {
  PeerAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(listener, writable(address), &address.size) != 0) address.size = 0;
  return address;
}

PeerAddress peer_address(int descriptor) {
  PeerAddress address;
  address.size = sizeof address.storage;
  if (::getpeername(descriptor, writable(address), &address.size) != 0 ||
      address.storage.ss_family == AF_UNIX) {
    address.size = 0;
  }
  return address;
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
  std::string host = format_host(address);
  if (host == "unix") return host;
  const std::uint16_t port = port_of(address);
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

}  // namespace fanfare::io
