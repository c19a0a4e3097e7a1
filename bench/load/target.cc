#include "bench/load/target.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

namespace fanfare::load {

std::string Target::with_channel(std::string_view pattern, std::string_view channel) {
  constexpr std::string_view kMark = "{channel}";
  std::string text(pattern);
  const std::size_t at = text.find(kMark);
  if (at != std::string::npos) text.replace(at, kMark.size(), channel);
  return text;
}

std::string Target::channel_name(std::uint32_t channel) const {
  return fmt::format("{}/{}", prefix, channel);
}

std::string Target::subscription(std::uint32_t group) const {
  const std::uint32_t first = group * channels_each;
  std::string text = channel_name(first) + suffix;
  for (std::uint32_t i = 1; i < channels_each; ++i) {
    text += "&channel=" + channel_name(first + i) + suffix;
  }
  return text;
}

std::string Target::request(std::string_view channel, std::string_view last_event_id) const {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n{}{}\r\n",
      with_channel(path, channel), host, fields,
      last_event_id.empty() ? std::string() : fmt::format("Last-Event-ID: {}\r\n", last_event_id));
}

int connect_tcp(const std::string& host, std::uint16_t port, std::uint32_t source, bool wait) {
  const int descriptor =
      ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
  if (descriptor < 0) return -1;
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (source != 0) {
    // The port is chosen at connect(), by the whole four-tuple: one address serves many
    // connections.
    ::setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(0x7f000000U + source);
    if (::bind(descriptor, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) {
      ::close(descriptor);
      return -1;
    }
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  ::inet_pton(AF_INET, host.c_str(), &to.sin_addr);
  if (::connect(descriptor, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 &&
      errno != EINPROGRESS) {
    const int error = errno;
    ::close(descriptor);
    errno = error;
    return -1;
  }
  return descriptor;
}

int connect_unix(const std::string& path) {
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  path.copy(to.sun_path, sizeof to.sun_path - 1);
  if (::connect(descriptor, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    const int error = errno;
    ::close(descriptor);
    errno = error;
    return -1;
  }
  return descriptor;
}

}  // namespace fanfare::load
