#include "broker/client/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace fanfare::client {
namespace {

constexpr int kPollSliceMs = 3'600'000;  // poll()'s own limit is 24 days; an hour is enough

std::unexpected<Error> fault(Fault kind, std::string message) {
  return std::unexpected(Error{kind, std::move(message)});
}

// Starts a non-blocking connect; true when it is under way or done.
std::expected<Socket, Error> begin_connect(int family, const sockaddr* address, socklen_t size,
                                           const std::string& name, const Stop* stop) {
  const int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) {
    return fault(Fault::connection, fmt::format("cannot make a socket: {}", std::strerror(errno)));
  }
  Socket connecting(descriptor, name, stop);
  if (::connect(descriptor, address, size) != 0 && errno != EINPROGRESS) {
    return fault(Fault::connection,
                 fmt::format("cannot connect to {}: {}", name, std::strerror(errno)));
  }
  if (family != AF_UNIX) {
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return connecting;
}

}  // namespace

Socket::Socket(int descriptor, std::string peer, const Stop* stop)
    : descriptor_(descriptor), stop_(stop), peer_(std::move(peer)) {
  fcntl(descriptor_, F_SETFL, fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(stop_, other.stop_);
  std::swap(peer_, other.peer_);
  return *this;
}

void Socket::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

std::expected<Socket, Error> Socket::connect(const Endpoint& endpoint, TimePoint deadline,
                                             const Stop* stop) {
  const std::string name = endpoint.described();
  const auto finish = [&](std::expected<Socket, Error> begun) -> std::expected<Socket, Error> {
    if (!begun) return begun;
    if (auto waited = begun->wait(POLLOUT, deadline); !waited) {
      if (waited.error().fault == Fault::timeout) {
        waited.error().message = fmt::format("{} did not accept the connection in time", name);
      }
      return std::unexpected(waited.error());
    }
    int reason = 0;
    socklen_t size = sizeof reason;
    getsockopt(begun->descriptor_, SOL_SOCKET, SO_ERROR, &reason, &size);
    if (reason == 0) return begun;
    return fault(Fault::connection,
                 fmt::format("cannot connect to {}: {}", name, std::strerror(reason)));
  };

  if (!endpoint.unix_path.empty()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (endpoint.unix_path.size() >= sizeof address.sun_path) {
      return fault(Fault::address, fmt::format("the path {} is too long for a Unix socket", name));
    }
    endpoint.unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
    return finish(begin_connect(AF_UNIX, reinterpret_cast<const sockaddr*>(&address),
                                sizeof address, name, stop));
  }

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = fmt::format("{}", endpoint.port);
  if (const int code = getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found)) {
    return fault(Fault::address,
                 fmt::format("the host {} is unknown: {}", endpoint.host, gai_strerror(code)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::expected<Socket, Error> connected =
      fault(Fault::address, fmt::format("the host {} has no address", endpoint.host));
  for (const addrinfo* at = found; at != nullptr && !connected; at = at->ai_next) {
    connected = finish(begin_connect(at->ai_family, at->ai_addr, at->ai_addrlen, name, stop));
    if (!connected && connected.error().fault == Fault::stopped) break;
  }
  return connected;
}

std::expected<void, Error> Socket::wait(short events, TimePoint deadline) {
  std::array<pollfd, 2> waits{
      pollfd{.fd = descriptor_, .events = events, .revents = 0},
      pollfd{.fd = stop_ != nullptr ? stop_->descriptor() : -1, .events = POLLIN, .revents = 0}};
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - monotonic_now()).count();
    const int timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, kPollSliceMs));
    const int ready = poll(waits.data(), waits.size(), timeout);
    if (ready < 0 && errno != EINTR) {
      return fault(Fault::connection, fmt::format("cannot wait: {}", std::strerror(errno)));
    }
    if (waits[1].revents != 0) return fault(Fault::stopped, "stopped");
    if (ready > 0) return {};
    if (left <= 0) return fault(Fault::timeout, fmt::format("{} was silent for too long", peer_));
  }
}

std::expected<Socket::Progress, Error> Socket::exchange(std::string_view out, std::span<char> into,
                                                        TimePoint deadline) {
  const int wanted = (out.empty() ? 0 : POLLOUT) | (into.empty() ? 0 : POLLIN);
  while (true) {
    if (auto ready = wait(static_cast<short>(wanted), deadline); !ready) {
      return std::unexpected(ready.error());
    }
    Progress progress;
    if (!into.empty()) {
      const auto received = recv(descriptor_, into.data(), into.size(), MSG_DONTWAIT);
      if (received > 0) progress.received = static_cast<std::size_t>(received);
      if (received == 0) progress.received_end = true;
      if (received < 0 && errno != EAGAIN && errno != EINTR) {
        return fault(Fault::connection,
                     fmt::format("the connection to {} was cut: {}", peer_, std::strerror(errno)));
      }
    }
    if (!out.empty() && !progress.received_end) {
      const auto sent = ::send(descriptor_, out.data(), out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) progress.sent = static_cast<std::size_t>(sent);
      if (sent < 0 && errno != EAGAIN && errno != EINTR && progress.received == 0) {
        return fault(Fault::connection,
                     fmt::format("the connection to {} was cut: {}", peer_, std::strerror(errno)));
      }
    }
    if (progress.sent > 0 || progress.received > 0 || progress.received_end) return progress;
  }
}

std::expected<void, Error> Socket::send(std::string_view bytes, TimePoint deadline) {
  while (!bytes.empty()) {
    auto progress = exchange(bytes, {}, deadline);
    if (!progress) return std::unexpected(progress.error());
    bytes.remove_prefix(progress->sent);
  }
  return {};
}

std::expected<std::size_t, Error> Socket::receive(std::span<char> into, TimePoint deadline) {
  auto progress = exchange({}, into, deadline);
  if (!progress) return std::unexpected(progress.error());
  return progress->received;
}

}  // namespace fanfare::client
